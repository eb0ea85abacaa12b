//! Text comparison with MySQL 8's default, `utf8mb4_0900_ai_ci`: by base letters alone, ignoring case and accents.
//!
//! The order is that of the Unicode collation algorithm (<https://www.unicode.org/reports/tr10/>) for ASCII, Latin
//! letters and ideographs. Text with letters of other scripts is refused when stored in such a column.

use std::{
    cmp::Ordering,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering as Access},
    },
};

use icu_normalizer::{
    DecomposingNormalizerBorrowed, properties::CanonicalCombiningClassMapBorrowed,
};
use rusqlite::Connection;

use crate::engine::kinds::Collation;

/// ASCII white space, punctuation and symbols in collation order; other symbols, digits and letters follow.
const SYMBOLS: &str = "\t\n\u{b}\u{c}\r _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$";

/// SQLite's name for a collation.
pub(crate) fn name(collation: Collation) -> &'static str {
    match collation {
        Collation::Default => "ai_ci",
        Collation::Binary => "padded",
    }
}

/// SQLite's name for the default collation where one of several equal texts is shown. MySQL does not define which one,
/// so a statement that meets two with different letters is refused. Under the other collation, equal texts differ only
/// in trailing spaces.
pub(crate) const SHOWN: &str = "ai_ci_shown";

/// Whether texts that are equal but have different letters were met where one of them is shown.
pub(crate) type MixedCaseFlag = Arc<AtomicBool>;

/// Registers the collations on one connection.
pub(crate) fn register(connection: &Connection, mixed: &MixedCaseFlag) -> rusqlite::Result<()> {
    connection.create_collation(name(Collation::Default), compare)?;
    connection.create_collation(name(Collation::Binary), compare_padded)?;
    let mixed = Arc::clone(mixed);
    connection.create_collation(SHOWN, move |a, b| {
        let order = compare(a, b);
        if order == Ordering::Equal && a != b {
            mixed.store(true, Access::Relaxed);
        }
        order
    })
}

/// Compares two texts by the default collation.
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    weights(a).cmp(weights(b))
}

/// Whether two texts are equal.
pub(crate) fn equal(a: &str, b: &str) -> bool {
    compare(a, b) == Ordering::Equal
}

/// Whether two letters are equal.
pub(crate) fn is_same_letter(a: char, b: char) -> bool {
    if a.is_ascii_graphic() && b.is_ascii_graphic() {
        return a.eq_ignore_ascii_case(&b);
    }
    let (mut first, mut second) = ([0; 4], [0; 4]);
    compare(a.encode_utf8(&mut first), b.encode_utf8(&mut second)) == Ordering::Equal
}

/// The letters that count, without case or accents.
fn folded(text: &str) -> impl Iterator<Item = char> {
    let classes = CanonicalCombiningClassMapBorrowed::new();
    DecomposingNormalizerBorrowed::new_nfkd()
        .normalize_iter(text.chars())
        .filter(move |letter| {
            // Other control characters are ignored, like marks.
            classes.get_u8(*letter) == 0 && (!letter.is_control() || SYMBOLS.contains(*letter))
        })
        .flat_map(char::to_lowercase)
        .flat_map(|letter| {
            let (first, second) = match letter {
                'ß' => ('s', Some('s')),
                'æ' => ('a', Some('e')),
                'œ' => ('o', Some('e')),
                'þ' => ('t', Some('h')),
                'ø' => ('o', None),
                'ł' => ('l', None),
                'đ' | 'ð' => ('d', None),
                'ħ' => ('h', None),
                letter => (letter, None),
            };
            std::iter::once(first).chain(second)
        })
}

fn weights(text: &str) -> impl Iterator<Item = (u8, u32)> {
    folded(text).map(|letter| {
        let place = SYMBOLS.chars().position(|other| other == letter);
        match (place, letter) {
            (Some(place), _) => (0, u32::try_from(place).unwrap_or(u32::MAX)),
            (None, '0'..='9') => (2, u32::from(letter)),
            (None, letter) if letter.is_alphabetic() => (3, u32::from(letter)),
            (None, letter) => (1, u32::from(letter)),
        }
    })
}

/// Whether it is known which texts equal this one: it has only Latin letters, ideographs and symbols.
pub(crate) fn is_known(text: &str) -> bool {
    text.is_ascii()
        || folded(text).all(|letter| {
            letter.is_ascii()
                || ('\u{4e00}'..='\u{9fff}').contains(&letter)
                || !letter.is_alphanumeric()
        })
}

/// By code points, with the shorter text padded with spaces: `utf8mb4_bin`.
fn compare_padded(a: &str, b: &str) -> Ordering {
    let common = a.len().min(b.len());
    let (a, b) = (a.as_bytes(), b.as_bytes());
    a[..common].cmp(&b[..common]).then_with(|| {
        let rest = |text: &[u8]| {
            let rest = &text[common..];
            rest.iter()
                .find(|byte| **byte != b' ')
                .map_or(Ordering::Equal, |byte| byte.cmp(&b' '))
        };
        rest(a).then(rest(b).reverse())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_accents_make_no_difference() {
        for (a, b) in [
            ("abc", "ABC"),
            ("é", "E"),
            ("Å", "a"),
            ("e\u{301}", "é"),
            ("straße", "STRASSE"),
            ("a\u{0}b", "ab"),
            ("Ærø", "aero"),
            ("Łódź", "LODZ"),
        ] {
            assert_eq!(compare(a, b), Ordering::Equal, "{a} {b}");
        }
        for (a, b) in [("a ", "a"), ("a", "b"), ("a-b", "ab"), ("ı", "i")] {
            assert_ne!(compare(a, b), Ordering::Equal, "{a} {b}");
        }
    }

    #[test]
    fn punctuation_comes_before_digits_and_digits_before_letters() {
        let sorted = [
            "", " ", "_", "-", ":", "$", "–", "0", "9", "a", "B", "z", "日",
        ];
        for pair in sorted.windows(2) {
            let order = compare(pair[0], pair[1]);
            assert_eq!(order, Ordering::Less, "{pair:?}");
        }
    }

    #[test]
    fn spaces_at_the_end_do_not_count_where_text_is_binary() {
        for (a, b, order) in [
            ("a", "a  ", Ordering::Equal),
            ("a", "A", Ordering::Greater),
            ("a", "a\t", Ordering::Greater),
            ("a ", "a!", Ordering::Less),
        ] {
            assert_eq!(compare_padded(a, b), order, "{a:?} {b:?}");
            assert_eq!(compare_padded(b, a), order.reverse(), "{a:?} {b:?}");
        }
    }

    #[test]
    fn letters_of_other_scripts_are_not_known() {
        for text in ["", "Crème brûlée", "naïve – “quoted” 5 €", "日本", "👍"] {
            assert!(is_known(text), "{text}");
        }
        for text in ["й", "かな", "θ", "ŋ", "ı"] {
            assert!(!is_known(text), "{text}");
        }
    }
}
