#pragma once

namespace gemtune::text {

/// `\w` of Hugging Face's `tokenizers` (crate regex): Alphabetic, marks, decimal digits, connector
/// punctuation such as '_', and the two joiners. U+2581, a space in normalized text, is not one. Uses
/// utf8proc's version of Unicode; newer characters count as unassigned (utf8proc 2.8 has Unicode 15,
/// tokenizers 0.23 Unicode 16).
bool IsWordCharacter(char32_t character);

/// `\s` of `tokenizers`: Unicode's White_Space. Neither U+2581 nor U+200B (zero width space) belongs to it.
bool IsWhiteSpace(char32_t character);

}  // namespace gemtune::text
