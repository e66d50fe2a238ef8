#include "gemtune/data/file_content.h"

#include <algorithm>
#include <array>
#include <optional>

#include "gemtune/base/error.h"

namespace gemtune::data {
namespace {

using namespace std::string_view_literals;

struct ForeignRow {
  std::string_view first_bytes;
  std::string_view complaint;
};

constexpr std::string_view kArrowComplaint =
    "is an Arrow file; make Parquet of it (datasets.Dataset.from_file, then to_parquet)";

// Long enough not to be the first letters of a header row.
constexpr std::array kForeign = {
    ForeignRow{"\x1f\x8b"sv, "is compressed with gzip; put .gz behind its name, or unpack it"},
    ForeignRow{"\x28\xb5\x2f\xfd"sv, "is compressed with zstd; put .zst behind its name, or unpack it"},
    ForeignRow{"BZh91AY&SY"sv, "is compressed with bzip2; put .bz2 behind its name, or unpack it"},
    ForeignRow{"\x04\x22\x4d\x18"sv, "is compressed with lz4; put .lz4 behind its name, or unpack it"},
    ForeignRow{"\xfd\x37zXZ\0"sv, "is compressed with xz; unpack it"},
    ForeignRow{"PK\x03\x04"sv, "is a ZIP archive or an Excel workbook; unpack it, or save the sheet as CSV"},
    ForeignRow{"\xd0\xcf\x11\xe0"sv, "is an Excel workbook; save the sheet as CSV"},
    ForeignRow{"PAR1\x15"sv, "is a Parquet file; give it a name that ends in .parquet"},
    ForeignRow{"ARROW1\0\0"sv, kArrowComplaint},
    ForeignRow{"\xff\xff\xff\xff"sv, kArrowComplaint},
    ForeignRow{"version https://git-lfs.github.com/"sv,
               "is a Git LFS pointer and not the file itself; fetch that with 'git lfs pull'"},
};

constexpr std::array kPageStarts = {"<!doctype html"sv, "<html"sv};

bool IsWebPage(std::string_view bytes) {
  const size_t begin = std::min(bytes.find_first_not_of(" \t\r\n"), bytes.size());
  std::string start(bytes.substr(begin, 20));
  for (char& c : start) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return std::any_of(kPageStarts.begin(), kPageStarts.end(),
                     [&](std::string_view page) { return start.starts_with(page); });
}

struct MarkRow {
  std::string_view bytes;
  std::optional<TextEncoding> encoding;  // none: UTF-32
};

// UTF-32 comes first: its little-endian mark begins with that of UTF-16.
constexpr std::array kMarks = {
    MarkRow{"\xff\xfe\0\0"sv, std::nullopt},
    MarkRow{"\0\0\xfe\xff"sv, std::nullopt},
    MarkRow{"\xef\xbb\xbf"sv, TextEncoding::kUtf8},
    MarkRow{"\xff\xfe"sv, TextEncoding::kUtf16LittleEndian},
    MarkRow{"\xfe\xff"sv, TextEncoding::kUtf16BigEndian},
};

struct ZerosRow {
  std::string_view pattern;  // of the first bytes: 'a' for an ASCII byte, '0' for a zero
  std::string_view encoding;
};

constexpr std::array kZeros = {
    ZerosRow{"a0a0", "UTF-16"},
    ZerosRow{"0a0a", "UTF-16"},
    ZerosRow{"a000", "UTF-32"},
    ZerosRow{"000a", "UTF-32"},
};

bool HasZeros(std::string_view pattern, std::string_view bytes) {
  if (bytes.size() < pattern.size()) return false;
  return std::equal(pattern.begin(), pattern.end(), bytes.begin(), [](char wanted, char byte) {
    return wanted == '0' ? byte == 0 : byte != 0 && static_cast<unsigned char>(byte) < 0x80;
  });
}

}  // namespace

void RefuseForeignContent(const std::string& path, std::string_view first_bytes) {
  for (const ForeignRow& row : kForeign) {
    if (first_bytes.starts_with(row.first_bytes)) Fail("{}: {}", path, row.complaint);
  }
  if (IsWebPage(first_bytes)) {
    Fail("{}: is a web page (HTML) and not a table; download the file itself", path);
  }
}

TextStart StartOfText(const std::string& path, std::string_view first_bytes) {
  for (const MarkRow& row : kMarks) {
    if (!first_bytes.starts_with(row.bytes)) continue;
    if (!row.encoding) Fail("{}: is UTF-32; save it as UTF-8", path);
    return {.encoding = *row.encoding, .mark_bytes = row.bytes.size()};
  }
  for (const ZerosRow& row : kZeros) {
    if (!HasZeros(row.pattern, first_bytes)) continue;
    Fail("{}: looks like {} without a byte order mark; save it as UTF-8", path, row.encoding);
  }
  return {};
}

}  // namespace gemtune::data
