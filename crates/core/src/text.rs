//! Text that a person can read: the rule behind every name and id of the domain.

use thiserror::Error;

/// Why a text is not taken. The sentence continues the name of a field: "aws_region must not be empty".
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TextError {
    /// There is nothing in it.
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
    /// It has a control character, a line break or a Unicode noncharacter.
    #[error("must be printable text, but its character {position} is U+{code:04X}")]
    NotPrintable {
        /// Which character, counted from 1.
        position: usize,
        /// Its code point.
        code: u32,
    },
    /// It begins or ends with white space, which MySQL's comparisons would ignore.
    #[error("must not begin or end with white space")]
    OuterWhiteSpace,
}

/// Whether a person can see `c`, or at least its effect on the text around it.
///
/// Joiners and direction marks are taken: several scripts cannot be written without them.
#[must_use]
pub fn is_printable(c: char) -> bool {
    let noncharacter = matches!(u32::from(c), 0xFDD0..=0xFDEF) || u32::from(c) & 0xFFFE == 0xFFFE;
    !(c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') || noncharacter)
}

/// Checks that `text` is 1 to `max` printable characters.
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
    match text.chars().enumerate().find(|(_, c)| !is_printable(*c)) {
        Some((index, c)) => Err(TextError::NotPrintable {
            position: index + 1,
            code: u32::from(c),
        }),
        None => Ok(()),
    }
}

/// Checks that `text` is 1 to `max` printable characters, with no white space around it.
///
/// # Errors
/// The first rule that `text` breaks.
pub fn check_trimmed(text: &str, max: usize) -> Result<(), TextError> {
    check_printable(text, max)?;
    if text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace) {
        return Err(TextError::OuterWhiteSpace);
    }
    Ok(())
}

/// Makes a type for a text of the domain: a private field, one way in that checks, and the ways out.
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $max:literal, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The most characters it may have.
            pub const MAX_CHARS: usize = $max;

            /// Takes `text` when it follows the rule.
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
        ] {
            assert_eq!(
                check_printable(text, 255),
                Err(TextError::NotPrintable { position, code }),
                "{text:?}"
            );
        }
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
        let said: Vec<String> = ["", "abcd", "a\t", "a "]
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
                "aws_region must not begin or end with white space",
            ]
        );
    }
}
