//! Parses option values; each error is a clause about the value.

use http::{HeaderName, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use reqwest::Url;

use crate::{policy::MOST_CAPACITY, series::duration};

pub(super) fn endpoint(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("it is not a URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("it must begin with https:// or http://".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("a resource id has neither ? nor #; write them as %3F and %23 within the dimension's id".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it must not contain a user or a password; use --header or --sigv4".to_owned());
    }
    if url.path().rsplit('/').next().is_none_or(str::is_empty) {
        return Err("it must end with the dimension's id, as in https://…/scalableTargetDimensions/1-23456789".to_owned());
    }
    Ok(url)
}

pub(super) fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number > 0.0 => Ok(number),
        _ => Err("it must be a number above 0".to_owned()),
    }
}

/// The valid targets: any number that a utilization metric could have.
pub(super) fn target(text: &str) -> Result<f64, String> {
    match positive(text)? {
        number if (1e-9..=1e15).contains(&number) => Ok(number),
        _ => Err("it must be between 1e-9 and 1e15".to_owned()),
    }
}

/// The capacities that Application Auto Scaling accepts as a minimum or maximum.
pub(super) fn capacity(text: &str) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|capacity| *capacity <= MOST_CAPACITY)
        .ok_or_else(|| format!("it must be a whole number up to {MOST_CAPACITY}"))
}

/// Application Auto Scaling's cooldowns are integers.
pub(super) fn cooldown(text: &str) -> Result<SignedDuration, String> {
    match duration(text)? {
        cooldown if cooldown.subsec_nanos() == 0 => Ok(cooldown),
        _ => Err("it must be whole seconds".to_owned()),
    }
}

pub(super) fn percent(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').parse::<f64>() {
        Ok(number) if (0.0..=100.0).contains(&number) => Ok(number / 100.0),
        _ => Err("it must be between 0 and 100".to_owned()),
    }
}

/// A name that is safe in a log and a picture.
pub(super) fn name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err("it must be printable text".to_owned());
    }
    Ok(text.to_owned())
}

pub(super) fn timestamp(text: &str) -> Result<Timestamp, String> {
    text.parse()
        .map_err(|_| "write it like 2026-01-05T08:00:00Z".to_owned())
}

pub(super) fn interval(text: &str) -> Result<SignedDuration, String> {
    match duration(text)? {
        interval if interval.as_secs() >= 1 => Ok(interval),
        _ => Err("it must be 1s or longer".to_owned()),
    }
}

/// The periods that CloudWatch supports.
pub(super) fn period(text: &str) -> Result<SignedDuration, String> {
    let period = duration(text)?;
    let seconds = period.as_secs();
    let known = matches!(seconds, 10 | 30) || (seconds > 0 && seconds % 60 == 0);
    if known && period.subsec_nanos() == 0 {
        Ok(period)
    } else {
        Err("it must be 10s, 30s or a multiple of 60s".to_owned())
    }
}

pub(super) fn region(text: &str) -> Result<String, String> {
    let fits = text.contains('-')
        && text
            .chars()
            .all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-');
    if fits {
        Ok(text.to_owned())
    } else {
        Err("write it like us-east-1".to_owned())
    }
}

pub(super) fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("write it like 'x-api-key: …'")?;
    let name = name
        .trim()
        .parse()
        .map_err(|_| format!("'{}' is not a header name", name.trim()))?;
    let mut value: HeaderValue = value
        .trim()
        .parse()
        .map_err(|_| "its value is not text that a header can hold".to_owned())?;
    // It may be an API key.
    value.set_sensitive(true);
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_no_dimension_is_told() {
        for (url, words) in [
            ("localhost:3000/a", "it must begin with https:// or http://"),
            ("ftp://h/a", "it must begin with https:// or http://"),
            ("not an address", "it is not a URL"),
            ("http://localhost/a/", "it must end with the dimension's id"),
            ("http://localhost", "it must end with the dimension's id"),
            (
                "http://localhost/a?x=1",
                "a resource id has neither ? nor #",
            ),
            (
                "http://user:secret@localhost/a",
                "it must not contain a user or a password",
            ),
        ] {
            let error = endpoint(url).unwrap_err();
            assert!(error.contains(words), "{url}: {error}");
        }
    }
}
