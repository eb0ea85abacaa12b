//! Dates and times: parsed as MySQL parses them, in the forms that people write, and normalised.

use time::{Date, Duration, Month, PrimitiveDateTime, Time};

/// Why a text is not a date or time here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DateError {
    /// MySQL does not accept it either.
    Wrong,
    /// MySQL may accept it.
    Unknown,
}

type DateResult<T> = Result<T, DateError>;

/// The most fractional digits of a second.
pub(crate) const MAX_DIGITS: u32 = 6;

/// A date with a time: `2024-2-9`, `2024-02-09 10:00`, `2024-02-09T10:00:00.5`, and one with an offset from UTC.
pub(crate) fn moment(text: &str) -> DateResult<PrimitiveDateTime> {
    let text = text.trim();
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(DateError::Wrong);
    }
    let (day, rest) = match text.find([' ', 'T']) {
        Some(end) => (&text[..end], Some(&text[end + 1..])),
        None => (text, None),
    };
    let date = date(day)?;
    let Some(rest) = rest else {
        return Ok(date.midnight());
    };
    let (clock, offset) = match rest.rfind(['+', '-']) {
        Some(place) => (&rest[..place], offset(&rest[place..])?),
        None => (rest, Duration::ZERO),
    };
    let (time, micro) = clock_of(clock)?;
    let at = PrimitiveDateTime::new(date, time) + Duration::microseconds(micro);
    at.checked_sub(offset).ok_or(DateError::Wrong)
}

fn date(text: &str) -> DateResult<Date> {
    let mut parts = text.split('-');
    let (Some(year), Some(month), Some(day), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(DateError::Unknown);
    };
    if year.len() != 4 {
        return Err(DateError::Unknown);
    }
    let (year, month, day) = (number(year, 4)?, number(month, 2)?, number(day, 2)?);
    let month = u8::try_from(month)
        .ok()
        .and_then(|month| Month::try_from(month).ok());
    let day = u8::try_from(day).map_err(|_| DateError::Wrong)?;
    // A month or day of zero fails, as in strict mode.
    month
        .and_then(|month| Date::from_calendar_date(year, month, day).ok())
        .ok_or(DateError::Wrong)
}

fn number(text: &str, digits: usize) -> DateResult<i32> {
    if text.is_empty() || text.len() > digits || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(DateError::Unknown);
    }
    text.parse().map_err(|_| DateError::Unknown)
}

/// A time of day, and the microseconds to be added to it.
fn clock_of(text: &str) -> DateResult<(Time, i64)> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = clock.split(':');
    let (Some(hour), Some(minute)) = (parts.next(), parts.next()) else {
        return Err(DateError::Unknown);
    };
    let second = parts.next().unwrap_or("0");
    if parts.next().is_some() {
        return Err(DateError::Unknown);
    }
    let part = |text| number(text, 2).and_then(|n| u8::try_from(n).map_err(|_| DateError::Wrong));
    let time = Time::from_hms(part(hour)?, part(minute)?, part(second)?);
    let micro = match fraction {
        "" => 0,
        // The seventh digit rounds; any after it do not.
        digits if digits.len() <= 9 && digits.bytes().all(|b| b.is_ascii_digit()) => {
            let padded = format!("{digits:0<7}");
            let tenths: i64 = padded[..7].parse().map_err(|_| DateError::Unknown)?;
            (tenths + 5) / 10
        }
        _ => return Err(DateError::Unknown),
    };
    Ok((time.map_err(|_| DateError::Wrong)?, micro))
}

/// An offset from UTC, `+02:00`: MySQL accepts -13:59 to +14:00.
fn offset(text: &str) -> DateResult<Duration> {
    let (hours, minutes) = text[1..].split_once(':').ok_or(DateError::Unknown)?;
    if hours.len() != 2 || minutes.len() != 2 {
        return Err(DateError::Unknown);
    }
    let minutes = i64::from(number(hours, 2)?) * 60 + i64::from(number(minutes, 2)?);
    let signed = if text.starts_with('-') {
        -minutes
    } else {
        minutes
    };
    if !(-839..=840).contains(&signed) || text.starts_with("-00:00") {
        return Err(DateError::Wrong);
    }
    Ok(Duration::minutes(signed))
}

/// A time of day: `10:00`, `10:00:00.5`. MySQL's TIME can exceed a day or be negative; that is not supported here.
pub(crate) fn time_of_day(text: &str) -> DateResult<(Time, i64)> {
    let text = text.trim();
    if !text.contains(|letter: char| letter.is_ascii_digit()) {
        return Err(DateError::Wrong);
    }
    clock_of(text).map_err(|_| DateError::Unknown)
}

/// A date and time with this many fractional digits, rounded.
pub(crate) fn datetime_text(at: PrimitiveDateTime, digits: u32) -> Option<String> {
    let unit = 10_i64.pow(MAX_DIGITS - digits.min(MAX_DIGITS));
    let micro = i64::from(at.microsecond());
    let round = (micro + unit / 2) / unit * unit - micro;
    let at = at.checked_add(Duration::microseconds(round))?;
    let (year, time) = (at.year(), at.time());
    (0..=9999)
        .contains(&year)
        .then(|| format!("{} {}", date_text(at.date()), time_text(time, digits)))
}

/// `YYYY-MM-DD`.
pub(crate) fn date_text(date: Date) -> String {
    format!(
        "{:04}-{:02}-{:02}",
        date.year(),
        u8::from(date.month()),
        date.day()
    )
}

fn time_text(time: Time, digits: u32) -> String {
    let whole = format!(
        "{:02}:{:02}:{:02}",
        time.hour(),
        time.minute(),
        time.second()
    );
    match digits.min(MAX_DIGITS) as usize {
        0 => whole,
        digits => format!(
            "{whole}.{}",
            &format!("{:06}", time.microsecond())[..digits]
        ),
    }
}

/// A time of day with this many fractional digits, rounded; `None` if that would be on another day.
pub(crate) fn clock_text((time, micro): (Time, i64), digits: u32) -> Option<String> {
    let unit = 10_i64.pow(MAX_DIGITS - digits.min(MAX_DIGITS));
    let rounded = (micro + unit / 2) / unit * unit;
    let (adjustment, time) = (time.hour(), time + Duration::microseconds(rounded));
    (time.hour() >= adjustment).then(|| time_text(time, digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str, digits: u32) -> Result<String, DateError> {
        moment(text).and_then(|at| datetime_text(at, digits).ok_or(DateError::Wrong))
    }

    #[test]
    fn what_people_write_becomes_the_normal_form() {
        for (text, digits, expected) in [
            ("2024-01-02", 0, "2024-01-02 00:00:00"),
            ("2024-1-2 3:04", 0, "2024-01-02 03:04:00"),
            ("2024-01-02T03:04:05", 0, "2024-01-02 03:04:05"),
            ("2024-01-02 03:04:05.5", 0, "2024-01-02 03:04:06"),
            ("2024-12-31 23:59:59.9", 0, "2025-01-01 00:00:00"),
            ("2024-01-02 03:04:05.12345", 3, "2024-01-02 03:04:05.123"),
            (
                "2024-01-02 03:04:05.1234567",
                6,
                "2024-01-02 03:04:05.123457",
            ),
            ("2024-01-02 03:04:05+02:00", 0, "2024-01-02 01:04:05"),
            ("2024-01-02T00:30:00.25-05:30", 2, "2024-01-02 06:00:00.25"),
        ] {
            assert_eq!(normal(text, digits).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_from_what_is_not_known() {
        for text in [
            "2024-02-30",
            "2024-00-01",
            "2024-13-01",
            "soon",
            "",
            "0000-00-00",
            "2024-01-01 25:00:00",
        ] {
            assert_eq!(moment(text), Err(DateError::Wrong), "{text}");
        }
        for text in [
            "20240229",
            "24-02-29",
            "2024/02/29",
            "2024-01-01 10",
            "2024-01-01 10:00:00 UTC",
        ] {
            assert_eq!(moment(text), Err(DateError::Unknown), "{text}");
        }
        assert_eq!(time_of_day("noon"), Err(DateError::Wrong));
        assert_eq!(time_of_day("100:00:00"), Err(DateError::Unknown));
        let clock = time_of_day("9:05").unwrap();
        assert_eq!(clock_text(clock, 0).as_deref(), Some("09:05:00"));
        let late = time_of_day("23:59:59.9").unwrap();
        assert_eq!(clock_text(late, 0), None);
        assert_eq!(clock_text(late, 1).as_deref(), Some("23:59:59.9"));
    }
}
