//! What is simulated.

use jiff::{SignedDuration, Timestamp};

use crate::{
    policy::Bounds,
    scaler::{Policy, Suspended},
    schedule::ScheduledAction,
    series::{Series, Statistic},
};

/// Where the metric comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Load {
    /// The series is the metric, whatever the capacity.
    Metric(Series),
    /// The series is a load that the actual capacity shares: the metric is load by capacity.
    Shared(Series),
}

/// The scalable target, its policy, and what happens to it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Minimum and maximum at registration.
    pub bounds: Bounds,
    /// The policy.
    pub policy: Policy,
    /// What is held back.
    pub suspended: Suspended,
    /// The scheduled actions.
    pub schedule: Vec<ScheduledAction>,
    /// Where the metric comes from.
    pub load: Load,
    /// Where the metric of a shared load ends, as a utilisation does at 100; `None` where it has no end.
    pub cap: Option<f64>,
    /// What makes a datapoint of a period's samples.
    pub statistic: Statistic,
    /// By how much the metric is off at most, as a share of it.
    pub noise: f64,
    /// What noise and ids come from.
    pub seed: u64,
    /// When it begins.
    pub start: Timestamp,
    /// How long it takes.
    pub duration: SignedDuration,
    /// How far apart the datapoints are.
    pub period: SignedDuration,
    /// How often an activity under way is looked at.
    pub poll: SignedDuration,
    /// When an activity that does not end is given up.
    pub give_up: SignedDuration,
    /// How long the endpoint may give no answer, or take no change, before the simulation ends; `None` for a few requests
    /// in a row, however long they take.
    pub patience: Option<SignedDuration>,
}

impl Settings {
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

    /// Whether a load waits with nothing to do it, by the metric of a period.
    pub(super) fn waits(&self, capacity: f64, metric: Option<f64>) -> bool {
        let shared = matches!(self.load, Load::Shared(_));
        shared && capacity == 0.0 && metric.is_some_and(|metric| metric > 0.0)
    }

    fn after(&self, periods: i64) -> Option<SignedDuration> {
        Some(SignedDuration::from_secs(
            self.period.as_secs().checked_mul(periods)?,
        ))
    }

    /// The datapoint of the period `number`, with `capacity` there is. A capacity below 1 shares nothing: the whole load
    /// is the metric.
    pub(super) fn metric(
        &self,
        number: i64,
        capacity: f64,
        random: &mut fastrand::Rng,
    ) -> Option<f64> {
        let (series, share) = match &self.load {
            Load::Metric(series) => (series, 1.0),
            Load::Shared(series) => (series, capacity.max(1.0)),
        };
        // Drawn for each period, so that what is missing shifts nothing.
        let off = 1.0 + self.noise * (random.f64() * 2.0 - 1.0);
        let value = series.value(
            self.start,
            self.after(number - 1)?,
            self.period,
            self.statistic,
        )?;
        let metric = value * off / share;
        Some(self.cap.map_or(metric, |cap| metric.min(cap)))
    }
}
