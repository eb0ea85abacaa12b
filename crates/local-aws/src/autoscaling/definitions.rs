//! What the requests define, in the types of the simulator's core.

use jiff::SignedDuration;
use serde_json::Value;
use simulate_scaling::{
    alarm::{Alarm, Comparison},
    policy::CapacityBounds,
    scaler::{AlarmNames, PolicyType, ScalingPolicy, Suspension, TargetTracking},
    schedule::ScheduledAction,
    step::{Adjustment, StepAdjustment, StepScaling},
};

use super::{
    error::ScalingError,
    fields::{capacity, text},
    math::MetricQuery,
};

/// A policy with its alarms and the metric that they watch.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    pub(super) policy: ScalingPolicy,
    pub(super) names: AlarmNames,
    pub(super) measurement: MetricQuery,
}

pub(super) fn suspension(value: &Value) -> Suspension {
    let state = value.get("SuspendedState");
    let is = |name: &str| {
        let flag = state.and_then(|state| state.get(name));
        flag.and_then(Value::as_bool).unwrap_or_default()
    };
    Suspension {
        scale_out: is("DynamicScalingOutSuspended"),
        scale_in: is("DynamicScalingInSuspended"),
        scheduled: is("ScheduledScalingSuspended"),
    }
}

fn seconds(value: &Value, name: &str) -> SignedDuration {
    let given = value.get(name).and_then(Value::as_i64);
    SignedDuration::from_secs(given.unwrap_or(300).clamp(0, i64::from(i32::MAX)))
}

/// What a policy watches; `definition` has been accepted by `PutScalingPolicy`. A step scaling policy has one watch for
/// each alarm that names it, so possibly none.
pub(super) fn watches(
    definition: &Value,
    alarms: &[(String, Value)],
) -> Result<Vec<Watch>, ScalingError> {
    let name = text(definition, "PolicyName")?.to_owned();
    let configured = |name: &str| definition.get(name).filter(|given| !given.is_null());
    let kind = definition.get("PolicyType").and_then(Value::as_str);
    match kind.unwrap_or("StepScaling") {
        "TargetTrackingScaling" => {
            let config =
                configured("TargetTrackingScalingPolicyConfiguration").ok_or_else(|| {
                    ScalingError::invalid("TargetTrackingScalingPolicyConfiguration is missing.")
                })?;
            let target = config.get("TargetValue").and_then(Value::as_f64);
            let target = target
                .filter(|target| *target > 0.0)
                .ok_or_else(|| ScalingError::invalid("TargetValue must be a number above 0."))?;
            let metric = config.get("CustomizedMetricSpecification");
            let metric = metric.ok_or_else(|| {
                ScalingError::invalid("The local Application Auto Scaling takes a CustomizedMetricSpecification and no predefined metric.")
            })?;
            let alarm =
                |which: &str| format!("TargetTracking-{}-{name}-{which}", resource(definition));
            Ok(vec![Watch {
                names: AlarmNames {
                    high: alarm("AlarmHigh"),
                    low: alarm("AlarmLow"),
                },
                measurement: MetricQuery::of(metric)?,
                policy: ScalingPolicy {
                    name,
                    kind: PolicyType::Target(TargetTracking {
                        target,
                        scale_out_cooldown: seconds(config, "ScaleOutCooldown"),
                        scale_in_cooldown: seconds(config, "ScaleInCooldown"),
                        disable_scale_in: config
                            .get("DisableScaleIn")
                            .and_then(Value::as_bool)
                            .unwrap_or_default(),
                    }),
                },
            }])
        }
        "StepScaling" => {
            let config = configured("StepScalingPolicyConfiguration").ok_or_else(|| {
                ScalingError::invalid("StepScalingPolicyConfiguration is missing.")
            })?;
            let scaling = steps(config)?;
            let arn = definition.get("PolicyARN").and_then(Value::as_str);
            let invokes = |alarm: &Value| {
                let actions = alarm.get("AlarmActions").and_then(Value::as_array);
                arn.is_some()
                    && actions
                        .into_iter()
                        .flatten()
                        .any(|action| action.as_str() == arn)
            };
            let watch = |(alarm_name, alarm): &(String, Value)| {
                Some(Watch {
                    names: AlarmNames {
                        high: alarm_name.clone(),
                        low: alarm_name.clone(),
                    },
                    measurement: MetricQuery::of(alarm).ok()?,
                    policy: ScalingPolicy {
                        name: name.clone(),
                        kind: PolicyType::Step(StepScaling {
                            alarm: alarm_of(alarm)?,
                            ..scaling.clone()
                        }),
                    },
                })
            };
            Ok(alarms
                .iter()
                .filter(|(_, alarm)| invokes(alarm))
                .filter_map(watch)
                .collect())
        }
        other => Err(ScalingError::invalid(format!(
            "The policy type {other} is not supported here; use TargetTrackingScaling or StepScaling."
        ))),
    }
}

fn resource(definition: &Value) -> &str {
    definition
        .get("ResourceId")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn alarm_of(alarm: &Value) -> Option<Alarm> {
    let comparison = Comparison::named(alarm.get("ComparisonOperator")?.as_str()?)?;
    let periods = usize::try_from(alarm.get("EvaluationPeriods")?.as_u64()?).ok()?;
    Some(Alarm::new(
        comparison,
        alarm.get("Threshold")?.as_f64()?,
        periods.min(1440),
    ))
}

/// The steps; their alarm is filled in later.
fn steps(config: &Value) -> Result<StepScaling, ScalingError> {
    let kind = text(config, "AdjustmentType")?;
    let adjustment = Adjustment::named(kind).ok_or_else(|| {
        ScalingError::invalid(format!(
            "The adjustment type {kind} must be ChangeInCapacity, ExactCapacity or PercentChangeInCapacity."
        ))
    })?;
    let given = config.get("StepAdjustments").and_then(Value::as_array);
    let step = |one: &Value| {
        let by = one.get("ScalingAdjustment").and_then(Value::as_i64);
        Some(StepAdjustment {
            lower: one.get("MetricIntervalLowerBound").and_then(Value::as_f64),
            upper: one.get("MetricIntervalUpperBound").and_then(Value::as_f64),
            by: i32::try_from(by?).ok()?,
        })
    };
    let steps: Option<Vec<StepAdjustment>> = given.into_iter().flatten().map(step).collect();
    let scaling = StepScaling {
        alarm: Alarm::new(Comparison::Above, 0.0, 1),
        adjustment,
        steps: steps
            .ok_or_else(|| ScalingError::invalid("Each step needs a ScalingAdjustment."))?,
        cooldown: seconds(config, "Cooldown"),
        least: capacity(config, "MinAdjustmentMagnitude")?,
    };
    match scaling.fault() {
        None => Ok(scaling),
        Some(fault) => Err(ScalingError::invalid(format!(
            "StepAdjustments cannot be used: {fault}."
        ))),
    }
}

/// The scheduled action in `definition`, which has been accepted by `PutScheduledAction`.
pub(super) fn scheduled(definition: &Value) -> Result<ScheduledAction, ScalingError> {
    let schedule = text(definition, "Schedule")?;
    let form = ["at(", "rate(", "cron("];
    if !form.iter().any(|form| schedule.starts_with(form))
        || schedule.find(')') != Some(schedule.len() - 1)
    {
        return Err(ScalingError::invalid(format!(
            "Schedule must be at(...), rate(...) or cron(...), and is '{schedule}'."
        )));
    }
    let mut line = schedule.to_owned();
    let bounds = definition.get("ScalableTargetAction");
    let has = |name: &str| bounds.and_then(|bounds| bounds.get(name)).is_some();
    if !has("MinCapacity") && !has("MaxCapacity") {
        return Err(ScalingError::invalid(
            "ScalableTargetAction must have MinCapacity or MaxCapacity.",
        ));
    }
    for (word, name) in [("min", "MinCapacity"), ("max", "MaxCapacity")] {
        if let Some(bounds) = bounds
            && let Some(capacity) = capacity(bounds, name)?
        {
            line.push_str(&format!(" {word}={capacity}"));
        }
    }
    if let Some(zone) = definition.get("Timezone").and_then(Value::as_str) {
        if zone.contains(char::is_whitespace) {
            return Err(ScalingError::invalid(format!(
                "'{zone}' is not a time zone."
            )));
        }
        line.push_str(&format!(" timezone={zone}"));
    }
    for (word, name) in [("start", "StartTime"), ("end", "EndTime")] {
        if let Some(seconds) = definition.get(name).and_then(Value::as_f64) {
            #[expect(clippy::cast_possible_truncation, reason = "a time of this era fits")]
            let time = jiff::Timestamp::from_second(seconds as i64);
            let time = time.map_err(|_| ScalingError::invalid(format!("{name} is not a time.")))?;
            line.push_str(&format!(" {word}={time}"));
        }
    }
    let mut action = ScheduledAction::parse(&line)
        .map_err(|error| ScalingError::invalid(format!("Schedule cannot be used: {error}.")))?;
    text(definition, "ScheduledActionName")?.clone_into(&mut action.name);
    Ok(action)
}

/// The minimum and maximum of a registration.
pub(super) fn bounds(definition: &Value) -> Result<CapacityBounds, ScalingError> {
    let needed = |name: &str| {
        capacity(definition, name)?
            .ok_or_else(|| ScalingError::invalid(format!("{name} is missing.")))
    };
    let (min, max) = (needed("MinCapacity")?, needed("MaxCapacity")?);
    if min > max {
        return Err(ScalingError::invalid(format!(
            "Minimum capacity cannot be greater than maximum capacity: {min} and {max}."
        )));
    }
    Ok(CapacityBounds { min, max })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_scheduled_action_that_cannot_be_used_is_told_by_its_field() {
        let action = |schedule: &str, zone: &str, bounds: Value| {
            json!({
                "ScheduledActionName": "morning",
                "Schedule": schedule,
                "Timezone": zone,
                "ScalableTargetAction": bounds,
            })
        };
        let least = || json!({"MinCapacity": 2});
        let taken = scheduled(&action("cron(0 8 * * ? *)", "Europe/Berlin", least())).unwrap();
        assert_eq!((&*taken.name, taken.min), ("morning", Some(2)));
        for (action, words) in [
            (action("soon", "Etc/UTC", least()), "Schedule must be at("),
            (
                action("a: rate(1 hour)", "Etc/UTC", least()),
                "Schedule must be at(",
            ),
            (
                action("rate(1 hour) max=9", "Etc/UTC", least()),
                "Schedule must be at(",
            ),
            (
                action("cron(x)", "Etc/UTC", least()),
                "Schedule cannot be used: cron(x)",
            ),
            (
                action("rate(1 hour)", "Etc/UTC", json!({})),
                "ScalableTargetAction must have MinCapacity or MaxCapacity",
            ),
            (
                action("rate(1 hour)", "Etc/UTC", json!({"MinCapacity": -1})),
                "MinCapacity must be a whole number",
            ),
            (
                action("rate(1 hour)", "Etc/UTC max=9", least()),
                "'Etc/UTC max=9' is not a time zone",
            ),
            (
                action("rate(1 hour)", "Nowhere", least()),
                "'Nowhere' is not a time zone",
            ),
        ] {
            let ScalingError(kind, sentence) = scheduled(&action).unwrap_err();
            assert_eq!(kind, "ValidationException");
            assert!(sentence.contains(words), "{sentence}");
        }
    }
}
