//! Dates and numbers as texts: DATE_FORMAT, FORMAT and the names of days; and TIMEDIFF.
//!
//! <https://dev.mysql.com/doc/refman/8.0/en/date-and-time-functions.html>

use rusqlite::{
    Connection, Result,
    functions::{Context, FunctionFlags},
};
use time::{Date, Duration, Month, Time};

use crate::engine::{
    kinds::scaled_text,
    numbers::rounded,
    sqlite::{
        answers::{refused, text},
        dates::{DatePart, read_date, read_time},
    },
};

/// The most digits that FORMAT shows after the point.
const MAX_FORMAT_DIGITS: u32 = 30;

/// Registers the functions on one connection.
pub(crate) fn register(connection: &Connection) -> Result<()> {
    let steady = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("fleet_date_format", 2, steady, |context| {
        let (Some(at), Some(format)) = (moment(context, 0)?, text(context, 1)) else {
            return Ok(None);
        };
        date_format(at, &format).map(Some)
    })?;
    // Arguments: value, its scale, digits wanted.
    connection.create_scalar_function("fleet_format", 3, steady, |context| {
        let Some(number) = context.get::<Option<i64>>(0)? else {
            return Ok(None);
        };
        let (scale, digits) = (context.get::<u32>(1)?, context.get::<u32>(2)?);
        Ok(Some(grouped(number, scale, digits.min(MAX_FORMAT_DIGITS))))
    })?;
    connection.create_scalar_function("fleet_timediff", 2, steady, |context| {
        let (Some(end), Some(start)) = (span(context, 0)?, span(context, 1)?) else {
            return Ok(None);
        };
        if end.0 != start.0 {
            // One is a time, the other a date with a time.
            return Ok(None);
        }
        let seconds = (end.1 - start.1).whole_seconds();
        if !(0..24 * 3_600).contains(&seconds) {
            return Err(refused("TIMEDIFF below zero, or of a day or more"));
        }
        Ok(Some(format!(
            "{:02}:{:02}:{:02}",
            seconds / 3_600,
            seconds / 60 % 60,
            seconds % 60
        )))
    })?;
    let of_date: [(&str, DatePart<Date, i64>); 4] = [
        ("fleet_dayofweek", |date| {
            i64::from(date.weekday().number_from_sunday())
        }),
        ("fleet_weekday", |date| {
            i64::from(date.weekday().number_days_from_monday())
        }),
        ("fleet_dayofyear", |date| i64::from(date.ordinal())),
        ("fleet_quarter", |date| {
            i64::from(u8::from(date.month()).div_ceil(3))
        }),
    ];
    for (name, part) in of_date {
        connection.create_scalar_function(name, 1, steady, move |context| {
            Ok(moment(context, 0)?.map(|at| part(at.0)))
        })?;
    }
    connection.create_scalar_function("fleet_dayname", 1, steady, |context| {
        Ok(moment(context, 0)?.map(|at| at.0.weekday().to_string()))
    })?;
    connection.create_scalar_function("fleet_monthname", 1, steady, |context| {
        Ok(moment(context, 0)?.map(|at| at.0.month().to_string()))
    })?;
    connection.create_scalar_function("fleet_last_day", 1, steady, |context| {
        let day = |date: Date| {
            let last = date.month().length(date.year());
            format!("{:04}-{:02}-{last:02}", date.year(), u8::from(date.month()))
        };
        Ok(moment(context, 0)?.map(|at| day(at.0)))
    })
}

/// A date, its time, and the digits of its fraction.
type Moment = (Date, Time, String);

fn moment(context: &Context<'_>, index: usize) -> Result<Option<Moment>> {
    let Some(text) = text(context, index) else {
        return Ok(None);
    };
    let date = read_date(&text).ok_or_else(|| refused("a date in another form than YYYY-MM-DD"))?;
    let clock = text.split_once(' ').map_or("00:00:00", |parts| parts.1);
    let time = read_time(clock).ok_or_else(|| refused("a time in another form than HH:MM:SS"))?;
    let fraction = clock.split_once('.').map_or("", |parts| parts.1);
    Ok(date.map(|date| (date, time, format!("{fraction:0<6}"))))
}

/// Whether it has a date, and the time since the first date or, without one, since midnight.
fn span(context: &Context<'_>, index: usize) -> Result<Option<(bool, Duration)>> {
    let Some(value) = text(context, index) else {
        return Ok(None);
    };
    if value.contains('.') {
        return Err(refused("TIMEDIFF of fractions of a second"));
    }
    let midnight = Time::MIDNIGHT;
    if let Some(time) = read_time(&value) {
        return Ok(Some((false, time - midnight)));
    }
    if !value.contains(' ') {
        return Err(refused("TIMEDIFF of a time in another form than HH:MM:SS"));
    }
    let at = moment(context, index)?;
    Ok(at.map(|(date, time, _)| (true, (date - Date::MIN) + (time - midnight))))
}

fn date_format((date, time, fraction): Moment, format: &str) -> Result<String> {
    let mut out = String::with_capacity(format.len() + 8);
    let mut letters = format.chars();
    let month = date.month();
    let half = if time.hour() < 12 { "AM" } else { "PM" };
    let hour = match time.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    while let Some(letter) = letters.next() {
        if letter != '%' {
            out.push(letter);
            continue;
        }
        let part = match letters.next() {
            None => "%".to_owned(),
            Some('Y') => format!("{:04}", date.year()),
            Some('y') => format!("{:02}", date.year() % 100),
            Some('m') => format!("{:02}", u8::from(month)),
            Some('c') => u8::from(month).to_string(),
            Some('M') => month.to_string(),
            Some('b') => short(month),
            Some('d') => format!("{:02}", date.day()),
            Some('e') => date.day().to_string(),
            Some('D') => format!("{}{}", date.day(), suffix(date.day())),
            Some('j') => format!("{:03}", date.ordinal()),
            Some('W') => date.weekday().to_string(),
            Some('a') => date.weekday().to_string().chars().take(3).collect(),
            Some('w') => date.weekday().number_days_from_sunday().to_string(),
            Some('H') => format!("{:02}", time.hour()),
            Some('k') => time.hour().to_string(),
            Some('h' | 'I') => format!("{hour:02}"),
            Some('l') => hour.to_string(),
            Some('i') => format!("{:02}", time.minute()),
            Some('s' | 'S') => format!("{:02}", time.second()),
            Some('f') => fraction.clone(),
            Some('p') => half.to_owned(),
            Some('r') => format!("{hour:02}:{:02}:{:02} {half}", time.minute(), time.second()),
            Some('T') => format!(
                "{:02}:{:02}:{:02}",
                time.hour(),
                time.minute(),
                time.second()
            ),
            Some('U' | 'u' | 'V' | 'v' | 'X' | 'x') => {
                return Err(refused("DATE_FORMAT with the number of a week"));
            }
            Some(other) => other.to_string(),
        };
        out.push_str(&part);
    }
    Ok(out)
}

fn short(month: Month) -> String {
    month.to_string().chars().take(3).collect()
}

fn suffix(day: u8) -> &'static str {
    match (day % 10, day) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    }
}

/// A number with commas between its thousands, rounded to this many digits.
fn grouped(number: i64, scale: u32, digits: u32) -> String {
    let number = i128::from(number);
    let kept = scale.min(digits);
    // A scale is at most 18 digits.
    let number = rounded(number, 10_i128.pow(scale - kept));
    let text = scaled_text(i64::try_from(number).unwrap_or(0), kept);
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.as_str()),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut out = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if digits > 0 {
        out.push('.');
        out.push_str(fraction);
        out.extend(std::iter::repeat_n('0', digits as usize - fraction.len()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_by_their_format() {
        let day = Date::from_calendar_date(2024, Month::March, 3).unwrap();
        let time = Time::from_hms(15, 4, 5).unwrap();
        for (format, expected) in [
            ("%Y-%m-%d %H:%i:%s", "2024-03-03 15:04:05"),
            ("%W, %D %M %y", "Sunday, 3rd March 24"),
            ("%a %b %e %c %j %w", "Sun Mar 3 3 063 0"),
            (
                "%r|%T|%h|%I|%k|%l|%p|%f",
                "03:04:05 PM|15:04:05|03|03|15|3|PM|120000",
            ),
            ("100%% %q %", "100% q %"),
        ] {
            let at = (day, time, "120000".to_owned());
            assert_eq!(date_format(at, format).unwrap(), expected, "{format}");
        }
        let at = (day, time, "000000".to_owned());
        assert!(date_format(at, "%U").is_err());
        for (day, expected) in [
            (1, "st"),
            (2, "nd"),
            (11, "th"),
            (12, "th"),
            (23, "rd"),
            (30, "th"),
        ] {
            assert_eq!(suffix(day), expected, "{day}");
        }
    }

    #[test]
    fn numbers_have_commas_between_their_thousands() {
        for (number, scale, digits, expected) in [
            (12_345, 1, 1, "1,234.5"),
            (12_345, 1, 0, "1,235"),
            (-999_995, 3, 2, "-1,000.00"),
            (0, 0, 3, "0.000"),
            (1_000_000, 0, 0, "1,000,000"),
            (-5, 1, 0, "-1"),
        ] {
            assert_eq!(grouped(number, scale, digits), expected);
        }
    }
}
