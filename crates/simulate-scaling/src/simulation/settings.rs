//! What is simulated.

use jiff::{SignedDuration, Timestamp};

use super::Queue;
use crate::{
    policy::CapacityBounds,
    scaler::{ScalingPolicy, Suspension},
    schedule::ScheduledAction,
    series::{Series, Statistic},
    target::OrderTimings,
};

/// What a policy looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicySource {
    /// The metric itself, whatever the capacity.
    Metric,
    /// A load that the actual capacity shares: load by capacity.
    Load,
    /// What waits in the queue for each unit of the actual capacity.
    Backlog,
    /// All that waits in the queue.
    Queue,
}

impl PolicySource {
    /// What it is called on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Metric => "metric",
            Self::Load => "load",
            Self::Backlog => "backlog",
            Self::Queue => "queue",
        }
    }
}

/// Where the metrics come from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetricSources {
    /// The metric itself.
    pub metric: Option<Series>,
    /// The load that is shared.
    pub load: Option<Series>,
    /// The queue.
    pub queue: Option<Queue>,
}

/// The scalable target, its policies, and what happens to it.
#[derive(Clone, Debug)]
pub struct SimulationSettings {
    /// Minimum and maximum at registration.
    pub bounds: CapacityBounds,
    /// The policies and what each looks at. There is at least one.
    pub policies: Vec<(ScalingPolicy, PolicySource)>,
    /// The metric that the picture shows.
    pub shown: PolicySource,
    /// What that should not exceed.
    pub goal: f64,
    /// What is held back.
    pub suspended: Suspension,
    /// Whether target tracking decides while an order is under way, too.
    pub overlap: bool,
    /// The scheduled actions.
    pub schedule: Vec<ScheduledAction>,
    /// Where the metrics come from.
    pub metrics: MetricSources,
    /// Where the metric of a shared load ends, as a utilisation does at 100; `None` where it has no end.
    pub cap: Option<f64>,
    /// What makes a datapoint of a period's samples.
    pub statistic: Statistic,
    /// By how much the metric is off at most, as a share of it.
    pub noise: f64,
    /// How long after its period a datapoint can be seen.
    pub delay: SignedDuration,
    /// What noise and ids come from.
    pub seed: u64,
    /// When it begins.
    pub start: Timestamp,
    /// How long it takes.
    pub duration: SignedDuration,
    /// How far apart the datapoints are.
    pub period: SignedDuration,
    /// How orders are followed.
    pub following: OrderTimings,
}

impl SimulationSettings {
    /// When it ends.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.start
            .checked_add(self.duration)
            .unwrap_or(Timestamp::MAX)
    }

    /// When the period `number` ends, counted from 1.
    #[must_use]
    pub fn period_end(&self, number: i64) -> Option<Timestamp> {
        self.start.checked_add(self.after(number)?).ok()
    }

    /// The policies' names, as they are read.
    #[must_use]
    pub fn names(&self) -> String {
        let names: Vec<&str> = self
            .policies
            .iter()
            .map(|(policy, _)| policy.name.as_str())
            .collect();
        names.join(", ")
    }

    /// Whether a load waits with nothing to do it, by the metric of a period.
    pub(super) fn waits(&self, capacity: f64, metric: Option<f64>, backlog: Option<f64>) -> bool {
        let load = self.shown == PolicySource::Load && metric.is_some_and(|metric| metric > 0.0);
        capacity == 0.0 && (load || backlog.is_some_and(|backlog| backlog > 0.0))
    }

    fn after(&self, periods: i64) -> Option<SignedDuration> {
        Some(SignedDuration::from_secs(
            self.period.as_secs().checked_mul(periods)?,
        ))
    }

    fn value(&self, series: &Series, number: i64) -> Option<f64> {
        series.value(
            self.start,
            self.after(number - 1)?,
            self.period,
            self.statistic,
        )
    }

    /// What arrives in a minute of the period `number`: nothing where the file has no sample.
    pub(super) fn arrivals(&self, queue: &Queue, number: i64) -> f64 {
        self.value(&queue.arrivals, number).unwrap_or_default()
    }

    /// By how much a period's metrics are off. Drawn for each period, so that what is missing shifts nothing.
    pub(super) fn noise(&self, random: &mut fastrand::Rng) -> f64 {
        1.0 + self.noise * (random.f64() * 2.0 - 1.0)
    }

    /// The datapoint of the period `number`, with `capacity` there is. A capacity below 1 shares nothing: the whole load
    /// is the metric.
    pub(super) fn metric(
        &self,
        source: PolicySource,
        number: i64,
        capacity: f64,
        backlog: Option<f64>,
        off: f64,
    ) -> Option<f64> {
        let share = capacity.max(1.0);
        match source {
            PolicySource::Metric => Some(self.value(self.metrics.metric.as_ref()?, number)? * off),
            PolicySource::Load => {
                let metric = self.value(self.metrics.load.as_ref()?, number)? * off / share;
                Some(self.cap.map_or(metric, |cap| metric.min(cap)))
            }
            PolicySource::Backlog => Some(backlog? * off / share),
            PolicySource::Queue => Some(backlog? * off),
        }
    }
}
