//! CloudWatch's alarms as pure functions of the datapoints: the two that a target tracking policy creates, and those
//! that a step scaling policy is given.
//!
//! `AlarmHigh` evaluates three datapoints against the target, `AlarmLow` fifteen against nine tenths of it:
//! Application Auto Scaling's settings for a period of a minute; it scales in no sooner than "usually more than 10%"
//! below the target
//! (<https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html>).

use std::fmt;

/// How many datapoints `AlarmHigh` evaluates.
pub const HIGH_DATAPOINTS: usize = 3;
/// How many datapoints `AlarmLow` evaluates.
pub const LOW_DATAPOINTS: usize = 15;
/// The threshold of `AlarmLow`, as a share of the target.
pub const LOW_SHARE: f64 = 0.9;
/// How many older datapoints CloudWatch reads in addition, to make up for missing ones: its table has five for three
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html>).
const READ_MORE: usize = 2;

/// The state of an alarm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AlarmState {
    /// Every datapoint in the range is missing. Nothing scales in this state.
    #[default]
    InsufficientData,
    /// The metric is within the threshold.
    Ok,
    /// The metric is beyond the threshold.
    Alarm,
}

impl AlarmState {
    /// CloudWatch's name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::InsufficientData => "INSUFFICIENT_DATA",
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
        }
    }
}

impl fmt::Display for AlarmState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The direction of an alarm or a change of the capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// More capacity.
    Out,
    /// Less capacity.
    In,
}

/// How an alarm compares a datapoint with its threshold: CloudWatch's four comparisons with a single threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `GreaterThanThreshold`
    Above,
    /// `GreaterThanOrEqualToThreshold`
    AtLeast,
    /// `LessThanThreshold`
    Below,
    /// `LessThanOrEqualToThreshold`
    AtMost,
}

impl Comparison {
    /// The comparison with this name in CloudWatch.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Above, Self::AtLeast, Self::Below, Self::AtMost]
            .into_iter()
            .find(|comparison| comparison.name() == name)
    }

    /// CloudWatch's name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Above => "GreaterThanThreshold",
            Self::AtLeast => "GreaterThanOrEqualToThreshold",
            Self::Below => "LessThanThreshold",
            Self::AtMost => "LessThanOrEqualToThreshold",
        }
    }

    fn holds(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::Above => value > threshold,
            Self::AtLeast => value >= threshold,
            Self::Below => value < threshold,
            Self::AtMost => value <= threshold,
        }
    }
}

/// An alarm on a metric, all of whose evaluated datapoints must breach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alarm {
    comparison: Comparison,
    threshold: f64,
    datapoints: usize,
}

impl Alarm {
    /// An alarm that goes to `ALARM` when `datapoints` in a row breach `threshold`.
    #[must_use]
    pub fn new(comparison: Comparison, threshold: f64, datapoints: usize) -> Self {
        Self {
            comparison,
            threshold,
            datapoints: datapoints.max(1),
        }
    }

    /// The alarm of target tracking that scales out: above `target`.
    #[must_use]
    pub fn high(target: f64) -> Self {
        Self::new(Comparison::Above, target, HIGH_DATAPOINTS)
    }

    /// The alarm of target tracking that scales in: below nine tenths of `target`.
    #[must_use]
    pub fn low(target: f64) -> Self {
        Self::new(Comparison::Below, target * LOW_SHARE, LOW_DATAPOINTS)
    }

    /// The threshold.
    #[must_use]
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// The side of the threshold that is a breach.
    #[must_use]
    pub fn side(&self) -> Direction {
        match self.comparison {
            Comparison::Above | Comparison::AtLeast => Direction::Out,
            Comparison::Below | Comparison::AtMost => Direction::In,
        }
    }

    /// How many datapoints in a row must breach.
    #[must_use]
    pub fn datapoints(&self) -> usize {
        self.datapoints
    }

    /// The most datapoints that an evaluation reads.
    #[must_use]
    pub fn reads(&self) -> usize {
        self.datapoints + READ_MORE
    }

    fn breaches(&self, value: f64) -> bool {
        self.comparison.holds(value, self.threshold)
    }

    /// The state after `history`, which ends with the newest datapoint, from the state `before`. `None` is a missing
    /// datapoint; those before the first one count as missing. Missing data are treated as `missing`.
    ///
    /// With too few datapoints to decide, the state stays, unless the oldest datapoint in the evaluated periods
    /// breaches and no later one is within the threshold: then CloudWatch goes to `ALARM`, however many are missing.
    #[must_use]
    pub fn evaluate(&self, history: &[Option<f64>], before: AlarmState) -> AlarmState {
        let wanted = self.datapoints();
        let range = &history[history.len().saturating_sub(self.reads())..];
        let newest_first: Vec<bool> = range
            .iter()
            .rev()
            .flatten()
            .map(|value| self.breaches(*value))
            .collect();
        if newest_first.is_empty() {
            return AlarmState::InsufficientData;
        }
        if !newest_first.iter().take(wanted).all(|breaches| *breaches) {
            return AlarmState::Ok;
        }
        // All existing ones breach; the oldest of the evaluated periods is `wanted` back.
        let oldest_is_there = range.len() >= wanted && range[range.len() - wanted].is_some();
        if newest_first.len() >= wanted || oldest_is_there {
            AlarmState::Alarm
        } else {
            before
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of AWS's table: `X` breaches, `0` does not, `-` is missing.
    fn history(text: &str) -> Vec<Option<f64>> {
        let value = |sign| match sign {
            'X' => Some(60.0),
            '0' => Some(50.0),
            _ => None,
        };
        text.chars().map(value).collect()
    }

    #[test]
    fn missing_datapoints_are_treated_as_cloudwatchs_table_says() {
        let alarm = Alarm::high(50.0);
        for (text, state) in [
            ("0-X-X", AlarmState::Ok),
            ("----0", AlarmState::Ok),
            ("-----", AlarmState::InsufficientData),
            ("0XX-X", AlarmState::Alarm),
            ("--X--", AlarmState::Alarm),
        ] {
            assert_eq!(
                alarm.evaluate(&history(text), AlarmState::Ok),
                state,
                "{text}"
            );
        }
    }

    #[test]
    fn one_breach_alone_keeps_the_state_that_was() {
        for before in [
            AlarmState::Ok,
            AlarmState::Alarm,
            AlarmState::InsufficientData,
        ] {
            assert_eq!(
                Alarm::high(50.0).evaluate(&history("----X"), before),
                before
            );
            assert_eq!(Alarm::high(50.0).evaluate(&history("X"), before), before);
        }
    }

    #[test]
    fn scaling_out_takes_three_datapoints_and_scaling_in_fifteen() {
        let high = Alarm::high(50.0);
        assert_eq!(
            high.evaluate(&[Some(50.1); 2], AlarmState::Ok),
            AlarmState::Ok
        );
        assert_eq!(
            high.evaluate(&[Some(50.1); 3], AlarmState::Ok),
            AlarmState::Alarm
        );
        assert_eq!(
            high.evaluate(&[Some(50.0); 3], AlarmState::Alarm),
            AlarmState::Ok
        );
        let low = Alarm::low(50.0);
        assert_eq!(
            low.evaluate(&[Some(44.9); 14], AlarmState::Ok),
            AlarmState::Ok
        );
        assert_eq!(
            low.evaluate(&[Some(44.9); 15], AlarmState::Ok),
            AlarmState::Alarm
        );
        assert_eq!(
            low.evaluate(&[Some(45.0); 15], AlarmState::Ok),
            AlarmState::Ok
        );
    }

    #[test]
    fn each_comparison_has_its_side_of_the_threshold() {
        for (comparison, below, at, above) in [
            (Comparison::Above, false, false, true),
            (Comparison::AtLeast, false, true, true),
            (Comparison::Below, true, false, false),
            (Comparison::AtMost, true, true, false),
        ] {
            let alarm = Alarm::new(comparison, 50.0, 2);
            for (value, breaches) in [(49.0, below), (50.0, at), (51.0, above)] {
                let state = alarm.evaluate(&[Some(value); 2], AlarmState::Ok);
                assert_eq!(
                    state == AlarmState::Alarm,
                    breaches,
                    "{comparison:?} {value}"
                );
            }
            assert_eq!(Comparison::named(comparison.name()), Some(comparison));
        }
    }

    #[test]
    fn one_datapoint_within_the_threshold_ends_an_alarm() {
        assert_eq!(
            Alarm::high(50.0).evaluate(&history("XXXX0"), AlarmState::Alarm),
            AlarmState::Ok
        );
        assert_eq!(
            Alarm::high(50.0).evaluate(&history("XXX0X"), AlarmState::Alarm),
            AlarmState::Ok
        );
    }
}
