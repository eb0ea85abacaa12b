//! Step scaling: by how much an alarm's breach changes the capacity, as pure functions
//! (<https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html>).

use jiff::SignedDuration;

use crate::{
    alarm::{Alarm, Direction},
    policy::{CapacityBounds, NotScaledReason, PolicyVerdict, scale_in_to, scale_out_to},
};

/// The meaning of a step's number: AWS's `AdjustmentType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adjustment {
    /// `ChangeInCapacity`: that many units more or less.
    Change,
    /// `ExactCapacity`: that many units.
    Exact,
    /// `PercentChangeInCapacity`: that many percent more or less.
    Percent,
}

impl Adjustment {
    /// The type with this name in AWS.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Change, Self::Exact, Self::Percent]
            .into_iter()
            .find(|adjustment| adjustment.name() == name)
    }

    /// AWS's name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Change => "ChangeInCapacity",
            Self::Exact => "ExactCapacity",
            Self::Percent => "PercentChangeInCapacity",
        }
    }
}

/// A step: its change for a breach between its bounds, which are relative to the alarm's threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepAdjustment {
    /// `MetricIntervalLowerBound`; `None` is minus infinity.
    pub lower: Option<f64>,
    /// `MetricIntervalUpperBound`; `None` is infinity.
    pub upper: Option<f64>,
    /// `ScalingAdjustment`
    pub by: i32,
}

/// A step scaling policy and the alarm that invokes it.
#[derive(Clone, Debug, PartialEq)]
pub struct StepScaling {
    /// The alarm, which belongs to its owner, not to Application Auto Scaling.
    pub alarm: Alarm,
    /// The meaning of the steps' numbers.
    pub adjustment: Adjustment,
    /// The steps.
    pub steps: Vec<StepAdjustment>,
    /// How long after a change another one is blocked.
    pub cooldown: SignedDuration,
    /// `MinAdjustmentMagnitude`: the minimum of a change in percent, in units.
    pub least: Option<u32>,
}

impl StepScaling {
    /// The first of AWS's rules that the steps break, as a clause.
    #[must_use]
    pub fn fault(&self) -> Option<&'static str> {
        let mut steps: Vec<&StepAdjustment> = self.steps.iter().collect();
        let edge = |bound: Option<f64>, open: f64| bound.unwrap_or(open);
        steps.sort_by(|a, b| {
            edge(a.lower, f64::NEG_INFINITY).total_cmp(&edge(b.lower, f64::NEG_INFINITY))
        });
        if steps.is_empty() {
            return Some("there must be a step");
        }
        let empty = steps
            .iter()
            .any(|step| edge(step.lower, f64::NEG_INFINITY) >= edge(step.upper, f64::INFINITY));
        if empty {
            return Some("a step's lower bound must be below its upper one");
        }
        for pair in steps.windows(2) {
            if pair[0].upper != pair[1].lower || pair[0].upper.is_none() {
                return Some("the steps must follow each other without a gap or an overlap");
            }
        }
        if self.adjustment == Adjustment::Exact && self.steps.iter().any(|step| step.by < 0) {
            return Some("an exact capacity must not be negative");
        }
        None
    }

    /// The step for a metric. Above the threshold a lower bound belongs to its step and an upper one does not; below
    /// it, it is the other way round.
    fn step(&self, metric: f64) -> Option<&StepAdjustment> {
        let beyond = metric - self.alarm.threshold();
        let inside = |step: &&StepAdjustment| {
            let (lower, upper) = (
                step.lower.unwrap_or(f64::NEG_INFINITY),
                step.upper.unwrap_or(f64::INFINITY),
            );
            if self.alarm.side() == Direction::Out {
                (lower..upper).contains(&beyond)
            } else {
                beyond > lower && beyond <= upper
            }
        };
        self.steps.iter().find(inside)
    }

    /// The capacity that a step requests, before minimum and maximum. A fraction of a single unit counts as a whole
    /// one; other fractions are dropped.
    fn wanted_capacity(&self, current: f64, step: &StepAdjustment) -> f64 {
        let by = f64::from(step.by);
        match self.adjustment {
            Adjustment::Exact => by,
            Adjustment::Change => current + by,
            Adjustment::Percent => {
                let exact = current * by / 100.0;
                let whole = if exact == 0.0 {
                    0.0
                } else if exact.abs() < 1.0 {
                    exact.signum()
                } else {
                    exact.trunc()
                };
                let least = f64::from(self.least.unwrap_or(0));
                current + by.signum() * whole.abs().max(least)
            }
        }
    }

    /// The reaction to a datapoint in `ALARM`; `None` if no step covers it. `added` is what the scale-out that
    /// started the running cooldown has added: a larger one adds the difference. `blocked` means that a scale-in's
    /// cooldown is running.
    #[must_use]
    pub fn decide(
        &self,
        current: f64,
        metric: f64,
        bounds: CapacityBounds,
        added: Option<f64>,
        blocked: bool,
    ) -> Option<PolicyVerdict> {
        let wanted = self.wanted_capacity(current, self.step(metric)?);
        Some(if wanted > current {
            scale_out_to(wanted, current, bounds, added)
        } else if wanted < current {
            scale_in_to(wanted, current, bounds, blocked)
        } else {
            PolicyVerdict::NotScaled(NotScaledReason::AlreadyAtDesiredCapacity { current })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alarm::Comparison;

    const BOUNDS: CapacityBounds = CapacityBounds { min: 1, max: 100 };

    fn policy(
        comparison: Comparison,
        adjustment: Adjustment,
        steps: &[(Option<f64>, Option<f64>, i32)],
    ) -> StepScaling {
        let step = |&(lower, upper, by): &(Option<f64>, Option<f64>, i32)| StepAdjustment {
            lower,
            upper,
            by,
        };
        StepScaling {
            alarm: Alarm::new(comparison, 60.0, 1),
            adjustment,
            steps: steps.iter().map(step).collect(),
            cooldown: SignedDuration::ZERO,
            least: None,
        }
    }

    /// The example in AWS's guide: threshold 60, plus 10 % from 0 to 10, plus 30 % from 10 on.
    #[test]
    fn a_larger_breach_takes_a_larger_step() {
        let out = policy(
            Comparison::AtLeast,
            Adjustment::Percent,
            &[(Some(0.0), Some(10.0), 10), (Some(10.0), None, 30)],
        );
        for (current, metric, wanted) in [
            (10.0, 60.0, 11),
            (10.0, 69.9, 11),
            (10.0, 70.0, 13),
            (11.0, 70.0, 14),
        ] {
            assert_eq!(
                out.decide(current, metric, BOUNDS, None, false),
                Some(PolicyVerdict::Scale(wanted)),
                "{metric}"
            );
        }
        assert_eq!(out.decide(10.0, 59.0, BOUNDS, None, false), None);
    }

    #[test]
    fn below_the_threshold_the_upper_bound_belongs_to_its_step() {
        let scale_in = policy(
            Comparison::AtMost,
            Adjustment::Change,
            &[(Some(-10.0), Some(0.0), -1), (None, Some(-10.0), -3)],
        );
        for (metric, wanted) in [(60.0, 9), (50.1, 9), (50.0, 7), (0.0, 7)] {
            assert_eq!(
                scale_in.decide(10.0, metric, BOUNDS, None, false),
                Some(PolicyVerdict::Scale(wanted)),
                "{metric}"
            );
        }
        assert_eq!(
            scale_in.decide(10.0, 50.0, BOUNDS, None, true),
            Some(PolicyVerdict::CoolingDown)
        );
    }

    #[test]
    fn percents_are_rounded_as_aws_rounds_them() {
        for (by, current, wanted) in [
            (10, 3.0, 4),
            (10, 29.0, 31),
            (-10, 5.0, 4),
            (-10, 29.0, 27),
            (200, 10.0, 30),
        ] {
            let policy = policy(Comparison::Above, Adjustment::Percent, &[(None, None, by)]);
            assert_eq!(
                policy.decide(current, 61.0, BOUNDS, None, false),
                Some(PolicyVerdict::Scale(wanted)),
                "{by} % of {current}"
            );
        }
        let mut least = policy(Comparison::Above, Adjustment::Percent, &[(None, None, 25)]);
        least.least = Some(2);
        assert_eq!(
            least.decide(4.0, 61.0, BOUNDS, None, false),
            Some(PolicyVerdict::Scale(6))
        );
    }

    #[test]
    fn within_the_cooldown_only_the_difference_is_added() {
        let steps = &[(Some(0.0), Some(10.0), 2), (Some(10.0), None, 3)];
        let out = policy(Comparison::Above, Adjustment::Change, steps);
        assert_eq!(
            out.decide(6.0, 65.0, BOUNDS, Some(2.0), false),
            Some(PolicyVerdict::CoolingDown)
        );
        assert_eq!(
            out.decide(6.0, 75.0, BOUNDS, Some(2.0), false),
            Some(PolicyVerdict::Scale(7))
        );
    }

    #[test]
    fn steps_that_aws_refuses_are_told() {
        let fault = |steps| policy(Comparison::Above, Adjustment::Change, steps).fault();
        assert_eq!(
            fault(&[(Some(0.0), Some(5.0), 1), (Some(5.0), None, 2)]),
            None
        );
        assert_eq!(fault(&[]), Some("there must be a step"));
        assert!(
            fault(&[(Some(5.0), Some(5.0), 1)])
                .unwrap()
                .contains("below its upper")
        );
        assert!(
            fault(&[(Some(0.0), Some(5.0), 1), (Some(6.0), None, 2)])
                .unwrap()
                .contains("gap")
        );
        assert!(
            fault(&[(Some(0.0), None, 1), (Some(6.0), None, 2)])
                .unwrap()
                .contains("overlap")
        );
        let exact = policy(Comparison::Above, Adjustment::Exact, &[(None, None, -1)]);
        assert!(exact.fault().unwrap().contains("negative"));
    }
}
