//! A scaler with datapoints for each minute.

use super::*;
use crate::{
    alarm::Comparison,
    step::{Adjustment, StepAdjustment},
};

fn tracking(name: &str, target: f64, disable_scale_in: bool) -> (ScalingPolicy, AlarmNames) {
    let policy = ScalingPolicy {
        name: name.to_owned(),
        kind: PolicyType::Target(TargetTracking {
            target,
            scale_out_cooldown: SignedDuration::from_secs(300),
            scale_in_cooldown: SignedDuration::from_secs(300),
            disable_scale_in,
        }),
    };
    (policy, alarms())
}

fn alarms() -> AlarmNames {
    AlarmNames {
        high: "HIGH".to_owned(),
        low: "LOW".to_owned(),
    }
}

/// Changes by `by` in each minute above 70, or below 30 if it is negative.
fn stepping(by: i32) -> (ScalingPolicy, AlarmNames) {
    let alarm = if by > 0 {
        Alarm::new(Comparison::Above, 70.0, 1)
    } else {
        Alarm::new(Comparison::Below, 30.0, 1)
    };
    let policy = ScalingPolicy {
        name: "steps".to_owned(),
        kind: PolicyType::Step(StepScaling {
            alarm,
            adjustment: Adjustment::Change,
            steps: vec![StepAdjustment {
                lower: None,
                upper: None,
                by,
            }],
            cooldown: SignedDuration::from_secs(300),
            least: None,
        }),
    };
    (policy, alarms())
}

fn with(policies: Vec<(ScalingPolicy, AlarmNames)>) -> Scaler {
    let bounds = CapacityBounds { min: 1, max: 10 };
    Scaler::new(policies, bounds, Suspension::default(), false)
}

fn scaler(disable_scale_in: bool) -> Scaler {
    with(vec![tracking("half-busy", 50.0, disable_scale_in)])
}

/// The first policy's datapoint, at a constant capacity.
fn measure(
    scaler: &mut Scaler,
    now: Timestamp,
    metric: Option<f64>,
    capacity: f64,
    busy: bool,
) -> PeriodResult {
    let standing = CapacitySnapshot {
        current: capacity,
        measured_at: capacity,
        busy,
    };
    scaler.measure(now, &[metric], standing)
}

fn minute(number: i64) -> Timestamp {
    Timestamp::from_second(number * 60).unwrap()
}

/// Sends the same datapoint in each of the minutes, and returns the last result.
fn minutes(
    scaler: &mut Scaler,
    range: std::ops::Range<i64>,
    metric: Option<f64>,
    capacity: f64,
) -> PeriodResult {
    range
        .map(|number| measure(scaler, minute(number), metric, capacity, false))
        .last()
        .unwrap()
}

#[test]
fn three_minutes_above_the_target_scale_out() {
    let mut scaler = scaler(false);
    assert_eq!(minutes(&mut scaler, 0..2, Some(90.0), 2.0).order, None);
    let order = minutes(&mut scaler, 2..3, Some(90.0), 2.0).order.unwrap();
    assert_eq!(
        (
            order.desired,
            order.direction,
            order.by_policy.map(|ordered| ordered.added)
        ),
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
        // With or without a cooldown, an old value says nothing about the new capacity.
        for minute_of_gap in 3..3 + missing {
            let measured = measure(&mut scaler, minute(minute_of_gap), None, 5.0, false);
            assert_eq!(measured.order, None, "{missing}");
        }
        let measured = measure(&mut scaler, minute(3 + missing), Some(46.0), 5.0, false);
        assert_eq!(
            (measured.alarms[0].high, measured.order),
            (Some(AlarmState::Ok), None)
        );
    }
}

#[test]
fn an_activity_under_way_is_waited_for() {
    let mut scaler = scaler(false);
    minutes(&mut scaler, 0..3, Some(90.0), 2.0);
    let busy = measure(&mut scaler, minute(3), Some(90.0), 2.0, true);
    assert_eq!(
        (busy.alarms[0].high, busy.order),
        (Some(AlarmState::Alarm), None)
    );
}

#[test]
fn a_larger_need_within_the_cooldown_scales_by_the_difference() {
    let mut scaler = scaler(false);
    let order = minutes(&mut scaler, 0..3, Some(90.0), 2.0).order.unwrap();
    scaler.fulfil_order(minute(3), &order);
    // 4 at 75 % need 2 more, as many as were added.
    assert_eq!(minutes(&mut scaler, 4..5, Some(75.0), 4.0).order, None);
    // 4 at 87 % need 3 more, of which 2 have been added.
    let larger = minutes(&mut scaler, 5..6, Some(87.0), 4.0).order.unwrap();
    assert_eq!(
        (
            larger.desired,
            larger.by_policy.map(|ordered| ordered.added)
        ),
        (5, Some(3.0))
    );
    scaler.fulfil_order(minute(6), &larger);
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
    scaler.fulfil_order(minute(15), &order);
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
        (measured.alarms[0].low, measured.order, measured.not_scaled),
        (None, None, None)
    );
}

#[test]
fn missing_data_never_scale_in() {
    let mut scaler = scaler(false);
    minutes(&mut scaler, 0..10, Some(30.0), 5.0);
    let measured = minutes(&mut scaler, 10..60, None, 5.0);
    assert_eq!(
        (measured.alarms[0].high, measured.alarms[0].low),
        (
            Some(AlarmState::InsufficientData),
            Some(AlarmState::InsufficientData)
        )
    );
    assert_eq!(measured.order, None);
}

#[test]
fn what_is_suspended_waits() {
    let mut scaler = scaler(false);
    scaler.suspended = Suspension {
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
    let order = scaler
        .set_bounds(CapacityBounds { min: 5, max: 10 }, 2.0)
        .unwrap();
    assert_eq!(
        (
            order.desired,
            order.cause.as_str(),
            order.by_policy.map(|ordered| ordered.added)
        ),
        (5, "minimum capacity was set to 5", None)
    );
    assert_eq!(
        scaler.set_bounds(CapacityBounds { min: 1, max: 10 }, 5.0),
        None
    );
    scaler.fulfil_order(minute(1), &order);
    assert!(
        scaler.watched[0].cooldown.is_none(),
        "only the policy's own changes begin a cooldown"
    );
}

#[test]
fn at_the_maximum_the_reason_is_told() {
    let mut scaler = scaler(false);
    let measured = minutes(&mut scaler, 0..3, Some(90.0), 10.0);
    assert_eq!(
        measured.not_scaled.unwrap().reason,
        NotScaledReason::AlreadyAtMaxCapacity { max: 10 }
    );
}

/// Sends the same datapoints for all its policies in fifteen minutes; returns the last result.
fn quarter(scaler: &mut Scaler, metrics: &[Option<f64>], capacity: f64) -> PeriodResult {
    let standing = CapacitySnapshot {
        current: capacity,
        measured_at: capacity,
        busy: false,
    };
    (0..15)
        .map(|number| scaler.measure(minute(number), metrics, standing))
        .last()
        .unwrap()
}

#[test]
fn of_several_policies_the_largest_capacity_wins() {
    let both = || vec![tracking("cpu", 50.0, false), tracking("queue", 10.0, false)];
    let mut scaler = with(both());
    let order = quarter(&mut scaler, &[Some(90.0), Some(30.0)], 2.0)
        .order
        .unwrap();
    assert_eq!(order.desired, 6);
    assert!(order.cause.ends_with("policy queue"), "{}", order.cause);
    // Both are ready to scale in: the larger of the smaller capacities.
    let mut scaler = with(both());
    let order = quarter(&mut scaler, &[Some(10.0), Some(6.0)], 10.0)
        .order
        .unwrap();
    assert_eq!((order.desired, order.direction), (6, Direction::In));
}

#[test]
fn scaling_in_takes_all_target_tracking_policies() {
    let both = || vec![tracking("cpu", 50.0, false), tracking("queue", 10.0, false)];
    for (queue, why) in [(Some(9.5), "within its target"), (None, "without data")] {
        let measured = quarter(&mut with(both()), &[Some(10.0), queue], 10.0);
        assert_eq!(measured.order, None, "{why}");
    }
    // A policy that never scales in has no say.
    let policies = vec![tracking("cpu", 50.0, false), tracking("queue", 10.0, true)];
    let order = quarter(&mut with(policies), &[Some(10.0), Some(9.5)], 10.0).order;
    assert_eq!(order.unwrap().desired, 2);
}

#[test]
fn step_scaling_is_not_held_back_by_target_tracking() {
    let policies = vec![tracking("cpu", 50.0, false), stepping(-2)];
    let order = quarter(&mut with(policies), &[Some(49.0), Some(10.0)], 9.0).order;
    assert_eq!(order.unwrap().desired, 7);
    // But scaling out takes precedence.
    let policies = vec![tracking("cpu", 50.0, false), stepping(-2)];
    let order = quarter(&mut with(policies), &[Some(60.0), Some(10.0)], 5.0).order;
    assert_eq!(order.unwrap().desired, 6);
}

#[test]
fn step_scaling_decides_while_an_order_is_under_way() {
    let mut scaler = with(vec![stepping(2)]);
    let order = measure(&mut scaler, minute(0), Some(80.0), 1.0, false)
        .order
        .unwrap();
    assert_eq!(order.desired, 3);
    scaler.begin_order(&order);
    let under_way = CapacitySnapshot {
        current: 3.0,
        measured_at: 1.0,
        busy: true,
    };
    // The same need again is no larger than what is being added.
    assert_eq!(
        scaler.measure(minute(1), &[Some(80.0)], under_way).order,
        None
    );
    scaler.given_up();
    let order = scaler.measure(minute(2), &[Some(80.0)], under_way).order;
    assert_eq!(order.unwrap().desired, 5);
}

#[test]
fn target_tracking_overlaps_only_where_it_is_said_and_only_for_a_larger_need() {
    for overlap in [false, true] {
        let mut scaler = scaler(false);
        scaler.overlap = overlap;
        let order = minutes(&mut scaler, 0..3, Some(230.0), 1.0).order.unwrap();
        assert_eq!(order.desired, 5);
        scaler.begin_order(&order);
        let under_way = CapacitySnapshot {
            current: 5.0,
            measured_at: 1.0,
            busy: true,
        };
        let same = scaler.measure(minute(3), &[Some(230.0)], under_way);
        assert_eq!((same.order, same.not_scaled), (None, None));
        let larger = scaler.measure(minute(4), &[Some(400.0)], under_way).order;
        assert_eq!(larger.map(|order| order.desired), overlap.then_some(8));
    }
}
