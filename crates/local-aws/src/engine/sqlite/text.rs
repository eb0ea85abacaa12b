//! MySQL's text functions, and LIKE.

use rusqlite::{
    Connection, Result,
    functions::{Aggregate, Context, FunctionFlags},
    types::{Value, ValueRef},
};

use crate::engine::{
    collation,
    sqlite::answers::{mysql_error, refused, text},
};

/// The most steps that one LIKE may take: enough for a text of 1 MiB and a pattern of 1,000 characters.
const MAX_LIKE_STEPS: usize = 1 << 30;

/// Registers the functions on one connection.
pub(crate) fn register(connection: &Connection) -> Result<()> {
    let steady = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("concat", -1, steady, |context| {
        let mut whole = String::new();
        for index in 0..context.len() {
            match text(context, index) {
                Some(part) => whole.push_str(&part),
                None => return Ok(None),
            }
        }
        Ok(Some(whole))
    })?;
    connection.create_scalar_function("concat_ws", -1, steady, |context| {
        let parts: Vec<String> = (1..context.len())
            .filter_map(|index| text(context, index))
            .collect();
        Ok(text(context, 0).map(|separator| parts.join(&separator)))
    })?;
    connection.create_scalar_function("left", 2, steady, |context| {
        part(context, |_, count| (0, count))
    })?;
    connection.create_scalar_function("right", 2, steady, |context| {
        part(context, |length, count| {
            (length.saturating_sub(count), count)
        })
    })?;
    connection.create_scalar_function("substring", 2, steady, substring)?;
    connection.create_scalar_function("substring", 3, steady, substring)?;
    // SQLite's own change only ASCII letters.
    connection.create_scalar_function("lower", 1, steady, |context| {
        text(context, 0)
            .map(|text| change_case(&text, lower))
            .transpose()
    })?;
    connection.create_scalar_function("upper", 1, steady, |context| {
        text(context, 0)
            .map(|text| change_case(&text, upper))
            .transpose()
    })?;
    // SQLite's own stops at a NUL.
    connection.create_scalar_function("char_length", 1, steady, |context| {
        Ok(match context.get_raw(0) {
            ValueRef::Blob(bytes) => Some(count(bytes.len())),
            _ => text(context, 0).map(|text| count(text.chars().count())),
        })
    })?;
    connection.create_scalar_function("ascii", 1, steady, |context| {
        Ok(text(context, 0).map(|text| i64::from(text.bytes().next().unwrap_or(0))))
    })?;
    connection.create_scalar_function("reverse", 1, steady, |context| {
        Ok(text(context, 0).map(|text| text.chars().rev().collect::<String>()))
    })?;
    connection.create_scalar_function("hex", 1, steady, |context| {
        Ok(match context.get_raw(0) {
            ValueRef::Null => None,
            ValueRef::Integer(number) => Some(format!("{number:X}")),
            ValueRef::Real(_) => return Err(refused("HEX of a number with a fraction")),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                Some(bytes.iter().map(|byte| format!("{byte:02X}")).collect())
            }
        })
    })?;
    // SQLite's own cannot be interrupted, and takes exponential time for some patterns.
    connection.create_scalar_function("fleet_like", 4, steady, |context| {
        let escape = text(context, 2).unwrap_or_default();
        like(context, escape.chars().next(), context.get(3)?)
    })?;
    connection.create_scalar_function("fleet_instr", 2, steady, |context| {
        let (Some(text), Some(part)) = (text(context, 0), text(context, 1)) else {
            return Ok(None);
        };
        if !text.is_ascii() || !part.is_ascii() {
            return Err(refused("INSTR of text that is not ASCII, without case"));
        }
        let place = text.to_ascii_lowercase().find(&part.to_ascii_lowercase());
        Ok(Some(place.map_or(0, |place| count(place + 1))))
    })?;
    // The default of MySQL's `group_concat_max_len`, in bytes.
    connection.create_scalar_function("fleet_cut", 1, steady, |context| {
        match text(context, 0) {
            Some(text) if text.len() > 1_024 => {
                Err(refused("GROUP_CONCAT of more than 1024 bytes"))
            }
            text => Ok(text),
        }
    })?;
    connection.create_aggregate_function("fleet_single", 1, steady, SingleValue)
}

/// The single value of a subquery; more than one is an error.
struct SingleValue;

impl Aggregate<Option<Value>, Option<Value>> for SingleValue {
    fn init(&self, _: &mut Context<'_>) -> Result<Option<Value>> {
        Ok(None)
    }

    fn step(&self, context: &mut Context<'_>, found: &mut Option<Value>) -> Result<()> {
        if found.is_some() {
            return Err(mysql_error(
                1242,
                "21000",
                "Subquery returns more than 1 row",
            ));
        }
        *found = Some(context.get(0)?);
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, found: Option<Option<Value>>) -> Result<Option<Value>> {
        Ok(found.flatten())
    }
}

/// A text in the other case. For letters that are newer than MySQL's tables, or have more than one form, the other case
/// is not known.
fn change_case(text: &str, change: fn(char) -> char) -> Result<String> {
    let known = |letter: char| {
        letter < '\u{180}'
            || ('\u{386}'..'\u{3cf}').contains(&letter)
            || ('\u{400}'..'\u{460}').contains(&letter)
            || !(letter.is_lowercase() || letter.is_uppercase())
    };
    if !text.chars().all(known) {
        return Err(refused("the case of these letters"));
    }
    Ok(text.chars().map(change).collect())
}

/// A letter in lower case, if that is a single letter, as in MySQL.
fn lower(letter: char) -> char {
    if letter == 'İ' {
        return 'i';
    }
    let mut other = letter.to_lowercase();
    match (other.next(), other.next()) {
        (Some(other), None) => other,
        _ => letter,
    }
}

fn upper(letter: char) -> char {
    let mut other = letter.to_uppercase();
    match (other.next(), other.next()) {
        (Some(other), None) => other,
        _ => letter,
    }
}

/// Whether a name matches a pattern, ignoring case, for SHOW.
pub(crate) fn like_pattern(name: &str, pattern: &str) -> bool {
    let letters: Vec<char> = name.to_lowercase().chars().collect();
    matches(&steps(&pattern.to_lowercase(), Some('\\')), &letters, false)
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

fn integer(context: &Context<'_>, index: usize) -> Result<Option<i64>> {
    match context.get_raw(index) {
        ValueRef::Null => Ok(None),
        ValueRef::Integer(number) => Ok(Some(number)),
        _ => Err(refused("a position or length that is not a whole number")),
    }
}

/// A part of a text in characters, or of a value that is not text in bytes.
fn slice(context: &Context<'_>, choose: impl FnOnce(usize) -> (usize, usize)) -> Value {
    if let ValueRef::Blob(bytes) = context.get_raw(0) {
        let (start, length) = choose(bytes.len());
        return Value::Blob(bytes.iter().skip(start).take(length).copied().collect());
    }
    text(context, 0).map_or(Value::Null, |text| {
        let (start, length) = choose(text.chars().count());
        Value::Text(text.chars().skip(start).take(length).collect())
    })
}

/// LEFT and RIGHT: the start and length are chosen by the text's length and the requested number.
fn part(
    context: &Context<'_>,
    choose: impl FnOnce(usize, usize) -> (usize, usize),
) -> Result<Value> {
    Ok(match integer(context, 1)? {
        None => Value::Null,
        Some(asked) => {
            let asked = usize::try_from(asked).unwrap_or(0);
            slice(context, |length| choose(length, asked))
        }
    })
}

/// Positions begin at 1, or at -1 from the end; position 0 gives nothing.
fn substring(context: &Context<'_>) -> Result<Value> {
    let Some(position) = integer(context, 1)? else {
        return Ok(Value::Null);
    };
    let length = if context.len() > 2 {
        match integer(context, 2)? {
            Some(length) => usize::try_from(length).unwrap_or(0),
            None => return Ok(Value::Null),
        }
    } else {
        usize::MAX
    };
    let distance = usize::try_from(position.unsigned_abs()).unwrap_or(usize::MAX);
    Ok(slice(context, |whole| match position {
        0 => (0, 0),
        1.. => (distance - 1, length),
        _ => match whole.checked_sub(distance) {
            Some(start) => (start, length),
            None => (0, 0),
        },
    }))
}

fn like(context: &Context<'_>, escape: Option<char>, collated: bool) -> Result<Option<bool>> {
    let (Some(pattern), Some(text)) = (text(context, 0), text(context, 1)) else {
        return Ok(None);
    };
    if pattern.len().saturating_mul(text.len()) > MAX_LIKE_STEPS {
        return Err(refused("LIKE of so long a text and pattern"));
    }
    if collated && !(text.is_ascii() && pattern.is_ascii()) {
        // Marks have no weight: MySQL and the matching here would skip them differently.
        let is_mark =
            |letter: char| ('\u{300}'..'\u{370}').contains(&letter) || letter.is_control();
        let wide = |letter: char| matches!(letter, 'ß' | 'æ' | 'Æ' | 'œ' | 'Œ' | 'þ' | 'Þ');
        if text
            .chars()
            .chain(pattern.chars())
            .any(|letter| is_mark(letter) || wide(letter))
        {
            return Err(refused("LIKE of text with letters that are two, or none"));
        }
    }
    let text: Vec<char> = text.chars().collect();
    Ok(Some(matches(&steps(&pattern, escape), &text, collated)))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PatternPart {
    Letter(char),
    /// `_`
    One,
    /// `%`
    Any,
}

fn steps(pattern: &str, escape: Option<char>) -> Vec<PatternPart> {
    let mut letters = pattern.chars();
    let mut steps = Vec::with_capacity(pattern.len());
    while let Some(letter) = letters.next() {
        steps.push(match letter {
            // At the end of a pattern the escape character stands for itself.
            _ if Some(letter) == escape => PatternPart::Letter(letters.next().unwrap_or(letter)),
            '%' => PatternPart::Any,
            '_' => PatternPart::One,
            letter => PatternPart::Letter(letter),
        });
    }
    steps
}

/// Backtracks only to the last `%`, so that the number of steps is at most the product of both lengths.
fn matches(steps: &[PatternPart], text: &[char], collated: bool) -> bool {
    let same = |a: char, b: char| a == b || (collated && collation::is_same_letter(a, b));
    let (mut step, mut place) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while place < text.len() {
        match steps.get(step) {
            Some(PatternPart::Any) => {
                back = Some((step + 1, place));
                step += 1;
            }
            Some(PatternPart::One) => {
                step += 1;
                place += 1;
            }
            Some(PatternPart::Letter(letter)) if same(*letter, text[place]) => {
                step += 1;
                place += 1;
            }
            _ => match back {
                Some((after, from)) => {
                    step = after;
                    place = from + 1;
                    back = Some((after, from + 1));
                }
                None => return false,
            },
        }
    }
    steps[step..].iter().all(|step| *step == PatternPart::Any)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_like(text: &str, pattern: &str) -> bool {
        matches(
            &steps(pattern, Some('\\')),
            &text.chars().collect::<Vec<_>>(),
            false,
        )
    }

    #[test]
    fn like_knows_its_wildcards_and_their_escapes() {
        for (text, pattern) in [
            ("", ""),
            ("", "%%"),
            ("abc", "a%"),
            ("abc", "%b_"),
            ("añc", "a_c"),
            ("a%c", "a\\%c"),
            ("ab\\", "ab\\"),
            ("mississippi", "m%iss%ip%"),
        ] {
            assert!(is_like(text, pattern), "{text} {pattern}");
        }
        for (text, pattern) in [
            ("", "_"),
            ("abc", "ab"),
            ("abc", "a\\%"),
            ("ABC", "abc"),
            ("abc", "%d%"),
        ] {
            assert!(!is_like(text, pattern), "{text} {pattern}");
        }
    }

    #[test]
    fn like_takes_no_exponential_time() {
        let pattern = format!("{}b", "%a".repeat(400));
        assert!(!is_like(&"a".repeat(100_000), &pattern));
    }
}
