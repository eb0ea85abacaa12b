//! Human-readable text: the rule for every name and id of the domain.

use thiserror::Error;
use unicode_general_category::{GeneralCategory, get_general_category};

/// Why a text is rejected. The message follows a field's name: "aws_region must not be empty".
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TextError {
    /// It is empty.
    #[error("must not be empty")]
    Empty,
    /// It has more characters (not bytes) than its column holds.
    #[error("must be at most {max} characters long, but has {length}")]
    TooLong {
        /// The most characters allowed.
        max: usize,
        /// How many it has.
        length: usize,
    },
    /// It contains a control, format, private-use or unassigned character, or a line break.
    #[error("must be printable text, but its character {position} is U+{code:04X}")]
    NotPrintable {
        /// The character's position, counted from 1.
        position: usize,
        /// Its code point.
        code: u32,
    },
    /// It contains U+FFFD, which decoders substitute for bytes that are not UTF-8: the client sent something else.
    #[error(
        "must be UTF-8 text, but its character {position} is U+FFFD, which replaces bytes that are not"
    )]
    Replaced {
        /// The character's position, counted from 1.
        position: usize,
    },
    /// It has no visible character.
    #[error("must have at least one visible character")]
    Invisible,
    /// It begins or ends with white space, which MySQL's comparisons would ignore.
    #[error("must not begin or end with white space")]
    OuterWhiteSpace,
}

/// The class of a character in the rule for printable text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CharacterClass {
    /// A letter, a mark, a number or a symbol: what a joiner may join.
    Joinable,
    /// Punctuation, and spaces of any width.
    Other,
    /// U+200C or U+200D, without which several scripts cannot be written.
    Joiner,
    /// Not allowed in any text.
    Refused,
}

/// Classifies `c` by Unicode's general categories.
fn kind(c: char) -> CharacterClass {
    use GeneralCategory as Category;
    if matches!(c, '\u{200C}' | '\u{200D}') {
        return CharacterClass::Joiner;
    }
    match get_general_category(c) {
        Category::Control
        | Category::Format
        | Category::LineSeparator
        | Category::ParagraphSeparator
        | Category::PrivateUse
        | Category::Surrogate
        | Category::Unassigned => CharacterClass::Refused,
        Category::ConnectorPunctuation
        | Category::DashPunctuation
        | Category::OpenPunctuation
        | Category::ClosePunctuation
        | Category::InitialPunctuation
        | Category::FinalPunctuation
        | Category::OtherPunctuation
        | Category::SpaceSeparator => CharacterClass::Other,
        _ => CharacterClass::Joinable,
    }
}

/// Whether `c` is visible in a printable text. Marks are visible only on a letter; fillers are letters and symbols by
/// category, but blank.
fn is_visible(c: char) -> bool {
    let is_filler = matches!(
        c,
        '\u{115F}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{FFA0}'
    );
    !is_filler
        && kind(c) != CharacterClass::Joiner
        && !matches!(
            get_general_category(c),
            GeneralCategory::SpaceSeparator
                | GeneralCategory::NonspacingMark
                | GeneralCategory::EnclosingMark
        )
}

/// The first unprintable character of `text`, with its position, counted from 1.
fn unprintable(text: &str) -> Option<(usize, char)> {
    let mut before = CharacterClass::Other;
    let mut characters = text.chars().enumerate().peekable();
    while let Some((index, c)) = characters.next() {
        let here = kind(c);
        let is_allowed = match here {
            CharacterClass::Joinable | CharacterClass::Other => true,
            CharacterClass::Joiner => {
                let after = characters.peek().map(|(_, next)| kind(*next));
                before == CharacterClass::Joinable && after == Some(CharacterClass::Joinable)
            }
            CharacterClass::Refused => false,
        };
        if !is_allowed {
            return Some((index + 1, c));
        }
        before = here;
    }
    None
}

/// Checks that `text` is 1 to `max` printable characters, at least one of them visible.
///
/// # Errors
/// The first rule that `text` breaks.
pub fn check_printable(text: &str, max: usize) -> Result<(), TextError> {
    if text.is_empty() {
        return Err(TextError::Empty);
    }
    let length = text.chars().count();
    if length > max {
        return Err(TextError::TooLong { max, length });
    }
    // Most texts are ASCII and need no table.
    if text.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(());
    }
    if let Some(index) = text.chars().position(|c| c == char::REPLACEMENT_CHARACTER) {
        return Err(TextError::Replaced {
            position: index + 1,
        });
    }
    if let Some((position, c)) = unprintable(text) {
        return Err(TextError::NotPrintable {
            position,
            code: u32::from(c),
        });
    }
    if !text.chars().any(is_visible) {
        return Err(TextError::Invisible);
    }
    Ok(())
}

/// Checks that `text` is 1 to `max` printable characters, without white space around it.
///
/// # Errors
/// The first rule that `text` breaks.
pub fn check_trimmed(text: &str, max: usize) -> Result<(), TextError> {
    match check_printable(text, max) {
        Ok(()) | Err(TextError::Invisible)
            if text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace) =>
        {
            Err(TextError::OuterWhiteSpace)
        }
        checked => checked,
    }
}

/// Defines a type for a text of the domain: a private field, a checking constructor, and accessors.
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $max:literal, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The most characters allowed.
            pub const MAX_CHARS: usize = $max;

            /// Accepts `text` if it follows the rule.
            ///
            /// # Errors
            /// The rule that `text` breaks, as the end of a sentence that begins with the field's name.
            pub fn parse(text: impl Into<String>) -> Result<Self, $crate::text::TextError> {
                let text = text.into();
                $check(&text, Self::MAX_CHARS)?;
                Ok(Self(text))
            }

            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::text::TextError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
pub(crate) use text_type;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_count_characters_not_bytes() {
        assert_eq!(check_trimmed(&"é".repeat(30), 30), Ok(()));
        assert_eq!(
            check_trimmed(&"𝕏".repeat(31), 30),
            Err(TextError::TooLong {
                max: 30,
                length: 31
            })
        );
    }

    #[test]
    fn any_script_is_printable() {
        for text in [
            "i-01aaae43feb712345",
            "сервер",
            "服务器",
            "خادم",
            "می\u{200C}خواهم",
            "👩\u{200D}💻",
            "❤\u{FE0F}\u{200D}🔥",
            "क\u{94D}\u{200D}ष",
            "مرحبا، 123",
            "e\u{301}",
            "a/b?c=d#e",
            "..",
            "a b",
        ] {
            assert_eq!(check_trimmed(text, 255), Ok(()), "{text}");
        }
    }

    #[test]
    fn characters_that_nobody_can_see_are_refused() {
        for (text, position, code) in [
            ("a\0b", 2, 0),
            ("a\r\nb", 2, 0x0D),
            ("\u{7F}", 1, 0x7F),
            ("a\u{85}b", 2, 0x85),
            ("ab\u{2028}c", 3, 0x2028),
            ("\u{FFFE}", 1, 0xFFFE),
            ("\u{1FFFF}", 1, 0x1FFFF),
            ("\u{200B}", 1, 0x200B),
            ("a\u{AD}b", 2, 0xAD),
            ("\u{FEFF}", 1, 0xFEFF),
            ("a\u{202E}b", 2, 0x202E),
            ("a\u{2066}b", 2, 0x2066),
            ("a\u{E000}", 2, 0xE000),
            ("\u{10FFFD}", 1, 0x10_FFFD),
            ("a\u{378}", 2, 0x378),
            ("\u{E0041}", 1, 0xE0041),
            ("\u{200D}", 1, 0x200D),
            ("a\u{200D}", 2, 0x200D),
            ("\u{200C}a", 1, 0x200C),
            ("a \u{200D}b", 3, 0x200D),
            ("a\u{200D}\u{200D}b", 2, 0x200D),
        ] {
            assert_eq!(
                check_printable(text, 255),
                Err(TextError::NotPrintable { position, code }),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_text_that_shows_nothing_is_refused() {
        for text in [
            " ",
            "\u{3000} \u{A0}",
            "\u{301}",
            "\u{FE0F}",
            "\u{3164}",
            "\u{115F}\u{1160}",
            "\u{2800}",
        ] {
            assert_eq!(
                check_printable(text, 255),
                Err(TextError::Invisible),
                "{text:?}"
            );
        }
        assert_eq!(check_printable("\u{3164}.", 255), Ok(()));
    }

    #[test]
    fn bytes_that_were_not_utf_8_are_refused() {
        assert_eq!(
            check_trimmed("ab\u{FFFD}", 255),
            Err(TextError::Replaced { position: 3 })
        );
    }

    #[test]
    fn white_space_around_a_text_is_refused_and_within_it_taken() {
        for text in [" a", "a ", "\u{A0}a", "a\u{3000}"] {
            assert_eq!(
                check_trimmed(text, 255),
                Err(TextError::OuterWhiteSpace),
                "{text:?}"
            );
        }
        assert_eq!(check_trimmed("a b", 255), Ok(()));
        assert_eq!(check_printable(" a ", 255), Ok(()));
    }

    #[test]
    fn every_refusal_reads_as_the_end_of_a_sentence() {
        let said: Vec<String> = ["", "abcd", "a\t", "a\u{FFFD}", "\u{301}", "a "]
            .iter()
            .filter_map(|text| check_trimmed(text, 3).err())
            .map(|error| format!("aws_region {error}"))
            .collect();
        assert_eq!(
            said,
            [
                "aws_region must not be empty",
                "aws_region must be at most 3 characters long, but has 4",
                "aws_region must be printable text, but its character 2 is U+0009",
                "aws_region must be UTF-8 text, but its character 2 is U+FFFD, which replaces bytes that are not",
                "aws_region must have at least one visible character",
                "aws_region must not begin or end with white space",
            ]
        );
    }
}
