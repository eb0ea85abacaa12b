//! Application Auto Scaling's side of a scalable target: alarms, policy, cooldowns and bounds as one state machine that
//! knows neither a network nor a clock.

use jiff::{SignedDuration, Timestamp};

use crate::{
    alarm::{Alarm, AlarmState, Direction, LOW_DATAPOINTS},
    policy::{self, Bounds, Datapoint, NotScaled, Verdict},
};

/// Datapoints that no alarm looks at any more are dropped.
const KEPT_DATAPOINTS: usize = LOW_DATAPOINTS * 2;

/// A target tracking policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// What the metric is to be, above 0.
    pub target: f64,
    /// How long after a scale-out only a larger one follows.
    pub scale_out_cooldown: SignedDuration,
    /// How long after a scale-in none follows.
    pub scale_in_cooldown: SignedDuration,
    /// Whether it never scales in.
    pub disable_scale_in: bool,
}

/// What `SuspendedState` of a scalable target can hold back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Suspended {
    /// `DynamicScalingOutSuspended`
    pub scale_out: bool,
    /// `DynamicScalingInSuspended`
    pub scale_in: bool,
    /// `ScheduledScalingSuspended`
    pub scheduled: bool,
}

/// The names of the two alarms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmNames {
    /// Of the one that scales out.
    pub high: String,
    /// Of the one that scales in.
    pub low: String,
}

/// A capacity to be asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// The desired capacity.
    pub desired: u32,
    /// Why, in AWS's words.
    pub cause: String,
    /// More or less than there was.
    pub direction: Direction,
    /// What it adds, when the policy ordered it: only then a cooldown follows.
    pub added_by_policy: Option<f64>,
}

/// What an alarm brought about when it led to nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct NotScaledActivity {
    /// Which alarm, in AWS's words.
    pub cause: String,
    /// Why nothing came of it.
    pub reason: NotScaled,
}

/// What came of a datapoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// What `AlarmHigh` says.
    pub high: AlarmState,
    /// What `AlarmLow` says; `None` where scaling in is disabled, since there is no such alarm then.
    pub low: Option<AlarmState>,
    /// What is to be asked for.
    pub order: Option<Order>,
    /// What an alarm asked for in vain.
    pub not_scaled: Option<NotScaledActivity>,
}

#[derive(Clone, Copy, Debug)]
struct Cooldown {
    direction: Direction,
    until: Timestamp,
    added: f64,
}

/// The state machine.
#[derive(Clone, Debug)]
pub struct Scaler {
    policy: Policy,
    alarms: AlarmNames,
    bounds: Bounds,
    suspended: Suspended,
    history: Vec<Option<f64>>,
    /// The newest that is there.
    newest: Option<Datapoint>,
    high: AlarmState,
    low: AlarmState,
    cooldown: Option<Cooldown>,
}

impl Scaler {
    /// A scalable target that was just registered.
    #[must_use]
    pub fn new(policy: Policy, alarms: AlarmNames, bounds: Bounds, suspended: Suspended) -> Self {
        let (high, low) = (AlarmState::default(), AlarmState::default());
        Self {
            policy,
            alarms,
            bounds,
            suspended,
            history: Vec::new(),
            newest: None,
            high,
            low,
            cooldown: None,
        }
    }

    /// The minimum and the maximum that hold now.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Sets minimum and maximum, as registering and scheduled actions do; a capacity beyond them is brought back at once,
    /// without waiting for a cooldown.
    pub fn set_bounds(&mut self, bounds: Bounds, capacity: f64) -> Option<Order> {
        self.bounds = bounds;
        let (desired, cause) = bounds.broken_by(capacity)?;
        let direction = if f64::from(desired) > capacity {
            Direction::Out
        } else {
            Direction::In
        };
        Some(Order {
            desired,
            cause,
            direction,
            added_by_policy: None,
        })
    }

    /// Takes a datapoint, `None` for a missing one. An alarm acts in each period that finds it in `ALARM`, unless an
    /// activity is under way (`busy`).
    pub fn measure(
        &mut self,
        now: Timestamp,
        metric: Option<f64>,
        capacity: f64,
        busy: bool,
    ) -> Measured {
        if self.history.len() == KEPT_DATAPOINTS {
            self.history.remove(0);
        }
        self.history.push(metric);
        if let Some(metric) = metric {
            self.newest = Some(Datapoint { metric, capacity });
        }
        self.high = Alarm::high(self.policy.target).evaluate(&self.history, self.high);
        self.low = Alarm::low(self.policy.target).evaluate(&self.history, self.low);
        let low = (!self.policy.disable_scale_in).then_some(self.low);
        let nothing = Measured {
            high: self.high,
            low,
            order: None,
            not_scaled: None,
        };
        // An alarm may be in ALARM by older datapoints while the newest is missing.
        let Some(newest) = self.newest.filter(|_| !busy) else {
            return nothing;
        };
        let (direction, alarm) = match (self.high, low) {
            (AlarmState::Alarm, _) if !self.suspended.scale_out => {
                (Direction::Out, &self.alarms.high)
            }
            (_, Some(AlarmState::Alarm)) if !self.suspended.scale_in => {
                (Direction::In, &self.alarms.low)
            }
            _ => return nothing,
        };
        let cause = format!(
            "monitor alarm {alarm} in state ALARM triggered policy {}",
            self.policy.name
        );
        let cooldown = self
            .cooldown
            .filter(|cooldown| cooldown.direction == direction && now < cooldown.until);
        let target = self.policy.target;
        let verdict = match direction {
            Direction::Out => policy::scale_out(
                capacity,
                newest,
                target,
                self.bounds,
                cooldown.map(|cooldown| cooldown.added),
            ),
            Direction::In => {
                let looked_at = self.history.iter().rev().take(LOW_DATAPOINTS).flatten();
                let highest = looked_at.copied().fold(newest.metric, f64::max);
                policy::scale_in(
                    capacity,
                    newest,
                    highest,
                    target,
                    self.bounds,
                    cooldown.is_some(),
                )
            }
        };
        match verdict {
            Verdict::Scale(desired) => {
                let added_by_policy = Some(
                    f64::from(desired) - capacity
                        + cooldown.map_or(0.0, |cooldown| cooldown.added.max(0.0)),
                );
                Measured {
                    order: Some(Order {
                        desired,
                        cause,
                        direction,
                        added_by_policy,
                    }),
                    ..nothing
                }
            }
            Verdict::NotScaled(reason) => Measured {
                not_scaled: Some(NotScaledActivity { cause, reason }),
                ..nothing
            },
            Verdict::CoolingDown => nothing,
        }
    }

    /// Takes the successful end of an order: what the policy ordered begins its cooldown, and a scale-out ends that of a
    /// scale-in.
    pub fn fulfilled(&mut self, now: Timestamp, order: &Order) {
        let Some(added) = order.added_by_policy else {
            return;
        };
        let length = match order.direction {
            Direction::Out => self.policy.scale_out_cooldown,
            Direction::In => self.policy.scale_in_cooldown,
        };
        // A cooldown beyond the end of time never ends.
        let until = now.checked_add(length).unwrap_or(Timestamp::MAX);
        self.cooldown = Some(Cooldown {
            direction: order.direction,
            until,
            added,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scaler(disable_scale_in: bool) -> Scaler {
        let policy = Policy {
            name: "half-busy".to_owned(),
            target: 50.0,
            scale_out_cooldown: SignedDuration::from_secs(300),
            scale_in_cooldown: SignedDuration::from_secs(300),
            disable_scale_in,
        };
        let alarms = AlarmNames {
            high: "HIGH".to_owned(),
            low: "LOW".to_owned(),
        };
        Scaler::new(
            policy,
            alarms,
            Bounds { min: 1, max: 10 },
            Suspended::default(),
        )
    }

    fn minute(number: i64) -> Timestamp {
        Timestamp::from_second(number * 60).unwrap()
    }

    /// Sends the same datapoint in minutes, and answers what the last one brought.
    fn minutes(
        scaler: &mut Scaler,
        range: std::ops::Range<i64>,
        metric: Option<f64>,
        capacity: f64,
    ) -> Measured {
        range
            .map(|number| scaler.measure(minute(number), metric, capacity, false))
            .last()
            .unwrap()
    }

    #[test]
    fn three_minutes_above_the_target_scale_out() {
        let mut scaler = scaler(false);
        assert_eq!(minutes(&mut scaler, 0..2, Some(90.0), 2.0).order, None);
        let order = minutes(&mut scaler, 2..3, Some(90.0), 2.0).order.unwrap();
        assert_eq!(
            (order.desired, order.direction, order.added_by_policy),
            (4, Direction::Out, Some(2.0))
        );
        assert_eq!(
            order.cause,
            "monitor alarm HIGH in state ALARM triggered policy half-busy"
        );
    }

    #[test]
    fn a_gap_in_the_metric_does_not_order_the_same_need_again() {
        for missing in 1..4 {
            let mut scaler = scaler(false);
            let order = minutes(&mut scaler, 0..3, Some(230.0), 1.0).order.unwrap();
            assert_eq!(order.desired, 5);
            // Whether a cooldown blocks it or not, an old value says nothing of the new capacity.
            for minute_of_gap in 3..3 + missing {
                let measured = scaler.measure(minute(minute_of_gap), None, 5.0, false);
                assert_eq!(measured.order, None, "{missing}");
            }
            let measured = scaler.measure(minute(3 + missing), Some(46.0), 5.0, false);
            assert_eq!((measured.high, measured.order), (AlarmState::Ok, None));
        }
    }

    #[test]
    fn an_activity_under_way_is_waited_for() {
        let mut scaler = scaler(false);
        minutes(&mut scaler, 0..3, Some(90.0), 2.0);
        let busy = scaler.measure(minute(3), Some(90.0), 2.0, true);
        assert_eq!((busy.high, busy.order), (AlarmState::Alarm, None));
    }

    #[test]
    fn a_larger_need_within_the_cooldown_scales_by_the_difference() {
        let mut scaler = scaler(false);
        let order = minutes(&mut scaler, 0..3, Some(90.0), 2.0).order.unwrap();
        scaler.fulfilled(minute(3), &order);
        // 4 at 75 % want 2 more, as many as were added.
        assert_eq!(minutes(&mut scaler, 4..5, Some(75.0), 4.0).order, None);
        // 4 at 87 % want 3 more, and 2 of them are there.
        let larger = minutes(&mut scaler, 5..6, Some(87.0), 4.0).order.unwrap();
        assert_eq!((larger.desired, larger.added_by_policy), (5, Some(3.0)));
        scaler.fulfilled(minute(6), &larger);
        assert_eq!(minutes(&mut scaler, 6..11, Some(75.0), 5.0).order, None);
        assert_eq!(
            minutes(&mut scaler, 11..12, Some(75.0), 5.0)
                .order
                .unwrap()
                .desired,
            8
        );
    }

    #[test]
    fn a_scale_in_waits_for_its_cooldown_and_a_scale_out_does_not() {
        let mut scaler = scaler(false);
        let order = minutes(&mut scaler, 0..15, Some(30.0), 5.0).order.unwrap();
        assert_eq!((order.desired, order.direction), (3, Direction::In));
        scaler.fulfilled(minute(15), &order);
        assert_eq!(minutes(&mut scaler, 15..20, Some(30.0), 3.0).order, None);
        assert_eq!(
            minutes(&mut scaler.clone(), 20..21, Some(30.0), 3.0)
                .order
                .unwrap()
                .desired,
            2
        );
        assert_eq!(
            minutes(&mut scaler, 16..19, Some(100.0), 3.0)
                .order
                .unwrap()
                .desired,
            6
        );
    }

    #[test]
    fn without_scale_in_there_is_no_low_alarm() {
        let mut scaler = scaler(true);
        let measured = minutes(&mut scaler, 0..30, Some(1.0), 5.0);
        assert_eq!(
            (measured.low, measured.order, measured.not_scaled),
            (None, None, None)
        );
    }

    #[test]
    fn missing_data_never_scale_in() {
        let mut scaler = scaler(false);
        minutes(&mut scaler, 0..10, Some(30.0), 5.0);
        let measured = minutes(&mut scaler, 10..60, None, 5.0);
        assert_eq!(
            (measured.high, measured.low),
            (
                AlarmState::InsufficientData,
                Some(AlarmState::InsufficientData)
            )
        );
        assert_eq!(measured.order, None);
    }

    #[test]
    fn what_is_suspended_waits() {
        let mut scaler = scaler(false);
        scaler.suspended = Suspended {
            scale_out: true,
            scale_in: true,
            scheduled: false,
        };
        assert_eq!(minutes(&mut scaler, 0..5, Some(90.0), 2.0).order, None);
        assert_eq!(minutes(&mut scaler, 5..25, Some(9.0), 2.0).order, None);
    }

    #[test]
    fn new_bounds_bring_the_capacity_back_at_once() {
        let mut scaler = scaler(false);
        let order = scaler.set_bounds(Bounds { min: 5, max: 10 }, 2.0).unwrap();
        assert_eq!(
            (order.desired, order.cause.as_str(), order.added_by_policy),
            (5, "minimum capacity was set to 5", None)
        );
        assert_eq!(scaler.set_bounds(Bounds { min: 1, max: 10 }, 5.0), None);
        scaler.fulfilled(minute(1), &order);
        assert!(
            scaler.cooldown.is_none(),
            "only the policy's own changes begin a cooldown"
        );
    }

    #[test]
    fn at_the_maximum_the_reason_is_told() {
        let mut scaler = scaler(false);
        let measured = minutes(&mut scaler, 0..3, Some(90.0), 10.0);
        assert_eq!(
            measured.not_scaled.unwrap().reason,
            NotScaled::AlreadyAtMaxCapacity { max: 10 }
        );
    }
}
