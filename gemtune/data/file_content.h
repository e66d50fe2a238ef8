#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gemtune::data {

/// Throws an Error that says what to do if a file's first bytes show that it is not of a supported format, or
/// not of the format in its name: compressed, a workbook, a web page, a Git LFS pointer.
void RefuseForeignContent(const std::string& path, std::string_view first_bytes);

enum class TextEncoding : uint8_t { kUtf8, kUtf16LittleEndian, kUtf16BigEndian };

/// The beginning of a text file.
struct TextStart {
  TextEncoding encoding = TextEncoding::kUtf8;
  size_t mark_bytes = 0;  // length of its byte order mark
};

/// The encoding by the byte order mark; UTF-8 without one. Throws Error for UTF-32, and for UTF-16 without a
/// mark if the first bytes show it.
TextStart StartOfText(const std::string& path, std::string_view first_bytes);

}  // namespace gemtune::data
