//! How a target tracking policy reacts to a datapoint, as pure functions.
//!
//! AWS publishes the rules but not the formula. Certain is that the change is proportional to the metric, is rounded so
//! that the capacity is rather too large than too small, and stays between minimum and maximum.

use crate::alarm::Direction;

/// The largest capacity that Application Auto Scaling can hold: its integers have 32 bits and a sign.
pub const MOST_CAPACITY: u32 = i32::MAX.unsigned_abs();

/// The minimum and the maximum of a scalable target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapacityBounds {
    /// The minimum capacity.
    pub min: u32,
    /// The maximum capacity.
    pub max: u32,
}

impl CapacityBounds {
    /// The capacity within the bounds that is nearest to `wanted`.
    fn nearest(self, wanted: f64) -> f64 {
        wanted.max(f64::from(self.min)).min(f64::from(self.max))
    }

    /// The bound that `capacity` violates, with AWS's wording of the cause.
    #[must_use]
    pub fn broken_by(self, capacity: f64) -> Option<(u32, String)> {
        if capacity < f64::from(self.min) {
            Some((
                self.min,
                format!("minimum capacity was set to {}", self.min),
            ))
        } else if capacity > f64::from(self.max) {
            Some((
                self.max,
                format!("maximum capacity was set to {}", self.max),
            ))
        } else {
            None
        }
    }
}

/// Why nothing was scaled, with the names of Application Auto Scaling's `NotScaledReason`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NotScaledReason {
    /// Scaling out is blocked by the maximum.
    AlreadyAtMaxCapacity {
        /// The maximum.
        max: u32,
    },
    /// Scaling in is blocked by the minimum.
    AlreadyAtMinCapacity {
        /// The minimum.
        min: u32,
    },
    /// After scaling in, a datapoint like those that the alarm just evaluated would scale out again.
    AutoScalingAnticipatedFlapping {
        /// The current capacity.
        current: f64,
    },
    /// The computed capacity is the current one.
    AlreadyAtDesiredCapacity {
        /// The current capacity.
        current: f64,
    },
}

/// The reaction to a datapoint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PolicyVerdict {
    /// The new desired capacity.
    Scale(u32),
    /// No change, for this reason.
    NotScaled(NotScaledReason),
    /// Blocked by a cooldown.
    CoolingDown,
}

/// The capacity at which the metric would be `target`: `current` times `metric` divided by `target`, rounded up.
#[must_use]
pub fn needed_capacity(current: f64, metric: f64, target: f64) -> f64 {
    let exact = current * metric / target;
    // A whole number with a division's rounding error must not cost an extra unit.
    let whole = exact.round();
    if (exact - whole).abs() <= 1e-9 * whole.max(1.0) {
        whole
    } else {
        exact.ceil()
    }
}

/// An existing datapoint, with the capacity at which it was measured: what the metric says about the load is only true
/// for that capacity, not for a later one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Datapoint {
    /// The metric.
    pub metric: f64,
    /// The actual capacity at that time.
    pub capacity: f64,
}

/// Scales out. Within a cooldown, `added` is what the scale-out that started it has added: only a larger need scales,
/// by the difference.
#[must_use]
pub fn scale_out(
    current: f64,
    newest: Datapoint,
    target: f64,
    bounds: CapacityBounds,
    added: Option<f64>,
) -> PolicyVerdict {
    // Zero times anything is zero, but the metric shows that there is work to do.
    let wanted = needed_capacity(newest.capacity.max(1.0), newest.metric, target);
    scale_out_to(wanted, current, bounds, added)
}

/// Scales in, unless the scale-in cooldown is running. `highest` is the highest datapoint that the alarm evaluated:
/// if it would be above the target after scaling in, nothing is scaled.
#[must_use]
pub fn scale_in(
    current: f64,
    newest: Datapoint,
    highest: f64,
    target: f64,
    bounds: CapacityBounds,
    cooling_down: bool,
) -> PolicyVerdict {
    // A capacity above the maximum, set by another caller, comes down at least to the maximum.
    let needed =
        |capacity, metric: f64| bounds.nearest(needed_capacity(capacity, metric.max(0.0), target));
    let wanted = needed(newest.capacity, newest.metric);
    match scale_in_to(wanted, current, bounds, cooling_down) {
        PolicyVerdict::Scale(_) if needed(current, highest) > wanted => {
            PolicyVerdict::NotScaled(NotScaledReason::AutoScalingAnticipatedFlapping { current })
        }
        verdict => verdict,
    }
}

/// Scales out to `wanted`, limited by the maximum. `added` is what the scale-out that started the running cooldown has
/// added: within a cooldown only a larger need scales, and what was already added counts towards it. According to
/// the documentation, after adding 2, a need for 3 within the cooldown adds 1
/// (<https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html>).
pub(crate) fn scale_out_to(
    wanted: f64,
    current: f64,
    bounds: CapacityBounds,
    added: Option<f64>,
) -> PolicyVerdict {
    if current >= f64::from(bounds.max) {
        return PolicyVerdict::NotScaled(NotScaledReason::AlreadyAtMaxCapacity { max: bounds.max });
    }
    let wanted = match added {
        Some(added) if wanted - current <= added => return PolicyVerdict::CoolingDown,
        Some(added) => wanted - added,
        None => wanted,
    };
    scale_to(wanted, current, bounds, Direction::Out)
}

/// Scales in to `wanted`, limited by the minimum, unless the scale-in cooldown is running.
pub(crate) fn scale_in_to(
    wanted: f64,
    current: f64,
    bounds: CapacityBounds,
    cooling_down: bool,
) -> PolicyVerdict {
    if current <= f64::from(bounds.min) {
        return PolicyVerdict::NotScaled(NotScaledReason::AlreadyAtMinCapacity { min: bounds.min });
    }
    if cooling_down {
        return PolicyVerdict::CoolingDown;
    }
    scale_to(wanted, current, bounds, Direction::In)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the bounds are whole numbers that fit, and the capacity is between them"
)]
fn scale_to(
    wanted: f64,
    current: f64,
    bounds: CapacityBounds,
    direction: Direction,
) -> PolicyVerdict {
    let wanted = bounds.nearest(wanted);
    let changes = match direction {
        Direction::Out => wanted > current,
        Direction::In => wanted < current,
    };
    if changes {
        PolicyVerdict::Scale(wanted.ceil() as u32)
    } else {
        PolicyVerdict::NotScaled(NotScaledReason::AlreadyAtDesiredCapacity { current })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: CapacityBounds = CapacityBounds { min: 1, max: 10 };

    /// With a datapoint at the current capacity.
    fn scale_out(
        current: f64,
        metric: f64,
        target: f64,
        bounds: CapacityBounds,
        added: Option<f64>,
    ) -> PolicyVerdict {
        let capacity = current;
        super::scale_out(
            current,
            Datapoint { metric, capacity },
            target,
            bounds,
            added,
        )
    }

    /// With a datapoint at the current capacity.
    fn scale_in(
        current: f64,
        metric: f64,
        highest: f64,
        target: f64,
        bounds: CapacityBounds,
        cooling_down: bool,
    ) -> PolicyVerdict {
        let newest = Datapoint {
            metric,
            capacity: current,
        };
        super::scale_in(current, newest, highest, target, bounds, cooling_down)
    }

    #[test]
    fn an_old_datapoint_counts_with_the_capacity_it_was_measured_at() {
        let old = Datapoint {
            metric: 230.0,
            capacity: 1.0,
        };
        assert_eq!(
            super::scale_out(5.0, old, 50.0, BOUNDS, None),
            PolicyVerdict::NotScaled(NotScaledReason::AlreadyAtDesiredCapacity { current: 5.0 })
        );
        let old = Datapoint {
            metric: 20.0,
            capacity: 10.0,
        };
        assert_eq!(
            super::scale_in(4.0, old, 20.0, 50.0, BOUNDS, false),
            PolicyVerdict::NotScaled(NotScaledReason::AlreadyAtDesiredCapacity { current: 4.0 })
        );
    }

    #[test]
    fn scaling_out_is_proportional_and_rounded_up() {
        assert_eq!(
            scale_out(2.0, 90.0, 50.0, BOUNDS, None),
            PolicyVerdict::Scale(4)
        );
        assert_eq!(
            scale_out(4.0, 75.0, 50.0, BOUNDS, None),
            PolicyVerdict::Scale(6)
        );
        assert_eq!(
            scale_out(1.0, 51.0, 50.0, BOUNDS, None),
            PolicyVerdict::Scale(2)
        );
        assert_eq!(
            scale_out(2.5, 60.0, 50.0, BOUNDS, None),
            PolicyVerdict::Scale(3)
        );
    }

    #[test]
    fn the_last_bits_of_a_division_cost_no_unit() {
        for units in 1..200_u32 {
            let load = 50.0 * f64::from(units);
            let current = f64::from(units) / 3.0;
            assert_eq!(
                needed_capacity(current, load / current, 50.0),
                f64::from(units)
            );
        }
    }

    #[test]
    fn scaling_in_rather_keeps_too_much() {
        assert_eq!(
            scale_in(10.0, 31.0, 31.0, 50.0, BOUNDS, false),
            PolicyVerdict::Scale(7)
        );
        assert_eq!(
            scale_in(10.0, 30.0, 30.0, 50.0, BOUNDS, false),
            PolicyVerdict::Scale(6)
        );
        // One less would push the metric above the target again.
        assert_eq!(
            scale_in(2.0, 44.0, 44.0, 50.0, BOUNDS, false),
            PolicyVerdict::NotScaled(NotScaledReason::AlreadyAtDesiredCapacity { current: 2.0 })
        );
    }

    #[test]
    fn scaling_in_anticipates_flapping() {
        // 9 units at 38 % would become 7, and 7 at the 42 % of a moment ago would be at 54 %.
        assert_eq!(
            scale_in(9.0, 38.0, 42.0, 50.0, BOUNDS, false),
            PolicyVerdict::NotScaled(NotScaledReason::AutoScalingAnticipatedFlapping {
                current: 9.0
            })
        );
        assert_eq!(
            scale_in(9.0, 38.0, 38.5, 50.0, BOUNDS, false),
            PolicyVerdict::Scale(7)
        );
    }

    #[test]
    fn bounds_hold_both_ways() {
        assert_eq!(
            scale_out(8.0, 500.0, 50.0, BOUNDS, None),
            PolicyVerdict::Scale(10)
        );
        assert_eq!(
            scale_out(10.0, 500.0, 50.0, BOUNDS, None),
            PolicyVerdict::NotScaled(NotScaledReason::AlreadyAtMaxCapacity { max: 10 })
        );
        assert_eq!(
            scale_in(8.0, 0.0, 0.0, 50.0, BOUNDS, false),
            PolicyVerdict::Scale(1)
        );
        assert_eq!(
            scale_in(1.0, 0.0, 0.0, 50.0, BOUNDS, false),
            PolicyVerdict::NotScaled(NotScaledReason::AlreadyAtMinCapacity { min: 1 })
        );
        assert_eq!(
            scale_in(
                3.0,
                0.0,
                0.0,
                50.0,
                CapacityBounds { min: 0, max: 10 },
                false
            ),
            PolicyVerdict::Scale(0)
        );
        assert_eq!(
            scale_out(8.0, f64::MAX, 50.0, BOUNDS, None),
            PolicyVerdict::Scale(10)
        );
    }

    #[test]
    fn a_capacity_above_the_maximum_comes_down_to_it() {
        assert_eq!(
            scale_in(20.0, 35.0, 35.0, 50.0, BOUNDS, false),
            PolicyVerdict::Scale(10)
        );
        assert_eq!(
            scale_in(f64::MAX, 35.0, 35.0, 50.0, BOUNDS, false),
            PolicyVerdict::Scale(10)
        );
    }

    #[test]
    fn a_target_of_nothing_scales_out() {
        assert_eq!(
            scale_out(0.0, 120.0, 50.0, CapacityBounds { min: 0, max: 10 }, None),
            PolicyVerdict::Scale(3)
        );
    }

    #[test]
    fn within_the_cooldown_a_need_for_three_after_two_were_added_adds_one() {
        // 6 units at 75 % are 3 too few for 50 %.
        assert_eq!(
            scale_out(6.0, 75.0, 50.0, BOUNDS, Some(2.0)),
            PolicyVerdict::Scale(7)
        );
        assert_eq!(
            scale_out(6.0, 75.0, 50.0, BOUNDS, None),
            PolicyVerdict::Scale(9)
        );
    }

    #[test]
    fn within_the_cooldown_no_larger_need_scales_nothing() {
        assert_eq!(
            scale_out(4.0, 75.0, 50.0, BOUNDS, Some(2.0)),
            PolicyVerdict::CoolingDown
        );
        assert_eq!(
            scale_in(4.0, 10.0, 10.0, 50.0, BOUNDS, true),
            PolicyVerdict::CoolingDown
        );
    }

    #[test]
    fn a_capacity_beyond_its_bounds_is_told_with_the_bound() {
        assert_eq!(
            BOUNDS.broken_by(0.5),
            Some((1, "minimum capacity was set to 1".to_owned()))
        );
        assert_eq!(
            BOUNDS.broken_by(11.0),
            Some((10, "maximum capacity was set to 10".to_owned()))
        );
        assert_eq!(BOUNDS.broken_by(10.0), None);
    }
}
