//! The command line.

mod policies;
mod values;

use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, ArgGroup, Parser, ValueEnum};
use http::{HeaderName, HeaderValue};
use jiff::{SignedDuration, Timestamp, Zoned, tz::TimeZone};
use policies::PolicyOption;
use reqwest::Url;
use values::{
    capacity, cooldown, endpoint, header, interval, percent, period, positive, region, target,
    timestamp,
};

use crate::{
    clock::ClockSpeed,
    policy::CapacityBounds,
    registration,
    scaler::{PolicyType, ScalingPolicy, Suspension, TargetTracking},
    schedule::ScheduledAction,
    series::{Series, Statistic, duration},
    simulation::{MetricSources, PolicySource, Queue, SimulationSettings},
    target::OrderTimings,
};

/// More datapoints than this are a mistake in duration or period: at a minute each, three months and a half.
const MOST_PERIODS: i64 = 150_000;
const A_DAY: SignedDuration = SignedDuration::from_hours(24);

const AFTER_HELP: &str = "\
SERIES is a function of the time or a CSV file of time,value rows (seconds, 5m, or 2026-01-05T08:00:00Z; no value: missing):
  constant(value=100)  sine(min=20, max=400, period=24h)  step(from=50, to=300, at=1h)
  ramp(from=50, to=300, start=1h, end=3h)  spike(base=50, peak=600, at=1h, for=20m)

POLICY is [NAME:] target=N [scale-out-cooldown=5m] [scale-in-cooldown=5m] [no-scale-in] [of=METRIC]
STEPS is a policy and its alarm: [NAME:] above|at-least|below|at-most=N steps=FROM..TO:BY[,FROM..TO:BY…] [periods=1] [cooldown=5m]
  [least=N] [of=METRIC]. FROM and TO are relative to the alarm's threshold, and the outer ones may be omitted; BY is +2 or -2 units,
  +10% or -10%, or =4 for exactly 4 units: 'busy: above=70 periods=3 steps=0..20:+1,20..:+3'
METRIC is metric, load, backlog (the jobs that wait, per unit) or queue (all jobs that wait). It is only needed if there
are several.

SCHEDULE is a scheduled action: [NAME:] WHEN [min=N] [max=N] [timezone=TZ] [start=TIME] [end=TIME], where WHEN is
at(2026-01-05T08:00:00), rate(1 hour) or cron(minutes hours day-of-month month day-of-week year), and TIME is in UTC.

Exit codes: 0 done, 1 the endpoint could not be reached, failed or broke the contract, 2 invalid options.
Nothing is changed before a GET has shown that the endpoint exists and keeps the contract.";

/// Plays AWS Application Auto Scaling against a custom-resource endpoint, and draws what it did.
#[derive(Clone, Debug, Parser)]
#[command(name = "simulate-scaling", version, after_help = AFTER_HELP, allow_negative_numbers = true)]
#[command(group = ArgGroup::new("series").args(["metric", "load", "queue", "check"]).required(true).multiple(true))]
pub struct SimulationOptions {
    /// The dimension's URL, which is the scalable target's resource id
    #[arg(long, value_name = "URL", value_parser = endpoint)]
    endpoint: Url,

    /// Only check whether the endpoint keeps the contract, with one GET and one PATCH that changes nothing, and report what

    /// Application Auto Scaling would refuse at registration
    #[arg(long, conflicts_with_all = ["metric", "load", "queue"])]
    check: bool,

    /// The metric itself, whatever the capacity
    #[arg(long, value_name = "SERIES", value_parser = Series::parse)]
    metric: Option<Series>,

    /// A load that the actual capacity shares: the metric is load / actual capacity
    #[arg(long, value_name = "SERIES", value_parser = Series::parse)]
    load: Option<Series>,

    /// The jobs that arrive in a queue per minute. They accumulate, and the metric is the backlog per unit of the actual capacity
    #[arg(long, value_name = "SERIES", value_parser = Series::parse)]
    queue: Option<Series>,

    /// How many jobs a unit does per minute
    #[arg(long, value_name = "NUMBER", default_value = "1", value_parser = target)]
    work: f64,

    /// How long a new unit takes to start working on the queue
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    start_up: SignedDuration,

    /// The highest value of the metric, however large the load: 100 for a utilisation in percent
    #[arg(long, value_name = "NUMBER", value_parser = target, requires = "load")]
    cap: Option<f64>,

    /// The target value of the metric, for the default policy; use it without --policy and --step
    #[arg(long, value_name = "NUMBER", default_value = "50", value_parser = target, conflicts_with_all = ["policy", "step"])]
    target: f64,

    /// A target tracking policy; may be given several times
    #[arg(long, value_name = "POLICY", value_parser = PolicyOption::tracking)]
    policy: Vec<PolicyOption>,

    /// A step scaling policy and its alarm; may be given several times
    #[arg(long, value_name = "STEPS", value_parser = PolicyOption::stepping)]
    step: Vec<PolicyOption>,

    /// Another policy, POLICY or STEPS, to play afterwards and draw in the same picture; may be given several times
    #[arg(long, value_name = "POLICY", value_parser = PolicyOption::any, conflicts_with = "json")]
    compare: Vec<PolicyOption>,

    /// The minimum capacity
    #[arg(long, value_name = "N", default_value = "1", value_parser = capacity)]
    min: u32,

    /// The maximum capacity
    #[arg(long, value_name = "N", default_value = "10", value_parser = capacity)]
    max: u32,

    /// How the samples of a period in a file become a datapoint
    #[arg(long, value_enum, default_value_t)]
    statistic: Statistic,

    /// The maximum random deviation of the metric, in percent
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = percent)]
    noise: f64,

    /// How long after its period a datapoint becomes visible, as with metrics that are published late
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    delay: SignedDuration,

    /// The seed of noise and ids: the same seed gives the same run
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// When it begins [default: the file's first time; or today, 00:00 UTC; or now with --speed]
    #[arg(long, value_name = "TIME", value_parser = timestamp)]
    start: Option<Timestamp>,

    /// How long it takes [default: as long as the file, or 24h]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    duration: Option<SignedDuration>,

    /// The interval between datapoints: 10s, 30s or a multiple of 60s
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = period)]
    period: SignedDuration,

    /// How long after a scale-out only a larger one may follow
    #[arg(long, value_name = "DURATION", default_value = "300s", value_parser = cooldown)]
    scale_out_cooldown: SignedDuration,

    /// How long after a scale-in no other may follow
    #[arg(long, value_name = "DURATION", default_value = "300s", value_parser = cooldown)]
    scale_in_cooldown: SignedDuration,

    /// Never scale in
    #[arg(long, conflicts_with_all = ["policy", "step"])]
    disable_scale_in: bool,

    /// The policy's name
    #[arg(long, value_name = "NAME", default_value = "half-busy", value_parser = values::name, conflicts_with_all = ["policy", "step"])]
    policy_name: String,

    /// Let target tracking scale while an activity is in progress, as step scaling does: the newer one overrides the older
    #[arg(long)]
    overlap: bool,

    /// A scheduled action; may be given several times
    #[arg(long, value_name = "SCHEDULE", value_parser = ScheduledAction::parse)]
    schedule: Vec<ScheduledAction>,

    /// What to suspend; may be given several times
    #[arg(long, value_enum, value_name = "WHAT")]
    suspend: Vec<SuspendedPart>,

    /// How often to poll an activity in progress, in simulated time
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = interval)]
    poll: SignedDuration,

    /// When to give up on an activity that does not end, in simulated time
    #[arg(long, value_name = "DURATION", default_value = "15m", value_parser = interval)]
    give_up: SignedDuration,

    /// How long the endpoint may fail to respond or to accept a change before the simulation ends, in simulated time

    /// [default: three requests in a row]
    #[arg(long, value_name = "DURATION", value_parser = interval)]
    patience: Option<SignedDuration>,

    /// How many simulated seconds pass per real second; 1 is real time, for endpoints that need it [default: as fast as the

    /// endpoint responds]
    #[arg(long, value_name = "NUMBER", value_parser = positive)]
    speed: Option<f64>,

    /// How long a request may take, in real time
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = interval)]
    timeout: SignedDuration,

    /// Sign for execute-api in this region, with the credentials of AWS's standard environment
    #[arg(long, value_name = "REGION", value_parser = region)]
    sigv4: Option<String>,

    /// A header for each request, such as 'x-api-key: …'; may be given several times
    #[arg(long, value_name = "NAME: VALUE", value_parser = header, action = ArgAction::Append)]
    header: Vec<(HeaderName, HeaderValue)>,

    /// The folder for files without an option of their own: scaling.svg, activities.json, timeline.csv
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// The file for the picture
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,

    /// The file for the activities, as describe-scaling-activities prints them
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,

    /// The file for each period's metric, alarms and capacity
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<PathBuf>,

    /// Print the activities as describe-scaling-activities does
    #[arg(long)]
    pub(crate) json: bool,

    /// Report also when an alarm had no effect, and why
    #[arg(long)]
    pub(crate) include_not_scaled_activities: bool,
}

/// What can be suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SuspendedPart {
    /// DynamicScalingOutSuspended
    ScaleOut,
    /// DynamicScalingInSuspended
    ScaleIn,
    /// ScheduledScalingSuspended
    Scheduled,
}

/// How the endpoint is asked.
#[derive(Debug)]
pub(crate) struct EndpointOptions {
    pub(crate) url: Url,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) region: Option<String>,
    pub(crate) timeout: Duration,
}

impl SimulationOptions {
    pub(crate) fn endpoint_options(&self) -> EndpointOptions {
        EndpointOptions {
            url: self.endpoint.clone(),
            headers: self.header.clone(),
            region: self.sigv4.clone(),
            timeout: Duration::try_from(self.timeout).unwrap_or(Duration::MAX),
        }
    }

    /// What Application Auto Scaling would refuse about it at registration.
    pub(crate) fn refusals(&self) -> Vec<String> {
        registration::refusals(&self.endpoint, self.period)
    }

    pub(crate) fn speed(&self) -> ClockSpeed {
        self.speed.map_or(ClockSpeed::Jump, ClockSpeed::Times)
    }

    /// The settings of the simulation; `None` if the endpoint is only to be checked.
    pub(crate) fn settings(&self) -> Result<Option<SimulationSettings>, String> {
        let bounds = CapacityBounds {
            min: self.min,
            max: self.max,
        };
        if self.min > self.max {
            return Err(format!(
                "--min {} must not be greater than --max {}.",
                self.min, self.max
            ));
        }
        for action in &self.schedule {
            let CapacityBounds { min, max } = action.bounds(bounds);
            if min > max {
                return Err(format!(
                    "--schedule {}: its minimum would be {min} and its maximum {max}.",
                    action.name
                ));
            }
        }
        if self.give_up < self.poll {
            return Err("--give-up must not be shorter than --poll.".to_owned());
        }
        let metrics = MetricSources {
            metric: self.metric.clone(),
            load: self.load.clone(),
            queue: self.queue.clone().map(|arrivals| Queue {
                arrivals,
                work: self.work,
                start_up: self.start_up,
            }),
        };
        if metrics == MetricSources::default() {
            return Ok(None);
        }
        let policies = self.policies(&metrics)?;
        let mut series = [&self.metric, &self.load, &self.queue]
            .into_iter()
            .flatten();
        let samples = series.find_map(|series| match series {
            Series::Samples(samples) => Some(samples),
            Series::Function(_) => None,
        });
        let start = match (self.start, samples.and_then(|samples| samples.begins())) {
            (Some(start), _) | (None, Some(start)) => start,
            _ if self.speed.is_some() => Timestamp::now(),
            _ => today()?,
        };
        // The last sample belongs to the period that contains it.
        let duration = self
            .duration
            .unwrap_or_else(|| samples.map_or(A_DAY, |samples| samples.ends(start) + self.period));
        let periods = duration.as_secs() / self.period.as_secs();
        if periods < 1 {
            return Err(format!(
                "There is no whole period of {:#} in a duration of {duration:#}.",
                self.period
            ));
        }
        if periods > MOST_PERIODS {
            return Err(format!(
                "A duration of {duration:#} has {periods} periods of {:#}, and may have {MOST_PERIODS}.",
                self.period
            ));
        }
        let (first, shown) = &policies[0];
        Ok(Some(SimulationSettings {
            bounds,
            shown: *shown,
            goal: first.goal(),
            policies,
            overlap: self.overlap,
            delay: self.delay,
            suspended: Suspension {
                scale_out: self.suspend.contains(&SuspendedPart::ScaleOut),
                scale_in: self.suspend.contains(&SuspendedPart::ScaleIn),
                scheduled: self.suspend.contains(&SuspendedPart::Scheduled),
            },
            schedule: self.schedule.clone(),
            metrics,
            cap: self.cap,
            statistic: self.statistic,
            noise: self.noise,
            seed: self.seed,
            start,
            duration,
            period: self.period,
            following: OrderTimings {
                poll: self.poll,
                give_up: self.give_up,
                patience: self.patience,
            },
        }))
    }

    /// The settings of the second run, for comparison with `settings`.
    pub(crate) fn compared(
        &self,
        settings: &SimulationSettings,
    ) -> Result<Option<SimulationSettings>, String> {
        if self.compare.is_empty() {
            return Ok(None);
        }
        let policies = self.with_metrics(&self.compare, &settings.metrics)?;
        Ok(Some(SimulationSettings {
            policies,
            ..settings.clone()
        }))
    }

    /// The policies; there is at least one.
    fn policies(
        &self,
        metrics: &MetricSources,
    ) -> Result<Vec<(ScalingPolicy, PolicySource)>, String> {
        let given: Vec<PolicyOption> = self.policy.iter().chain(&self.step).cloned().collect();
        if !given.is_empty() {
            return self.with_metrics(&given, metrics);
        }
        if let Some(cap) = self.cap.filter(|cap| *cap <= self.target) {
            return Err(format!(
                "--cap {cap} must be above --target {}, or nothing would ever scale out.",
                self.target
            ));
        }
        let policy = ScalingPolicy {
            name: self.policy_name.clone(),
            kind: PolicyType::Target(TargetTracking {
                target: self.target,
                scale_out_cooldown: self.scale_out_cooldown,
                scale_in_cooldown: self.scale_in_cooldown,
                disable_scale_in: self.disable_scale_in,
            }),
        };
        Ok(vec![(policy, policies::source(None, metrics)?)])
    }

    fn with_metrics(
        &self,
        given: &[PolicyOption],
        metrics: &MetricSources,
    ) -> Result<Vec<(ScalingPolicy, PolicySource)>, String> {
        let mut policies: Vec<(ScalingPolicy, PolicySource)> = Vec::new();
        for option in given {
            let policy = option.policy(self.scale_out_cooldown, self.scale_in_cooldown);
            if policies.iter().any(|(known, _)| known.name == policy.name) {
                return Err(format!("Two policies have the name {}.", policy.name));
            }
            let source = policies::source(option.of, metrics)
                .map_err(|error| format!("The policy {}: {error}", policy.name))?;
            policies.push((policy, source));
        }
        Ok(policies)
    }
}

fn today() -> Result<Timestamp, String> {
    let midnight = Zoned::now()
        .with_time_zone(TimeZone::UTC)
        .start_of_day()
        .map_err(|error| error.to_string())?;
    Ok(midnight.timestamp())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(options: &[&str]) -> Result<SimulationOptions, String> {
        let always = ["simulate-scaling", "--endpoint", "http://localhost/a/1"];
        SimulationOptions::try_parse_from(always.iter().chain(options))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_options_are_sound() {
        SimulationOptions::command().debug_assert();
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let settings = parse(&["--load", "constant(value=1)"])
            .unwrap()
            .settings()
            .unwrap()
            .unwrap();
        assert_eq!(
            (settings.bounds, settings.goal, settings.duration),
            (CapacityBounds { min: 1, max: 10 }, 50.0, A_DAY)
        );
        assert_eq!(settings.start.as_second() % 86_400, 0);
        assert!(parse(&["--check"]).unwrap().settings().unwrap().is_none());
    }

    #[test]
    fn wrong_options_are_told() {
        for (options, words) in [
            (
                &["--load", "constant(value=1)", "--target", "0"][..],
                "it must be a number above 0",
            ),
            (
                &["--load", "constant(value=1)", "--target", "1e-300"],
                "it must be between 1e-9 and 1e15",
            ),
            (
                &["--load", "constant(value=1)", "--period", "45s"],
                "it must be 10s, 30s or a multiple of 60s",
            ),
            (
                &["--load", "constant(value=1)", "--min", "-1"],
                "invalid value '-1' for '--min <N>': it must be a whole number up to 2147483647",
            ),
            (
                &["--load", "constant(value=1)", "--target", "-5"],
                "invalid value '-5' for '--target <NUMBER>'",
            ),
            (
                &["--load", "constant(value=1)", "--sigv4", "Frankfurt"],
                "write it like us-east-1",
            ),
            (
                &["--load", "constant(value=1)", "--header", "key"],
                "write it like 'x-api-key: …'",
            ),
            (
                &["--load", "constant(value=1)", "--start", "noon"],
                "write it like 2026-01-05T08:00:00Z",
            ),
            (
                &["--load", "constant(value=1)", "--noise", "101"],
                "it must be between 0 and 100",
            ),
            (
                &["--load", "constant(value=1)", "--poll", "0s"],
                "it must be 1s or longer",
            ),
            (&["--load", "no such file"], "no such file cannot be read"),
            (
                &[
                    "--load",
                    "constant(value=1)",
                    "--target",
                    "5",
                    "--policy",
                    "a: target=5",
                ],
                "cannot be used with",
            ),
            (
                &["--load", "constant(value=1)", "--max", "2147483648"],
                "it must be a whole number up to 2147483647",
            ),
            (
                &["--load", "constant(value=1)", "--scale-in-cooldown", "1.5s"],
                "it must be whole seconds",
            ),
            (&[], "required"),
        ] {
            let error = parse(options).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn wrong_combinations_are_told() {
        for (options, words) in [
            (
                &["--min", "5", "--max", "4"][..],
                "--min 5 must not be greater than --max 4.",
            ),
            (
                &["--schedule", "night: rate(1 hour) min=11"],
                "--schedule night: its minimum would be 11 and its maximum 10.",
            ),
            (
                &["--metric", "constant(value=1)"],
                "There are several metrics (metric, load): say of=… which one each policy looks at, by --policy or --step.",
            ),
            (
                &["--policy", "a: target=5 of=backlog"],
                "The policy a: of=backlog needs --queue.",
            ),
            (
                &[
                    "--policy",
                    "a: target=5",
                    "--step",
                    "a: above=5 steps=0..:+1",
                ],
                "Two policies have the name a.",
            ),
            (
                &["--give-up", "5s"],
                "--give-up must not be shorter than --poll.",
            ),
            (
                &["--duration", "30s"],
                "There is no whole period of 1m in a duration of 30s.",
            ),
            (
                &["--duration", "365d"],
                "A duration of 8760h has 525600 periods of 1m, and may have 150000.",
            ),
        ] {
            let options: Vec<&str> = ["--load", "constant(value=1)"]
                .iter()
                .chain(options)
                .copied()
                .collect();
            assert_eq!(parse(&options).unwrap().settings().unwrap_err(), words);
        }
    }
}
