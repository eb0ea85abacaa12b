//! Plays Application Auto Scaling over a simulated time: it measures, and lets the target decide and follow up.

mod queue;
mod settings;

use std::collections::VecDeque;

use jiff::Timestamp;
use queue::Backlog;

pub use queue::Queue;
pub use settings::{MetricSources, PolicySource, SimulationSettings};

use crate::{
    activities::{Activities, ActivityListener},
    activity::{Activity, StatusCode},
    alarm::AlarmState,
    clock::{ClockSpeed, SimulationClock},
    contract::ContractState,
    endpoint::Endpoint,
    scaler::{AlarmStates, Scaler},
    schedule::ScheduledAction,
    target::{StopReason, Target, TargetChange},
};

/// A period's datapoints, and the state at that time.
#[derive(Clone, Debug, PartialEq)]
pub struct PeriodSample {
    /// When the period ended.
    pub time: Timestamp,
    /// The metric in the picture; `None` if it is missing.
    pub metric: Option<f64>,
    /// Each policy's metric.
    pub metrics: Vec<Option<f64>>,
    /// The states of each policy's alarms, from the datapoints that had arrived.
    pub alarms: Vec<AlarmStates>,
}

impl PeriodSample {
    /// The state of the alarms above the threshold: `ALARM` if one of them is in it.
    #[must_use]
    pub fn high(&self) -> Option<AlarmState> {
        strongest(self.alarms.iter().filter_map(|states| states.high))
    }

    /// The state of the alarms below the threshold, if there are any.
    #[must_use]
    pub fn low(&self) -> Option<AlarmState> {
        strongest(self.alarms.iter().filter_map(|states| states.low))
    }
}

/// The first state, unless another one is `ALARM`.
fn strongest(mut states: impl Iterator<Item = AlarmState>) -> Option<AlarmState> {
    let first = states.next()?;
    Some(if states.any(|state| state == AlarmState::Alarm) {
        AlarmState::Alarm
    } else {
        first
    })
}

/// The results of a simulation.
#[derive(Clone, Debug)]
pub struct SimulationRun {
    /// When it ended.
    pub end: Timestamp,
    /// One sample per period.
    pub samples: Vec<PeriodSample>,
    /// The capacity over time.
    pub steps: Vec<TargetChange>,
    /// The activities, in order of their start.
    pub activities: Vec<Activity>,
    /// Why it ended early, if it did.
    pub stopped: Option<String>,
}

impl SimulationRun {
    /// How many activities ended with `status`, without those that requested nothing from the endpoint.
    #[must_use]
    pub fn count(&self, status: StatusCode) -> usize {
        self.activities
            .iter()
            .filter(|activity| activity.status == status && activity.not_scaled.is_none())
            .count()
    }

    /// Whether the endpoint did everything that was requested.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.stopped.is_none()
            && self.count(StatusCode::Failed) == 0
            && self.count(StatusCode::Unfulfilled) == 0
    }

    /// The integral of the actual capacity over time, in unit hours: the cost.
    #[must_use]
    pub fn unit_hours(&self) -> f64 {
        let ends = self.steps.iter().skip(1).map(|step| step.time);
        self.steps
            .iter()
            .zip(ends.chain([self.end]))
            .map(|(step, end)| step.actual * end.duration_since(step.time).as_secs_f64() / 3600.0)
            .sum()
    }

    /// How many datapoints of the metric shown are above `goal`.
    #[must_use]
    pub fn above(&self, goal: f64) -> usize {
        self.samples
            .iter()
            .filter(|sample| sample.metric.is_some_and(|metric| metric > goal))
            .count()
    }
}

/// A run with its settings.
#[derive(Clone, Debug)]
pub struct RunRecord {
    /// The settings.
    pub settings: SimulationSettings,
    /// The results.
    pub run: SimulationRun,
}

/// Datapoints that have not arrived yet.
struct PendingDatapoints {
    at: Timestamp,
    /// The sample that they belong to.
    sample: usize,
    measured_at: f64,
}

struct Simulation<'a, L> {
    settings: &'a SimulationSettings,
    target: Target<'a, L>,
    backlog: Option<Backlog>,
    /// Whether a load is waiting with no capacity to process it.
    waiting: bool,
    arriving: VecDeque<PendingDatapoints>,
    alarms: Vec<AlarmStates>,
    samples: Vec<PeriodSample>,
    random: fastrand::Rng,
}

/// Plays it from `registered`, the endpoint's response to the GET before anything was changed.
pub async fn run<L: ActivityListener>(
    settings: &SimulationSettings,
    speed: ClockSpeed,
    registered: ContractState,
    endpoint: &mut Endpoint,
    listener: &mut L,
) -> SimulationRun {
    let mut random = fastrand::Rng::with_seed(settings.seed);
    let mut activities = Activities::new(listener, random.fork());
    let named = settings.policies.iter().map(|(policy, _)| {
        let names = activities.alarm_names(endpoint.resource_id(), policy);
        (policy.clone(), names)
    });
    let scaler = Scaler::new(
        named.collect(),
        settings.bounds,
        settings.suspended,
        settings.overlap,
    );
    let states = scaler.alarms();
    let backlog = settings
        .metrics
        .queue
        .as_ref()
        .map(|queue| Backlog::new(queue.clone(), settings.start, registered.actual));
    let target = Target::new(endpoint, settings.following, scaler, activities, registered);
    let mut simulation = Simulation {
        settings,
        target,
        backlog,
        waiting: false,
        arriving: VecDeque::new(),
        alarms: states,
        samples: Vec::new(),
        random,
    };
    let clock = SimulationClock::new(settings.start, speed);
    let (end, stopped) = simulation.play(&clock).await;
    let Simulation {
        target, samples, ..
    } = simulation;
    let (steps, activities) = target.into_parts();
    SimulationRun {
        end,
        samples,
        steps,
        activities: activities.into_all(),
        stopped,
    }
}

impl<'a, L: ActivityListener> Simulation<'a, L> {
    async fn play(&mut self, clock: &SimulationClock) -> (Timestamp, Option<String>) {
        let end = self.settings.end();
        let mut now = self.settings.start;
        let mut next_period = 1;
        self.begin_period(1);
        let mut outcome = self.target.bound(now, self.settings.bounds).await;
        if outcome.is_ok() {
            outcome = self.scheduled(now).await;
        }
        while outcome.is_ok() {
            let period = self
                .settings
                .period_end(next_period)
                .filter(|time| *time <= end);
            let scheduled = self.next_scheduled(now).filter(|time| *time <= end);
            let arrives = self.arriving.front().map(|arriving| arriving.at);
            let arrives = arrives.filter(|time| *time <= end);
            let poll = self.target.next_poll();
            let Some(next) = [period, scheduled, arrives, poll]
                .into_iter()
                .flatten()
                .min()
            else {
                break;
            };
            now = next;
            clock.wait_until(now).await;
            self.work(now);
            outcome = self.run_due(now, scheduled == Some(now)).await;
            self.work(now);
            if outcome.is_ok() && period == Some(now) {
                outcome = self.measure(now, next_period).await;
                next_period += 1;
                self.begin_period(next_period);
            }
            if outcome.is_ok() {
                outcome = self.arrive(now).await;
            }
            self.work(now);
        }
        let stopped = outcome.err().map(|StopReason(reason)| reason);
        if let Some(reason) = &stopped {
            self.target.stop_order(now, reason);
        }
        (now, stopped)
    }

    /// Handles everything that is due except a datapoint.
    async fn run_due(&mut self, now: Timestamp, scheduled: bool) -> Result<(), StopReason> {
        if scheduled {
            self.scheduled(now).await?;
        }
        if self.target.next_poll() == Some(now) {
            self.target.poll(now).await?;
        }
        Ok(())
    }

    /// Lets the queue's units work up to now, and updates their number.
    fn work(&mut self, now: Timestamp) {
        let actual = self.target.actual();
        if let Some(backlog) = &mut self.backlog {
            backlog.advance(now);
            backlog.resize(now, actual);
        }
    }

    fn begin_period(&mut self, number: i64) {
        if let (Some(backlog), Some(queue)) = (&mut self.backlog, &self.settings.metrics.queue) {
            backlog.arrive(self.settings.arrivals(queue, number));
        }
    }

    /// The scheduled actions.
    fn schedule(&self) -> &'a [ScheduledAction] {
        if self.settings.suspended.scheduled {
            &[]
        } else {
            &self.settings.schedule
        }
    }

    /// When the first scheduled action after `now` is due.
    fn next_scheduled(&self, now: Timestamp) -> Option<Timestamp> {
        self.schedule()
            .iter()
            .filter_map(|action| action.next(self.settings.start, now))
            .min()
    }

    /// Runs every action that is due, one after the other.
    async fn scheduled(&mut self, now: Timestamp) -> Result<(), StopReason> {
        let just_before = now - jiff::SignedDuration::from_nanos(1);
        for action in self.schedule() {
            if action.next(self.settings.start, just_before) == Some(now) {
                self.target.run_action(now, action).await?;
            }
        }
        Ok(())
    }

    /// Takes the period's datapoints, which arrive after the delay.
    async fn measure(&mut self, now: Timestamp, period: i64) -> Result<(), StopReason> {
        self.target.read_endpoint(now).await?;
        self.work(now);
        let actual = self.target.actual();
        let off = self.settings.noise(&mut self.random);
        let backlog = self.backlog.as_ref().map(Backlog::waiting);
        let of = |source| self.settings.metric(source, period, actual, backlog, off);
        let metrics: Vec<_> = self
            .settings
            .policies
            .iter()
            .map(|(_, source)| of(*source))
            .collect();
        let metric = of(self.settings.shown);
        let waits = self.settings.waits(actual, metric, backlog);
        if waits && !self.waiting {
            let remark = "The capacity is 0 and there is load: nothing works on it until a scale-out has ended.";
            self.target.activities.remark(now, remark);
        }
        self.waiting = waits;
        self.arriving.push_back(PendingDatapoints {
            at: now
                .checked_add(self.settings.delay)
                .unwrap_or(Timestamp::MAX),
            sample: self.samples.len(),
            measured_at: actual,
        });
        self.samples.push(PeriodSample {
            time: now,
            metric,
            metrics,
            alarms: self.alarms.clone(),
        });
        Ok(())
    }

    /// Lets the target decide from the datapoints that have arrived.
    async fn arrive(&mut self, now: Timestamp) -> Result<(), StopReason> {
        while let Some(arriving) = self.arriving.pop_front_if(|arriving| arriving.at <= now) {
            let metrics = self.samples[arriving.sample].metrics.clone();
            let outcome = self
                .target
                .measure(now, &metrics, arriving.measured_at)
                .await;
            let (alarms, outcome) = match outcome {
                Ok(alarms) => (alarms, Ok(())),
                Err(stop) => (self.alarms.clone(), Err(stop)),
            };
            self.alarms = alarms;
            // The current alarms, stored with the newest sample.
            if let Some(sample) = self.samples.last_mut() {
                sample.alarms.clone_from(&self.alarms);
            }
            outcome?;
        }
        Ok(())
    }
}
