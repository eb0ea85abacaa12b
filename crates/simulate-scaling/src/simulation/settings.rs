//! The settings of a simulation.

use jiff::{SignedDuration, Timestamp};

use super::Queue;
use crate::{
    policy::CapacityBounds,
    scaler::{ScalingPolicy, Suspension},
    schedule::ScheduledAction,
    series::{Series, Statistic},
    target::OrderTimings,
};

/// The metric that a policy uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicySource {
    /// The metric itself, whatever the capacity.
    Metric,
    /// A load that the actual capacity shares: load divided by capacity.
    Load,
    /// The queue's backlog per unit of the actual capacity.
    Backlog,
    /// The whole backlog of the queue.
    Queue,
}

impl PolicySource {
    /// Its name on the command line.
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

/// The sources of the metrics.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetricSources {
    /// The metric itself.
    pub metric: Option<Series>,
    /// The load that is shared.
    pub load: Option<Series>,
    /// The queue.
    pub queue: Option<Queue>,
}

/// The scalable target, its policies, and its events.
#[derive(Clone, Debug)]
pub struct SimulationSettings {
    /// Minimum and maximum at registration.
    pub bounds: CapacityBounds,
    /// The policies and the metric of each. There is at least one.
    pub policies: Vec<(ScalingPolicy, PolicySource)>,
    /// The metric in the picture.
    pub shown: PolicySource,
    /// The value that this metric should not exceed.
    pub goal: f64,
    /// What is suspended.
    pub suspended: Suspension,
    /// Whether target tracking also decides while an order is in progress.
    pub overlap: bool,
    /// The scheduled actions.
    pub schedule: Vec<ScheduledAction>,
    /// The sources of the metrics.
    pub metrics: MetricSources,
    /// The maximum metric of a shared load, like 100 for a utilisation; `None` for no maximum.
    pub cap: Option<f64>,
    /// The statistic that turns a period's samples into a datapoint.
    pub statistic: Statistic,
    /// The maximum deviation of the metric, as a share of it.
    pub noise: f64,
    /// How long after its period a datapoint becomes visible.
    pub delay: SignedDuration,
    /// The seed of noise and ids.
    pub seed: u64,
    /// When it begins.
    pub start: Timestamp,
    /// How long it takes.
    pub duration: SignedDuration,
    /// The time between datapoints.
    pub period: SignedDuration,
    /// The timings for following orders.
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

    /// The policies' names, in a readable form.
    #[must_use]
    pub fn names(&self) -> String {
        let names: Vec<&str> = self
            .policies
            .iter()
            .map(|(policy, _)| policy.name.as_str())
            .collect();
        names.join(", ")
    }

    /// Whether a load is waiting with no capacity to process it, according to a period's metric.
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

    /// The arrivals per minute in the period `number`; 0 if the file has no sample for it.
    pub(super) fn arrivals(&self, queue: &Queue, number: i64) -> f64 {
        self.value(&queue.arrivals, number).unwrap_or_default()
    }

    /// The deviation of a period's metrics. Drawn for every period, so that a missing datapoint shifts no others.
    pub(super) fn noise(&self, random: &mut fastrand::Rng) -> f64 {
        1.0 + self.noise * (random.f64() * 2.0 - 1.0)
    }

    /// The datapoint of the period `number` at a capacity of `capacity`. A capacity below 1 shares nothing: the whole
    /// load is the metric.
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
