//! MySQL's date functions, for dates in their standard form; any other form is refused.

use rusqlite::{
    Connection, Result,
    functions::{Context, FunctionFlags},
    types::ValueRef,
};
use time::{Date, Time, format_description::BorrowedFormatItem, macros::format_description};

use crate::engine::{
    EngineError, EngineResult,
    analysis::MomentText,
    dates::{self, DateError},
    sqlite::answers::{mysql_error, refused, text},
};

const DATE: &[BorrowedFormatItem<'static>] = format_description!("[year]-[month]-[day]");
const TIME: &[BorrowedFormatItem<'static>] = format_description!("[hour]:[minute]:[second]");

/// Extracts the part of a value that a function returns.
pub(crate) type DatePart<T, R> = fn(T) -> R;

/// Registers the functions on one connection.
pub(crate) fn register(connection: &Connection) -> Result<()> {
    let steady = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("date", 1, steady, |context| {
        match date(context, 0)? {
            Some(date) => Ok(Some(date.to_string())),
            None if context.get_raw(0) == ValueRef::Null => Ok(None),
            // In MySQL it is NULL, or an error if it is compared with a date.
            None => Err(refused("DATE of a text that is no date")),
        }
    })?;
    let of_date: [(&str, DatePart<Date, i64>); 3] = [
        ("year", |date| i64::from(date.year())),
        ("month", |date| i64::from(u8::from(date.month()))),
        ("day", |date| i64::from(date.day())),
    ];
    for (name, part) in of_date {
        connection.create_scalar_function(name, 1, steady, move |context| {
            Ok(date(context, 0)?.map(part))
        })?;
    }
    let of_time: [(&str, DatePart<Time, u8>); 3] = [
        ("hour", Time::hour),
        ("minute", Time::minute),
        ("second", Time::second),
    ];
    for (name, part) in of_time {
        connection.create_scalar_function(name, 1, steady, move |context| {
            Ok(time(context)?.map(|time| i64::from(part(time))))
        })?;
    }
    // Converts a text for a comparison, to the kind and digits of the other side.
    connection.create_scalar_function("fleet_as_date", 2, steady, |context| {
        compared(context, "DATE")
    })?;
    connection.create_scalar_function("fleet_as_datetime", 2, steady, |context| {
        compared(context, "DATETIME")
    })?;
    connection.create_scalar_function("fleet_as_time", 2, steady, |context| {
        compared(context, "TIME")
    })?;
    // Arguments: value, type, digits, and whether a text that is not a date is an error, as in a writing statement.
    connection.create_scalar_function("fleet_cast_date", 4, steady, |context| {
        let Some(text) = text(context, 0) else {
            return Ok(None);
        };
        let is_date = context.get::<String>(1)? == "DATE";
        match dates::moment(&text) {
            Ok(at) if is_date => Ok(Some(dates::date_text(at.date()))),
            Ok(at) => Ok(dates::datetime_text(at, context.get(2)?)),
            Err(DateError::Wrong) if !context.get::<bool>(3)? => Ok(None),
            Err(_) => Err(refused("CAST of this text as a date")),
        }
    })?;
    connection.create_scalar_function("datediff", 2, steady, |context| {
        let (Some(end), Some(start)) = (date(context, 0)?, date(context, 1)?) else {
            return Ok(None);
        };
        Ok(Some((end - start).whole_days()))
    })
}

/// Checks a text that is compared with a date or a time, before any row is read, as MySQL does.
pub(crate) fn check(text: &str, moment: &MomentText) -> EngineResult<()> {
    let (kind, read) = if moment.is_time {
        ("TIME", dates::time_of_day(text).map(drop))
    } else {
        ("DATETIME", dates::moment(text).map(drop))
    };
    match read {
        Ok(()) => Ok(()),
        Err(DateError::Wrong) if moment.is_error => Err(EngineError::database(
            1525,
            "HY000",
            format!("Incorrect {kind} value: '{text}'"),
        )),
        Err(_) => Err(EngineError::unsupported(&format!(
            "a {kind} compared with this form of a text"
        ))),
    }
}

/// A text as a date or time for a comparison: MySQL does not round it.
fn compared(context: &Context<'_>, kind: &str) -> Result<Option<String>> {
    let Some(text) = text(context, 0) else {
        return Ok(None);
    };
    let digits = context.get::<u32>(1)?;
    let exact = |long: String, digits: u32| {
        let point = long.len() - dates::MAX_DIGITS as usize - 1;
        let end = if digits == 0 {
            point
        } else {
            point + 1 + digits as usize
        };
        let rest = long[end..].bytes().all(|byte| matches!(byte, b'0' | b'.'));
        rest.then(|| long[..end].to_owned())
    };
    let read = if kind == "TIME" {
        dates::time_of_day(&text).and_then(|time| {
            let long = dates::clock_text(time, dates::MAX_DIGITS).ok_or(DateError::Unknown)?;
            exact(long, digits).ok_or(DateError::Unknown)
        })
    } else {
        dates::moment(&text).and_then(|at| {
            let long = dates::datetime_text(at, dates::MAX_DIGITS).ok_or(DateError::Wrong)?;
            let exact = exact(long, digits).ok_or(DateError::Unknown)?;
            match (kind, exact.strip_suffix(" 00:00:00")) {
                ("DATE", Some(day)) => Ok(day.to_owned()),
                ("DATE", None) => Err(DateError::Unknown),
                _ => Ok(exact),
            }
        })
    };
    match read {
        Ok(text) => Ok(Some(text)),
        Err(DateError::Wrong) => Err(mysql_error(
            1525,
            "HY000",
            &format!("Incorrect {kind} value: '{text}'"),
        )),
        Err(DateError::Unknown) => Err(refused(&format!(
            "a {kind} compared with this form of a text"
        ))),
    }
}

fn argument<'a>(context: &'a Context<'_>, index: usize) -> Result<Option<&'a str>> {
    match context.get_raw(index) {
        ValueRef::Null => Ok(None),
        ValueRef::Text(bytes) => std::str::from_utf8(bytes)
            .map(Some)
            .map_err(|_| refused("a date that is not text")),
        _ => Err(refused("a date that is not text")),
    }
}

/// The date in an argument; `None` if there is no such day.
fn date(context: &Context<'_>, index: usize) -> Result<Option<Date>> {
    argument(context, index)?.map_or(Ok(None), |text| {
        read_date(text).ok_or_else(|| refused("a date in another form than YYYY-MM-DD"))
    })
}

fn time(context: &Context<'_>) -> Result<Option<Time>> {
    let Some(text) = argument(context, 0)? else {
        return Ok(None);
    };
    let time = match text.split_once(' ') {
        Some((date, time)) if read_date(date).is_some_and(|date| date.is_some()) => time,
        Some(_) => "",
        None => text,
    };
    read_time(time)
        .map(Some)
        .ok_or_else(|| refused("a time in another form than HH:MM:SS"))
}

/// `Some(None)` for a day that does not exist, and `None` for a text that is not in the standard form.
pub(crate) fn read_date(text: &str) -> Option<Option<Date>> {
    let (date, time) = match text.split_once(' ') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let form = date.len() == 10
        && date.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    // MySQL gives a month or a day of zero a special value.
    let zero = form && (&date[5..7] == "00" || &date[8..10] == "00");
    if !form || zero || time.is_some_and(|time| read_time(time).is_none()) {
        return None;
    }
    Some(Date::parse(date, DATE).ok())
}

pub(crate) fn read_time(text: &str) -> Option<Time> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = fraction.bytes().all(|byte| byte.is_ascii_digit());
    (digits && fraction.len() <= 6 && whole.len() == 8)
        .then(|| Time::parse(whole, TIME).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_read_in_its_standard_form_alone() {
        for good in [
            "2024-02-29",
            "2024-02-29 23:59:59",
            "2024-02-29 00:00:00.123456",
        ] {
            let day = read_date(good).unwrap().unwrap();
            assert_eq!(day.to_string(), "2024-02-29");
        }
        assert_eq!(read_date("2023-02-29"), Some(None));
        for other in [
            "20240229",
            "2024-2-29",
            "2024-00-01",
            "2024-02-29T00:00:00",
            "now",
            "",
        ] {
            assert_eq!(read_date(other), None, "{other}");
        }
    }
}
