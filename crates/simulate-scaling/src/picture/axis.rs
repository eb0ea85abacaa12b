//! The axes: they map times and values to positions, and have marks.

use jiff::{Timestamp, tz::TimeZone};
use svg::node::element::{Group, Line};

use super::shapes::{rounded, text};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// The possible distances between time marks, in seconds.
const TIME_STEPS: [i64; 18] = [
    10,
    30,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    14 * DAY,
    30 * DAY,
];
const MOST_TIME_MARKS: i64 = 13;
const VALUE_MARKS: f64 = 5.0;

/// The time axis, from left to right.
pub(super) struct TimeAxis {
    start: Timestamp,
    end: Timestamp,
    left: f64,
    right: f64,
}

impl TimeAxis {
    pub(super) fn new(start: Timestamp, end: Timestamp, left: f64, right: f64) -> Self {
        Self {
            start,
            end,
            left,
            right,
        }
    }

    pub(super) fn x(&self, time: Timestamp) -> f64 {
        let share = time.duration_since(self.start).as_secs_f64()
            / self.end.duration_since(self.start).as_secs_f64();
        self.left + share * (self.right - self.left)
    }

    /// Full hours, days and so on, in UTC.
    fn marks(&self) -> Vec<Timestamp> {
        let (start, end) = (self.start.as_second(), self.end.as_second());
        let step = TIME_STEPS
            .into_iter()
            .find(|step| (end - start) / step < MOST_TIME_MARKS)
            .unwrap_or((end - start) / MOST_TIME_MARKS);
        let first = start + (-start).rem_euclid(step);
        (0..=MOST_TIME_MARKS)
            .map(|index| first + index * step)
            .filter(|second| *second <= end)
            .filter_map(|second| Timestamp::from_second(second).ok())
            .collect()
    }

    pub(super) fn grid(&self, top: f64, bottom: f64) -> Group {
        let line = |time: Timestamp| {
            let x = rounded(self.x(time));
            Line::new()
                .set("class", "grid")
                .set("x1", x)
                .set("x2", x)
                .set("y1", top)
                .set("y2", bottom)
        };
        self.marks()
            .into_iter()
            .map(line)
            .fold(Group::new(), Group::add)
    }

    pub(super) fn labels(&self, y: f64) -> Group {
        let day = |time: Timestamp| time.to_zoned(TimeZone::UTC).strftime("%-d %b").to_string();
        let label = |time: Timestamp| {
            let midnight = time.as_second().rem_euclid(DAY) == 0;
            let words = if midnight {
                day(time)
            } else {
                time.to_zoned(TimeZone::UTC).strftime("%H:%M").to_string()
            };
            text(
                self.x(time),
                y,
                if midnight { "tick day" } else { "tick" },
                &words,
            )
            .set("text-anchor", "middle")
        };
        let labels = self
            .marks()
            .into_iter()
            .map(label)
            .fold(Group::new(), Group::add);
        labels.add(
            text(
                (self.left + self.right) / 2.0,
                y + 22.0,
                "small",
                "time, UTC",
            )
            .set("text-anchor", "middle"),
        )
    }
}

/// The value axis, from bottom to top.
pub(super) struct ValueAxis {
    low: f64,
    high: f64,
    step: f64,
    top: f64,
    bottom: f64,
}

impl ValueAxis {
    /// An axis from `low` to `high` or a little further.
    pub(super) fn new(low: f64, high: f64, (top, bottom): (f64, f64)) -> Self {
        let span = (high - low).max(f64::MIN_POSITIVE);
        let magnitude = 10_f64.powf((span / VALUE_MARKS).log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|factor| factor * magnitude)
            .find(|step| span / step <= VALUE_MARKS + 1.0);
        let step = step.unwrap_or(span / VALUE_MARKS);
        Self {
            low: (low / step).floor() * step,
            high: high.max(low + step),
            step,
            top,
            bottom,
        }
    }

    pub(super) fn y(&self, value: f64) -> f64 {
        self.bottom - (value - self.low) / (self.high - self.low) * (self.bottom - self.top)
    }

    pub(super) fn grid(&self, left: f64, right: f64) -> Group {
        let mut group = Group::new();
        let mut value = self.low;
        while value <= self.high {
            let y = rounded(self.y(value));
            let class = if value == 0.0 { "axis" } else { "grid" };
            group = group
                .add(
                    Line::new()
                        .set("class", class)
                        .set("x1", left)
                        .set("x2", right)
                        .set("y1", y)
                        .set("y2", y),
                )
                .add(text(left - 8.0, y + 4.0, "tick", &number(value)).set("text-anchor", "end"));
            value += self.step;
        }
        group
    }
}

/// A number without the rounding errors of adding steps.
pub(super) fn number(value: f64) -> String {
    if value.abs() >= 1e6 {
        return format!("{value:e}");
    }
    format!("{}", (value * 1e6).round() / 1e6)
}
