//! Functions of time.

use std::f64::consts::TAU;

use jiff::SignedDuration;

use super::values::{LARGEST, duration};

const KNOWN: &str = "constant(value=100), sine(min=20, max=400, period=24h), step(from=50, to=300, at=1h), \
                     ramp(from=50, to=300, start=1h, end=3h) and spike(base=50, peak=600, at=1h, for=20m)";

/// A value for each time after the start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SeriesFunction {
    /// Always the same.
    Constant(f64),
    /// Up from `min` to `max` and back in each `period`.
    Sine {
        /// Its lowest value, with which it begins.
        min: f64,
        /// Its highest value.
        max: f64,
        /// The length of a cycle.
        period: SignedDuration,
    },
    /// From one value to another, all at once.
    Step {
        /// The value before.
        from: f64,
        /// The value afterwards.
        to: f64,
        /// The time of the change.
        at: SignedDuration,
    },
    /// From one value to another, linearly.
    Ramp {
        /// The value before.
        from: f64,
        /// The value afterwards.
        to: f64,
        /// When it begins to change.
        start: SignedDuration,
        /// When it has changed.
        end: SignedDuration,
    },
    /// Another value for a while.
    Spike {
        /// The value before and afterwards.
        base: f64,
        /// The value in between.
        peak: f64,
        /// When it begins.
        at: SignedDuration,
        /// How long it lasts.
        lasts: SignedDuration,
    },
}

impl SeriesFunction {
    /// Parses `name(` and `rest`, the arguments with the closing parenthesis.
    pub(super) fn parse(name: &str, rest: &str) -> Result<Self, String> {
        let name = name.trim();
        let wrong = |what: &str| format!("{name}(…): {what}");
        let inside = rest
            .trim_end()
            .strip_suffix(')')
            .ok_or_else(|| wrong("the closing parenthesis is missing"))?;
        let mut given = Vec::new();
        for pair in inside
            .split(',')
            .map(str::trim)
            .filter(|pair| !pair.is_empty())
        {
            let (key, value) = pair
                .split_once('=')
                .ok_or_else(|| wrong(&format!("'{pair}' must be written name=value")))?;
            given.push((key.trim(), value.trim()));
        }
        let mut take = |key: &str| match given.iter().position(|(name, _)| *name == key) {
            Some(index) => Ok(given.remove(index).1),
            None => Err(wrong(&format!("{key} is missing"))),
        };
        let number = |text: &str| match text.parse::<f64>() {
            Ok(number) if number.abs() <= LARGEST => Ok(number),
            Ok(number) if number.is_finite() => {
                Err(wrong(&format!("'{text}' is not between -1e15 and 1e15")))
            }
            _ => Err(wrong(&format!("'{text}' is not a number"))),
        };
        let time = |text: &str| duration(text).map_err(|error| wrong(&error));
        let function = match name {
            "constant" => Self::Constant(number(take("value")?)?),
            "sine" => Self::Sine {
                min: number(take("min")?)?,
                max: number(take("max")?)?,
                period: time(take("period")?)?,
            },
            "step" => Self::Step {
                from: number(take("from")?)?,
                to: number(take("to")?)?,
                at: time(take("at")?)?,
            },
            "ramp" => Self::Ramp {
                from: number(take("from")?)?,
                to: number(take("to")?)?,
                start: time(take("start")?)?,
                end: time(take("end")?)?,
            },
            "spike" => Self::Spike {
                base: number(take("base")?)?,
                peak: number(take("peak")?)?,
                at: time(take("at")?)?,
                lasts: time(take("for")?)?,
            },
            _ => return Err(format!("there is no function '{name}'; there are {KNOWN}")),
        };
        if let Some((key, _)) = given.first() {
            return Err(wrong(&format!("there is no argument '{key}' left to give")));
        }
        match function {
            Self::Sine { period, .. } if period.is_zero() => {
                Err(wrong("period must be longer than 0s"))
            }
            Self::Ramp { start, end, .. } if end < start => {
                Err(wrong("end must not be before start"))
            }
            _ => Ok(function),
        }
    }

    /// The value at a time after the start.
    #[must_use]
    pub fn at(&self, time: SignedDuration) -> f64 {
        let seconds = |duration: SignedDuration| duration.as_secs_f64();
        match *self {
            Self::Constant(value) => value,
            Self::Sine { min, max, period } => {
                min + (max - min) * (1.0 - (TAU * seconds(time) / seconds(period)).cos()) / 2.0
            }
            Self::Step { from, to, at } => {
                if time < at {
                    from
                } else {
                    to
                }
            }
            Self::Ramp {
                from,
                to,
                start,
                end,
            } => {
                if time <= start {
                    from
                } else if time >= end {
                    to
                } else {
                    from + (to - from) * seconds(time - start) / seconds(end - start)
                }
            }
            Self::Spike {
                base,
                peak,
                at,
                lasts,
            } => {
                if time >= at && time < at + lasts {
                    peak
                } else {
                    base
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::Series;

    fn at(text: &str, minutes: i64) -> f64 {
        let Ok(Series::Function(function)) = Series::parse(text) else {
            panic!("{text}")
        };
        function.at(SignedDuration::from_mins(minutes))
    }

    #[test]
    fn each_function_has_its_shape() {
        assert_eq!(at("constant(value=7)", 5), 7.0);
        assert_eq!(
            (
                at("sine(min=20,max=400,period=24h)", 0),
                at("sine(min=20,max=400,period=24h)", 720)
            ),
            (20.0, 400.0)
        );
        assert_eq!(
            (
                at("step(from=1, to=3, at=1h)", 59),
                at("step(from=1, to=3, at=1h)", 60)
            ),
            (1.0, 3.0)
        );
        assert_eq!(
            (
                at("ramp(from=0,to=10,start=1h,end=2h)", 90),
                at("ramp(from=0,to=10,start=1h,end=2h)", 500)
            ),
            (5.0, 10.0)
        );
        let spike = "spike(base=1,peak=9,at=10m,for=5m)";
        assert_eq!(
            (at(spike, 9), at(spike, 10), at(spike, 14), at(spike, 15)),
            (1.0, 9.0, 9.0, 1.0)
        );
        assert_eq!(at("ramp(from=1,to=2,start=1h,end=1h)", 60), 1.0);
    }

    #[test]
    fn a_wrong_function_is_told() {
        for (text, words) in [
            (
                "saw(min=1)",
                "there is no function 'saw'; there are constant(value=100), sine(",
            ),
            ("sine(min=1,max=2)", "sine(…): period is missing"),
            (
                "sine(min=1,max=2,period=0)",
                "sine(…): period must be longer than 0s",
            ),
            (
                "sine(min=1,max=2,period=1h",
                "sine(…): the closing parenthesis is missing",
            ),
            ("step(from=a,to=2,at=1h)", "step(…): 'a' is not a number"),
            (
                "step(from=NaN,to=2,at=1h)",
                "step(…): 'NaN' is not a number",
            ),
            (
                "step(from=1,to=2,at=later)",
                "step(…): 'later' is not a duration",
            ),
            (
                "step(from=1,to=2,at=1h,until=2h)",
                "step(…): there is no argument 'until' left to give",
            ),
            ("step(1,2)", "step(…): '1' must be written name=value"),
            (
                "ramp(from=1,to=2,start=2h,end=1h)",
                "ramp(…): end must not be before start",
            ),
        ] {
            let error = Series::parse(text).unwrap_err();
            assert!(error.starts_with(words), "{error}");
        }
    }
}
