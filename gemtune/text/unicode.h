#pragma once

namespace gemtune::text {

/// `\w` of Hugging Face's `tokenizers` (crate regex): Alphabetic, marks, decimal digits, connector
/// punctuation such as '_', and the two joiners. U+2581, a space in normalized text, is none. Of Unicode as
/// utf8proc has it; what is newer (utf8proc 2.8: Unicode 15, tokenizers 0.23: Unicode 16) is taken for
/// unassigned.
bool IsWordCharacter(char32_t character);

/// `\s` there: Unicode's White_Space. Neither U+2581 nor U+200B (zero width space) is.
bool IsWhiteSpace(char32_t character);

}  // namespace gemtune::text
