//! Scheduled actions: a new minimum and maximum at certain times, in Application Auto Scaling's `at`, `rate` and `cron`
//! syntax
//! (<https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html>).

use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use jiff::{
    SignedDuration, Timestamp,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};

use crate::policy::{CapacityBounds, MOST_CAPACITY};

const FORM: &str = "write it like 'morning: cron(0 8 * * ? *) min=4 max=10 timezone=Europe/Berlin', with at(2026-01-05T08:00:00), \
                    rate(1 hour) or cron(minutes hours day-of-month month day-of-week year)";

/// A scheduled action.
#[derive(Clone, Debug)]
pub struct ScheduledAction {
    /// Its name.
    pub name: String,
    when: Schedule,
    /// Its first time, whatever its recurrence.
    start: Option<Timestamp>,
    /// It does not recur after this time.
    end: Option<Timestamp>,
    /// The new minimum, if any.
    pub min: Option<u32>,
    /// The new maximum, if any.
    pub max: Option<u32>,
}

#[derive(Clone, Debug)]
enum Schedule {
    At(Timestamp),
    Rate(SignedDuration),
    Cron(Box<Cron>, TimeZone),
}

impl ScheduledAction {
    /// Parses `[NAME:] at(…)|rate(…)|cron(…) [min=N] [max=N] [timezone=TZ] [start=TIME] [end=TIME]`. Start and end
    /// are in UTC, and only recurring actions have them.
    ///
    /// # Errors
    /// A sentence about the problem.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (head, rest) = text
            .split_once('(')
            .ok_or_else(|| format!("'{text}' is not a schedule; {FORM}"))?;
        let (inside, options) = rest
            .split_once(')')
            .ok_or_else(|| format!("'{text}' has no closing parenthesis; {FORM}"))?;
        let (name, kind) = head.rsplit_once(':').unwrap_or(("scheduled", head));
        let (mut min, mut max, mut zone) = (None, None, TimeZone::UTC);
        let (mut start, mut end) = (None, None);
        for option in options.split_whitespace() {
            let number = |value: &str| {
                value
                    .parse::<u32>()
                    .ok()
                    .filter(|capacity| *capacity <= MOST_CAPACITY)
                    .map(Some)
                    .ok_or_else(|| {
                        format!(
                            "'{option}' is not a capacity: a whole number up to {MOST_CAPACITY}"
                        )
                    })
            };
            let time = |value: &str| {
                value.parse::<Timestamp>().map(Some).map_err(|_| {
                    format!("'{option}' must have a time in UTC like 2026-01-05T08:00:00Z")
                })
            };
            match option.split_once('=') {
                Some(("start", value)) => start = time(value)?,
                Some(("end", value)) => end = time(value)?,
                Some(("min", value)) => min = number(value)?,
                Some(("max", value)) => max = number(value)?,
                Some(("timezone", value)) => {
                    zone = TimeZone::get(value).map_err(|_| {
                        format!("'{value}' is not a time zone; write one like Europe/Berlin")
                    })?
                }
                _ => return Err(format!("'{option}' belongs to no schedule; {FORM}")),
            }
        }
        if min.is_none() && max.is_none() {
            return Err(format!("'{text}' sets neither min nor max"));
        }
        let when = match kind.trim() {
            "at" => at(inside, zone)?,
            "rate" => rate(inside)?,
            "cron" => cron(inside, zone)?,
            other => return Err(format!("'{other}' is neither at, rate nor cron; {FORM}")),
        };
        if matches!(when, Schedule::At(_)) && (start.is_some() || end.is_some()) {
            return Err(format!(
                "'{text}' happens once, so it takes neither start nor end"
            ));
        }
        if let (Some(start), Some(end)) = (start, end)
            && start >= end
        {
            return Err(format!("'{text}' must start before it ends"));
        }
        Ok(Self {
            name: name.trim().to_owned(),
            when,
            start,
            end,
            min,
            max,
        })
    }

    /// The bounds after the action.
    #[must_use]
    pub fn bounds(&self, before: CapacityBounds) -> CapacityBounds {
        CapacityBounds {
            min: self.min.unwrap_or(before.min),
            max: self.max.unwrap_or(before.max),
        }
    }

    /// When it next happens after `now`, in a simulation that began at `start`.
    #[must_use]
    pub fn next(&self, start: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let next = match self.start {
            Some(first) if first > now => Some(first),
            Some(first) => self.recurs(first, now),
            None => self.recurs(start, now),
        };
        next.filter(|time| self.end.is_none_or(|end| *time <= end))
    }

    /// When it next recurs after `now`, counted from `start`.
    fn recurs(&self, start: Timestamp, now: Timestamp) -> Option<Timestamp> {
        match &self.when {
            Schedule::At(time) => (*time > now).then_some(*time),
            Schedule::Rate(every) => {
                let done = now
                    .duration_since(start)
                    .as_secs()
                    .div_euclid(every.as_secs());
                start
                    .checked_add(SignedDuration::from_secs(
                        every.as_secs().checked_mul(done + 1)?,
                    ))
                    .ok()
            }
            Schedule::Cron(cron, zone) => cron
                .find_next_occurrence(&now.to_zoned(zone.clone()), false)
                .ok()
                .map(|time| time.timestamp()),
        }
    }
}

fn at(text: &str, zone: TimeZone) -> Result<Schedule, String> {
    let local: DateTime = text
        .trim()
        .parse()
        .map_err(|_| format!("at({text}): the time must be written like 2026-01-05T08:00:00"))?;
    let none = |_| format!("at({text}): there is no such time");
    let ambiguous = zone.to_ambiguous_timestamp(local);
    let time = match ambiguous.offset() {
        // Daylight saving time skips it: the first moment after the gap, as in cron.
        AmbiguousOffset::Gap { after, .. } => {
            let before_the_gap = after.to_timestamp(local).map_err(none)?;
            let transition = zone.following(before_the_gap).next();
            transition.map_or(before_the_gap, |transition| transition.timestamp())
        }
        _ => ambiguous.compatible().map_err(none)?,
    };
    Ok(Schedule::At(time))
}

fn rate(text: &str) -> Result<Schedule, String> {
    let wrong = || format!("rate({text}): write it like rate(1 hour) or rate(15 minutes)");
    let (number, unit) = text.trim().split_once(' ').ok_or_else(wrong)?;
    let number: u32 = number
        .parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(wrong)?;
    let seconds = match unit.trim().trim_end_matches('s') {
        "minute" => 60,
        "hour" => 3600,
        "day" => 86_400,
        _ => return Err(wrong()),
    };
    Ok(Schedule::Rate(SignedDuration::from_secs(
        i64::from(number) * seconds,
    )))
}

/// AWS's fields are minutes, hours, day of month, month, day of week (1 is Sunday) and year; one of the two days is
/// `?`. As in Quartz, where the syntax comes from, a field for seconds may precede them; only 0 is supported here.
fn cron(text: &str, zone: TimeZone) -> Result<Schedule, String> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let (seconds, rest) = match fields[..] {
        [seconds, ref rest @ ..] if rest.len() == 6 => (seconds, rest),
        _ => ("0", &fields[..]),
    };
    let [minutes, hours, day, month, weekday, year] = *rest else {
        return Err(format!(
            "cron({text}): there are {} fields; there must be six: minutes hours day-of-month month day-of-week year",
            fields.len()
        ));
    };
    if seconds != "0" {
        return Err(format!(
            "cron({text}): the first of seven fields is the seconds, and must be 0"
        ));
    }
    if (day == "?") == (weekday == "?") {
        return Err(format!(
            "cron({text}): exactly one of day-of-month and day-of-week must be ?"
        ));
    }
    let field = |field: &str, last: u32| {
        if field == "?" {
            "*".to_owned()
        } else {
            steps_to(&field.to_ascii_uppercase(), last)
        }
    };
    let (minutes, hours) = (field(minutes, 59), field(hours, 23));
    let (day, month, weekday, year) = (
        field(day, 31),
        field(month, 12),
        field(weekday, 7),
        field(year, 2199),
    );
    // Croner's fields begin with seconds.
    let pattern = format!("0 {minutes} {hours} {day} {month} {weekday} {year}");
    let cron = CronParser::builder()
        .seconds(Seconds::Required)
        .year(Year::Required)
        .alternative_weekdays(true)
        .build()
        .parse(&pattern)
        .map_err(|error| format!("cron({text}): {error}"))?;
    Ok(Schedule::Cron(Box::new(cron), zone))
}

/// AWS writes `5/15` for every fifteenth from the fifth on; Croner needs the end as well, `5-59/15`.
fn steps_to(field: &str, last: u32) -> String {
    let part = |part: &str| match part.split_once('/') {
        Some((first, step)) if first.parse::<u32>().is_ok() => format!("{first}-{last}/{step}"),
        _ => part.to_owned(),
    };
    field.split(',').map(part).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(text: &str, now: &str) -> Option<String> {
        let start = "2026-01-05T00:00:00Z".parse().unwrap();
        ScheduledAction::parse(text)
            .unwrap()
            .next(start, now.parse().unwrap())
            .map(|time| time.to_string())
    }

    #[test]
    fn each_kind_has_its_times() {
        for (schedule, now, expected) in [
            (
                "at(2026-01-05T08:00:00) min=4",
                "2026-01-05T00:00:00Z",
                Some("2026-01-05T08:00:00Z"),
            ),
            (
                "at(2026-01-05T08:00:00) min=4",
                "2026-01-05T08:00:00Z",
                None,
            ),
            (
                "at(2026-01-05T08:00:00) min=4 timezone=Europe/Berlin",
                "2026-01-05T00:00:00Z",
                Some("2026-01-05T07:00:00Z"),
            ),
            (
                "rate(15 minutes) max=4",
                "2026-01-05T00:00:00Z",
                Some("2026-01-05T00:15:00Z"),
            ),
            (
                "cron(5/15 8 * * ? *) min=4",
                "2026-01-05T08:10:00Z",
                Some("2026-01-05T08:20:00Z"),
            ),
            (
                "cron(0 0/6 ? * 2-6 *) min=4",
                "2026-01-05T13:00:00Z",
                Some("2026-01-05T18:00:00Z"),
            ),
            (
                "rate(1 hour) max=4",
                "2026-01-05T03:30:00Z",
                Some("2026-01-05T04:00:00Z"),
            ),
            (
                "cron(0 8 * * ? *) min=4",
                "2026-01-05T08:00:00Z",
                Some("2026-01-06T08:00:00Z"),
            ),
            // It happens at its start, and then recurs until its end.
            (
                "cron(0 8 * * ? *) min=4 start=2026-01-06T06:30:00Z",
                "2026-01-05T00:00:00Z",
                Some("2026-01-06T06:30:00Z"),
            ),
            (
                "cron(0 8 * * ? *) min=4 start=2026-01-06T06:30:00Z",
                "2026-01-06T06:30:00Z",
                Some("2026-01-06T08:00:00Z"),
            ),
            (
                "rate(1 hour) min=4 start=2026-01-05T00:20:00Z",
                "2026-01-05T00:20:00Z",
                Some("2026-01-05T01:20:00Z"),
            ),
            (
                "cron(0 8 * * ? *) min=4 end=2026-01-06T08:00:00Z",
                "2026-01-05T08:00:00Z",
                Some("2026-01-06T08:00:00Z"),
            ),
            (
                "cron(0 8 * * ? *) min=4 end=2026-01-06T07:59:59Z",
                "2026-01-05T08:00:00Z",
                None,
            ),
            // 2026-01-05 is a Monday, and day 2 of AWS's week.
            (
                "cron(30 18 ? * MON-FRI *) min=4",
                "2026-01-09T19:00:00Z",
                Some("2026-01-12T18:30:00Z"),
            ),
            (
                "cron(0 0 ? * 1 *) min=4",
                "2026-01-05T00:00:00Z",
                Some("2026-01-11T00:00:00Z"),
            ),
            (
                "cron(0 12 L * ? *) min=4",
                "2026-02-01T00:00:00Z",
                Some("2026-02-28T12:00:00Z"),
            ),
            ("cron(0 8 * * ? 2025) min=4", "2026-02-01T00:00:00Z", None),
            (
                "cron(0 0 8 ? * MON-FRI *) min=4",
                "2026-01-09T09:00:00Z",
                Some("2026-01-12T08:00:00Z"),
            ),
        ] {
            assert_eq!(next(schedule, now).as_deref(), expected, "{schedule}");
        }
    }

    /// In Berlin the clock went from 02:00 to 03:00 on 29 March 2026, and from 03:00 to 02:00 on 25 October.
    #[test]
    fn daylight_saving_has_one_answer_for_each_kind() {
        for (local, now, expected) in [
            (
                "2026-03-29T02:30:00",
                "2026-03-28T12:00:00Z",
                "2026-03-29T01:00:00Z",
            ),
            (
                "2026-10-25T02:30:00",
                "2026-10-24T12:00:00Z",
                "2026-10-25T00:30:00Z",
            ),
        ] {
            let at = format!("at({local}) min=4 timezone=Europe/Berlin");
            assert_eq!(next(&at, now).as_deref(), Some(expected), "{at}");
            let cron = "cron(30 2 * * ? *) min=4 timezone=Europe/Berlin";
            assert_eq!(
                next(cron, now).as_deref(),
                Some(expected),
                "{cron} after {now}"
            );
        }
    }

    #[test]
    fn name_and_bounds_are_read() {
        let action = ScheduledAction::parse("office hours: cron(0 8 * * ? *) min=4").unwrap();
        assert_eq!(action.name, "office hours");
        assert_eq!(
            action.bounds(CapacityBounds { min: 1, max: 9 }),
            CapacityBounds { min: 4, max: 9 }
        );
    }

    #[test]
    fn a_wrong_schedule_is_told() {
        for (text, words) in [
            (
                "daily min=1",
                "'daily min=1' is not a schedule; write it like",
            ),
            (
                "cron(0 8 * * ? *)",
                "'cron(0 8 * * ? *)' sets neither min nor max",
            ),
            (
                "cron(0 8 * * *) min=1",
                "cron(0 8 * * *): there are 5 fields; there must be six",
            ),
            (
                "cron(0 8 * * * *) min=1",
                "cron(0 8 * * * *): exactly one of day-of-month and day-of-week must be ?",
            ),
            (
                "cron(30 0 8 * * ? *) min=1",
                "cron(30 0 8 * * ? *): the first of seven fields is the second",
            ),
            (
                "rate(1 hour) max=2147483648",
                "'max=2147483648' is not a capacity",
            ),
            ("cron(99 8 * * ? *) min=1", "cron(99 8 * * ? *): "),
            ("every(5) min=1", "'every' is neither at, rate nor cron"),
            ("rate(often) min=1", "rate(often): write it like"),
            ("rate(0 hours) min=1", "rate(0 hours): write it like"),
            ("at(noon) min=1", "at(noon): the time must be written like"),
            ("rate(1 hour) min=-1", "'min=-1' is not a capacity"),
            (
                "rate(1 hour) min=1 timezone=Mars",
                "'Mars' is not a time zone",
            ),
            ("rate(1 hour) min=1 now", "'now' belongs to no schedule"),
            (
                "rate(1 hour) min=1 start=8:00",
                "'start=8:00' must have a time in UTC",
            ),
            (
                "at(2026-01-05T08:00:00) min=1 end=2026-01-06T00:00:00Z",
                "'at(2026-01-05T08:00:00) min=1 end=2026-01-06T00:00:00Z' happens once",
            ),
            (
                "rate(1 hour) min=1 start=2026-01-06T00:00:00Z end=2026-01-06T00:00:00Z",
                "'rate(1 hour) min=1 start=2026-01-06T00:00:00Z end=2026-01-06T00:00:00Z' must start before",
            ),
        ] {
            let error = ScheduledAction::parse(text).unwrap_err();
            assert!(error.starts_with(words), "{error}");
        }
    }
}
