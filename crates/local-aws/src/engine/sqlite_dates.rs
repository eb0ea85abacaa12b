//! MySQL's functions of dates, for dates in their standard form; any other form is refused.

use rusqlite::{
    Connection, Result,
    functions::{Context, FunctionFlags},
    types::ValueRef,
};
use time::{Date, Time, format_description::BorrowedFormatItem, macros::format_description};

use super::sqlite_functions::refused;

const DATE: &[BorrowedFormatItem<'static>] = format_description!("[year]-[month]-[day]");
const TIME: &[BorrowedFormatItem<'static>] = format_description!("[hour]:[minute]:[second]");

/// What a function takes out of a value.
type Part<T, R> = fn(T) -> R;

/// Registers them on one connection.
pub(super) fn register(connection: &Connection) -> Result<()> {
    let steady = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("date", 1, steady, |context| {
        Ok(date(context, 0)?.map(|date| date.to_string()))
    })?;
    let of_date: [(&str, Part<Date, i64>); 3] = [
        ("year", |date| i64::from(date.year())),
        ("month", |date| i64::from(u8::from(date.month()))),
        ("day", |date| i64::from(date.day())),
    ];
    for (name, part) in of_date {
        connection.create_scalar_function(name, 1, steady, move |context| {
            Ok(date(context, 0)?.map(part))
        })?;
    }
    let of_time: [(&str, Part<Time, u8>); 3] = [
        ("hour", Time::hour),
        ("minute", Time::minute),
        ("second", Time::second),
    ];
    for (name, part) in of_time {
        connection.create_scalar_function(name, 1, steady, move |context| {
            Ok(time(context)?.map(|time| i64::from(part(time))))
        })?;
    }
    connection.create_scalar_function("datediff", 2, steady, |context| {
        let (Some(end), Some(start)) = (date(context, 0)?, date(context, 1)?) else {
            return Ok(None);
        };
        Ok(Some((end - start).whole_days()))
    })
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

/// The date of an argument; none where there is no such day.
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

/// `Some(None)` for a day that does not exist, and none for what is not in the standard form.
fn read_date(text: &str) -> Option<Option<Date>> {
    let (date, time) = match text.split_once(' ') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let form = date.len() == 10
        && date.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    // A month or a day of zero has a value of its own in MySQL.
    let zero = form && (&date[5..7] == "00" || &date[8..10] == "00");
    if !form || zero || time.is_some_and(|time| read_time(time).is_none()) {
        return None;
    }
    Some(Date::parse(date, DATE).ok())
}

fn read_time(text: &str) -> Option<Time> {
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
