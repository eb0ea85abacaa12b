//! Policies as written on the command line.

use jiff::SignedDuration;

use super::values::{cooldown, name, target};
use crate::{
    alarm::{Alarm, Comparison},
    scaler::{PolicyType, ScalingPolicy, TargetTracking},
    simulation::{MetricSources, PolicySource},
    step::{Adjustment, StepAdjustment, StepScaling},
};

/// The default cooldown of step scaling: Application Auto Scaling's for a custom resource.
const COOLDOWN: SignedDuration = SignedDuration::from_secs(300);
/// CloudWatch evaluates at most a day of datapoints, or a week if they are an hour apart; more than this is a mistake.
const MOST_DATAPOINTS: usize = 1440;

/// A policy, with the text about its metric.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PolicyOption {
    name: String,
    kind: PolicyKind,
    pub(super) of: Option<PolicySource>,
}

#[derive(Clone, Debug, PartialEq)]
enum PolicyKind {
    Target {
        target: f64,
        scale_out_cooldown: Option<SignedDuration>,
        scale_in_cooldown: Option<SignedDuration>,
        disable_scale_in: bool,
    },
    Step(StepScaling),
}

impl PolicyOption {
    /// The policy, with these cooldowns as the defaults of target tracking.
    pub(super) fn policy(
        &self,
        scale_out_cooldown: SignedDuration,
        scale_in_cooldown: SignedDuration,
    ) -> ScalingPolicy {
        let kind = match &self.kind {
            PolicyKind::Target {
                target,
                scale_out_cooldown: out,
                scale_in_cooldown: back,
                disable_scale_in,
            } => PolicyType::Target(TargetTracking {
                target: *target,
                scale_out_cooldown: out.unwrap_or(scale_out_cooldown),
                scale_in_cooldown: back.unwrap_or(scale_in_cooldown),
                disable_scale_in: *disable_scale_in,
            }),
            PolicyKind::Step(step) => PolicyType::Step(step.clone()),
        };
        ScalingPolicy {
            name: self.name.clone(),
            kind,
        }
    }

    pub(super) fn tracking(text: &str) -> Result<Self, String> {
        let (name, words) = split_name(text, "target-tracking")?;
        let (mut aim, mut disable_scale_in, mut of) = (None, false, None);
        let (mut scale_out_cooldown, mut scale_in_cooldown) = (None, None);
        for word in words {
            match word.split_once('=') {
                Some(("target", value)) => aim = Some(with_word("target", target(value))?),
                Some(("scale-out-cooldown", value)) => {
                    scale_out_cooldown = Some(with_word("scale-out-cooldown", cooldown(value))?);
                }
                Some(("scale-in-cooldown", value)) => {
                    scale_in_cooldown = Some(with_word("scale-in-cooldown", cooldown(value))?);
                }
                Some(("of", value)) => of = Some(source_named(value)?),
                None if word == "no-scale-in" => disable_scale_in = true,
                _ => return Err(unknown(word)),
            }
        }
        let target = aim.ok_or("it must have a target, as in 'cpu: target=50'")?;
        Ok(Self {
            name,
            kind: PolicyKind::Target {
                target,
                scale_out_cooldown,
                scale_in_cooldown,
                disable_scale_in,
            },
            of,
        })
    }

    pub(super) fn stepping(text: &str) -> Result<Self, String> {
        let (name, words) = split_name(text, "step-scaling")?;
        let (mut comparison, mut given, mut of, mut least) = (None, None, None, None);
        let (mut periods, mut pause) = (1, COOLDOWN);
        for word in words {
            let number = |value: &str| match value.parse::<f64>() {
                Ok(number) if number.abs() <= 1e15 => Ok(number),
                _ => Err(format!("'{word}' must be a number")),
            };
            let whole = |value: &str, most: usize| match value.parse::<usize>() {
                Ok(number) if (1..=most).contains(&number) => Ok(number),
                _ => Err(format!("'{word}' must be a whole number from 1 to {most}")),
            };
            match word.split_once('=') {
                Some(("above", value)) => comparison = Some((Comparison::Above, number(value)?)),
                Some(("at-least", value)) => {
                    comparison = Some((Comparison::AtLeast, number(value)?))
                }
                Some(("below", value)) => comparison = Some((Comparison::Below, number(value)?)),
                Some(("at-most", value)) => comparison = Some((Comparison::AtMost, number(value)?)),
                Some(("steps", value)) => given = Some(steps(value)?),
                Some(("periods", value)) => periods = whole(value, MOST_DATAPOINTS)?,
                Some(("cooldown", value)) => pause = with_word("cooldown", cooldown(value))?,
                Some(("least", value)) => {
                    least = u32::try_from(whole(value, 1_000_000)?).ok();
                }
                Some(("of", value)) => of = Some(source_named(value)?),
                _ => return Err(unknown(word)),
            }
        }
        let (comparison, threshold) =
            comparison.ok_or("it must have an alarm, as in 'busy: above=70 steps=0..:+1'")?;
        let (adjustment, steps) =
            given.ok_or("it must have steps, as in 'busy: above=70 steps=0..:+1'")?;
        let step = StepScaling {
            alarm: Alarm::new(comparison, threshold, periods),
            adjustment,
            steps,
            cooldown: pause,
            least,
        };
        if let Some(fault) = step.fault() {
            return Err(fault.to_owned());
        }
        Ok(Self {
            name,
            kind: PolicyKind::Step(step),
            of,
        })
    }

    pub(super) fn any(text: &str) -> Result<Self, String> {
        if text.contains("steps=") {
            Self::stepping(text)
        } else {
            Self::tracking(text)
        }
    }
}

/// The metric of the policy: the only one, unless it names one.
pub(super) fn source(
    of: Option<PolicySource>,
    metrics: &MetricSources,
) -> Result<PolicySource, String> {
    let given = [
        metrics.metric.is_some().then_some(PolicySource::Metric),
        metrics.load.is_some().then_some(PolicySource::Load),
        metrics.queue.is_some().then_some(PolicySource::Backlog),
    ];
    let given: Vec<PolicySource> = given.into_iter().flatten().collect();
    let Some(of) = of else {
        return match given[..] {
            [one] => Ok(one),
            _ => Err(format!(
                "There are several metrics ({}): say of=… which one each policy looks at, by --policy or --step.",
                given
                    .iter()
                    .map(|source| source.name())
                    .collect::<Vec<_>>()
                    .join(", ")
            )),
        };
    };
    let needed = match of {
        PolicySource::Queue => PolicySource::Backlog,
        other => other,
    };
    if given.contains(&needed) {
        return Ok(of);
    }
    let option = match needed {
        PolicySource::Metric => "metric",
        PolicySource::Load => "load",
        PolicySource::Backlog | PolicySource::Queue => "queue",
    };
    Err(format!("of={} needs --{option}.", of.name()))
}

/// The name, which ends at a colon, and the words after it.
fn split_name<'a>(text: &'a str, default: &str) -> Result<(String, Vec<&'a str>), String> {
    let (given, rest) = match text.split_once(": ") {
        Some((given, rest)) => (given.trim(), rest),
        None => (default, text),
    };
    Ok((name(given)?, rest.split_whitespace().collect()))
}

fn with_word<T>(word: &str, value: Result<T, String>) -> Result<T, String> {
    value.map_err(|error| format!("{word}: {error}"))
}

fn unknown(word: &str) -> String {
    format!("'{word}' belongs to no policy; --help says how one is written")
}

fn source_named(text: &str) -> Result<PolicySource, String> {
    [
        PolicySource::Metric,
        PolicySource::Load,
        PolicySource::Backlog,
        PolicySource::Queue,
    ]
    .into_iter()
    .find(|source| source.name() == text)
    .ok_or_else(|| format!("'of={text}' must be of=metric, of=load, of=backlog or of=queue"))
}

/// Parses `0..20:+1,20..:+3`. All steps must be of one kind: units, percent, or a capacity.
fn steps(text: &str) -> Result<(Adjustment, Vec<StepAdjustment>), String> {
    let mut adjustment = None;
    let mut steps = Vec::new();
    for part in text.split(',') {
        let wrong = || {
            format!("'{part}' is not a step; write it like 0..20:+1, ..-10:-2, 0..:+10% or 0..:=4")
        };
        let (interval, by) = part.split_once(':').ok_or_else(wrong)?;
        let (lower, upper) = interval.split_once("..").ok_or_else(wrong)?;
        let bound = |text: &str| match text {
            "" => Ok(None),
            text => match text.parse::<f64>() {
                Ok(number) if number.abs() <= 1e15 => Ok(Some(number)),
                _ => Err(wrong()),
            },
        };
        let (kind, number) = match (by.strip_prefix('='), by.strip_suffix('%')) {
            (Some(exact), _) => (Adjustment::Exact, exact),
            (_, Some(percent)) => (Adjustment::Percent, percent),
            _ => (Adjustment::Change, by),
        };
        if kind != Adjustment::Exact && !number.starts_with(['+', '-']) {
            return Err(wrong());
        }
        if adjustment.is_some_and(|before| before != kind) {
            return Err("its steps must all be units, all percents, or all capacities".to_owned());
        }
        adjustment = Some(kind);
        steps.push(StepAdjustment {
            lower: bound(lower)?,
            upper: bound(upper)?,
            by: number.parse().map_err(|_| wrong())?,
        });
    }
    let adjustment = adjustment.ok_or("there must be a step")?;
    Ok((adjustment, steps))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_read_as_they_are_written() {
        let option = PolicyOption::tracking(
            "per worker: target=100 scale-in-cooldown=10m no-scale-in of=backlog",
        )
        .unwrap();
        let policy = option.policy(COOLDOWN, COOLDOWN);
        assert_eq!(
            (policy.name.as_str(), option.of, policy.goal()),
            ("per worker", Some(PolicySource::Backlog), 100.0)
        );
        let PolicyType::Target(tracking) = policy.kind else {
            panic!("it is target tracking");
        };
        assert_eq!(
            (
                tracking.scale_out_cooldown,
                tracking.scale_in_cooldown,
                tracking.disable_scale_in
            ),
            (COOLDOWN, SignedDuration::from_mins(10), true)
        );

        let option =
            PolicyOption::any("busy: above=70 periods=3 cooldown=60s steps=0..20:+1,20..:+3")
                .unwrap();
        let PolicyType::Step(step) = option.policy(COOLDOWN, COOLDOWN).kind else {
            panic!("it is step scaling");
        };
        assert_eq!(
            (step.alarm, step.adjustment, step.cooldown),
            (
                Alarm::new(Comparison::Above, 70.0, 3),
                Adjustment::Change,
                SignedDuration::from_secs(60)
            )
        );
        let bounds: Vec<_> = step
            .steps
            .iter()
            .map(|step| (step.lower, step.upper, step.by))
            .collect();
        assert_eq!(bounds, [(Some(0.0), Some(20.0), 1), (Some(20.0), None, 3)]);
    }

    #[test]
    fn wrong_policies_are_told() {
        for (text, words) in [
            ("a: no-scale-in", "it must have a target"),
            ("a: target=0", "target: it must be a number above 0"),
            ("a: target=5 of=cpu", "'of=cpu' must be of=metric"),
            ("a: target=5 fast", "'fast' belongs to no policy"),
            ("a: steps=0..:+1", "it must have an alarm"),
            ("a: above=x steps=0..:+1", "'above=x' must be a number"),
            (
                "a: above=1 periods=0 steps=0..:+1",
                "'periods=0' must be a whole number from 1",
            ),
            ("a: above=1 steps=0..:1", "'0..:1' is not a step"),
            ("a: above=1 steps=0:+1", "'0:+1' is not a step"),
            ("a: above=1 steps=0..5:+1,5..:+10%", "its steps must all be"),
            (
                "a: above=1 steps=0..5:+1,6..:+2",
                "the steps must follow each other",
            ),
        ] {
            let error = PolicyOption::any(text).unwrap_err();
            assert!(error.starts_with(words), "{text}: {error}");
        }
    }
}
