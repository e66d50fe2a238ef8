#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gemtune::data {

/// Throws Error, with the cure, where a file's first bytes say that it is none of the files that are read, or
/// not the one that its name says: compressed, a workbook, a web page, a Git LFS pointer.
void RefuseForeignContent(const std::string& path, std::string_view first_bytes);

enum class TextEncoding : uint8_t { kUtf8, kUtf16LittleEndian, kUtf16BigEndian };

/// How a text begins.
struct TextStart {
  TextEncoding encoding = TextEncoding::kUtf8;
  size_t mark_bytes = 0;  // of its byte order mark
};

/// By the byte order mark; UTF-8 without one. Throws Error for UTF-32, and for UTF-16 without a mark where
/// the first bytes show it.
TextStart StartOfText(const std::string& path, std::string_view first_bytes);

}  // namespace gemtune::data
