//! Plays Application Auto Scaling: measures, decides, asks the endpoint, and follows what it makes of it.

mod activities;
mod settings;

use jiff::{SignedDuration, Timestamp};

pub use activities::{Activities, Listener};
pub use settings::{Load, Settings};

use crate::{
    activity::{Activity, StatusCode},
    alarm::AlarmState,
    clock::{Clock, Speed},
    contract::{ScalingStatus, State},
    endpoint::{AskError, Endpoint},
    policy::Bounds,
    scaler::{Order, Scaler},
    schedule::ScheduledAction,
};

/// So many requests in a row without an answer, each sent several times, end the simulation, unless it has a time for that.
const PATIENCE: u32 = 3;

/// Requests in a row that came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Failures {
    count: u32,
    since: Timestamp,
}

impl Failures {
    /// With one more of them, at `now`.
    fn and_one(before: Option<Self>, now: Timestamp) -> Self {
        Self {
            count: before.map_or(0, |before| before.count) + 1,
            since: before.map_or(now, |before| before.since),
        }
    }

    /// Whether they are too many, or have gone on for too long where `patience` says how long that is.
    fn end_it(self, now: Timestamp, patience: Option<SignedDuration>) -> bool {
        match patience {
            None => self.count >= PATIENCE,
            Some(patience) => now.duration_since(self.since) >= patience,
        }
    }

    fn in_words(self, now: Timestamp, patience: Option<SignedDuration>) -> String {
        match patience {
            None => format!("{} requests in a row", self.count),
            Some(_) => format!("all requests for {:#}", now.duration_since(self.since)),
        }
    }
}

/// A period's datapoint and what held then.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// When the period ended.
    pub time: Timestamp,
    /// The metric; `None` where it is missing.
    pub metric: Option<f64>,
    /// `AlarmHigh`
    pub high: AlarmState,
    /// `AlarmLow`, where there is one.
    pub low: Option<AlarmState>,
}

/// A change of what the endpoint holds, or of the bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// When it was seen.
    pub time: Timestamp,
    /// What there is.
    pub actual: f64,
    /// What there is to be.
    pub desired: f64,
    /// Minimum and maximum.
    pub bounds: Bounds,
}

/// All that a simulation has brought.
#[derive(Clone, Debug)]
pub struct Run {
    /// When it ended.
    pub end: Timestamp,
    /// A sample for each period.
    pub samples: Vec<Sample>,
    /// The capacity over time.
    pub steps: Vec<Step>,
    /// The activities in the order in which they began.
    pub activities: Vec<Activity>,
    /// Why it ended before its time, where it did.
    pub stopped: Option<String>,
}

impl Run {
    /// How many activities ended so; those that asked nothing of the endpoint are left out.
    #[must_use]
    pub fn count(&self, status: StatusCode) -> usize {
        self.activities
            .iter()
            .filter(|activity| activity.status == status && activity.not_scaled.is_none())
            .count()
    }

    /// Whether the endpoint did all that it was asked for.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.stopped.is_none()
            && self.count(StatusCode::Failed) == 0
            && self.count(StatusCode::Unfulfilled) == 0
    }
}

/// An order that the endpoint is at.
struct UnderWay {
    order: Order,
    activity: usize,
    next_poll: Timestamp,
    give_up: Timestamp,
}

/// The simulation ends here, for this reason.
struct Stop(String);

struct Simulation<'a, L> {
    settings: &'a Settings,
    endpoint: &'a mut Endpoint,
    scaler: Scaler,
    activities: Activities<'a, L>,
    capacity: State,
    under_way: Option<UnderWay>,
    unanswered: Option<Failures>,
    /// The changes in a row that the endpoint has not taken, whatever it answered to a look.
    refused: Option<Failures>,
    /// Whether a load waits with nothing to do it.
    waiting: bool,
    samples: Vec<Sample>,
    steps: Vec<Step>,
    random: fastrand::Rng,
}

/// Plays it from `registered`, the state that the endpoint answered to the GET before anything was changed.
pub async fn run<L: Listener>(
    settings: &Settings,
    speed: Speed,
    registered: State,
    endpoint: &mut Endpoint,
    listener: &mut L,
) -> Run {
    let mut random = fastrand::Rng::with_seed(settings.seed);
    let mut activities = Activities::new(listener, random.fork());
    let alarms = activities.alarm_names(endpoint.resource_id());
    let scaler = Scaler::new(
        settings.policy.clone(),
        alarms,
        settings.bounds,
        settings.suspended,
    );
    let mut simulation = Simulation {
        settings,
        endpoint,
        scaler,
        activities,
        capacity: registered,
        under_way: None,
        unanswered: None,
        refused: None,
        waiting: false,
        samples: Vec::new(),
        steps: Vec::new(),
        random,
    };
    let clock = Clock::new(settings.start, speed);
    let (end, stopped) = simulation.play(&clock).await;
    let Simulation {
        activities,
        samples,
        steps,
        ..
    } = simulation;
    Run {
        end,
        samples,
        steps,
        activities: activities.into_all(),
        stopped,
    }
}

impl<'a, L: Listener> Simulation<'a, L> {
    async fn play(&mut self, clock: &Clock) -> (Timestamp, Option<String>) {
        let end = self.settings.end();
        let mut now = self.settings.start;
        let mut next_period = 1;
        self.step(now);
        let mut outcome = match self
            .scaler
            .set_bounds(self.settings.bounds, self.capacity.desired)
        {
            Some(order) => self.begin(now, order).await,
            None => Ok(()),
        };
        if outcome.is_ok() {
            outcome = self.scheduled(now).await;
        }
        while outcome.is_ok() {
            let period = self
                .settings
                .period_end(next_period)
                .filter(|time| *time <= end);
            let scheduled = self.next_scheduled(now).filter(|time| *time <= end);
            let poll = self.under_way.as_ref().map(|under_way| under_way.next_poll);
            let Some(next) = [period, scheduled, poll].into_iter().flatten().min() else {
                break;
            };
            now = next;
            clock.wait_until(now).await;
            if scheduled == Some(now) {
                outcome = self.scheduled(now).await;
            }
            if outcome.is_ok()
                && self
                    .under_way
                    .as_ref()
                    .is_some_and(|under_way| under_way.next_poll == now)
            {
                outcome = self.poll(now).await;
            }
            if outcome.is_ok() && period == Some(now) {
                outcome = self.measure(now, next_period).await;
                next_period += 1;
            }
        }
        let stopped = outcome.err().map(|Stop(reason)| reason);
        if let (Some(reason), Some(under_way)) = (&stopped, self.under_way.take()) {
            self.activities.end(
                under_way.activity,
                now,
                StatusCode::Failed,
                &failed_message(&under_way.order, reason),
            );
        }
        (now, stopped)
    }

    fn step(&mut self, now: Timestamp) {
        let step = Step {
            time: now,
            actual: self.capacity.actual,
            desired: self.capacity.desired,
            bounds: self.scaler.bounds(),
        };
        if self
            .steps
            .last()
            .is_none_or(|last| Step { time: now, ..*last } != step)
        {
            self.steps.push(step);
        }
    }

    /// The scheduled actions that happen.
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

    /// Every action that is due, one after the other.
    async fn scheduled(&mut self, now: Timestamp) -> Result<(), Stop> {
        let just_before = now - jiff::SignedDuration::from_nanos(1);
        for action in self.schedule() {
            if action.next(self.settings.start, just_before) != Some(now) {
                continue;
            }
            let bounds = action.bounds(self.scaler.bounds());
            if bounds.min > bounds.max {
                self.activities.bounds_refused(now, action, bounds);
                continue;
            }
            self.activities.bounds(now, action);
            let order = self.scaler.set_bounds(bounds, self.capacity.desired);
            self.step(now);
            if let Some(order) = order {
                self.overridden(now);
                self.begin(now, order).await?;
            }
        }
        Ok(())
    }

    async fn measure(&mut self, now: Timestamp, period: i64) -> Result<(), Stop> {
        // Whoever polls an activity has just seen the state.
        if self.under_way.is_none() {
            let answer = self.endpoint.get().await;
            self.heard(now, answer)?;
        }
        let metric = self
            .settings
            .metric(period, self.capacity.actual, &mut self.random);
        let waits = self.settings.waits(self.capacity.actual, metric);
        if waits && !self.waiting {
            let remark = "The capacity is 0 and there is load: nothing works on it until a scale-out has ended.";
            self.activities.remark(now, remark);
        }
        self.waiting = waits;
        let measured =
            self.scaler
                .measure(now, metric, self.capacity.actual, self.under_way.is_some());
        self.samples.push(Sample {
            time: now,
            metric,
            high: measured.high,
            low: measured.low,
        });
        self.activities.not_scaled(now, measured.not_scaled);
        match measured.order {
            Some(order) => self.begin(now, order).await,
            None => Ok(()),
        }
    }

    /// Takes an answer: a state is what holds from now on. One without a state is forgiven a few times, but for a breach.
    fn heard(
        &mut self,
        now: Timestamp,
        answer: Result<State, AskError>,
    ) -> Result<Option<State>, Stop> {
        match answer {
            Ok(state) => {
                self.unanswered = None;
                self.capacity = state.clone();
                self.step(now);
                Ok(Some(state))
            }
            Err(error @ AskError::Breach(_)) => Err(Stop(format!("The endpoint {error}."))),
            Err(error) => {
                self.activities.unanswered(now, &error);
                let failures = Failures::and_one(self.unanswered, now);
                self.unanswered = Some(failures);
                let patience = self.settings.patience;
                if failures.end_it(now, patience) {
                    let failed = failures.in_words(now, patience);
                    Err(Stop(format!(
                        "The endpoint {error}, and {failed} came to nothing."
                    )))
                } else {
                    Ok(None)
                }
            }
        }
    }

    async fn begin(&mut self, now: Timestamp, order: Order) -> Result<(), Stop> {
        let activity = self.activities.begin(now, &order);
        let answer = self.endpoint.patch(order.desired).await;
        if let Err(error) = &answer {
            let reason = format!("The endpoint {error}.");
            self.activities.end(
                activity,
                now,
                StatusCode::Failed,
                &failed_message(&order, &reason),
            );
            let failures = Failures::and_one(self.refused, now);
            self.refused = Some(failures);
            if failures.end_it(now, self.settings.patience) {
                return Err(Stop(match self.settings.patience {
                    None => format!("{reason} {PATIENCE} changes in a row were not taken."),
                    Some(patience) => format!("{reason} No change was taken for {patience:#}."),
                }));
            }
            return self.heard(now, answer).map(|_| ());
        }
        self.refused = None;
        let state = self.heard(now, answer)?;
        let next_poll = later(now, self.settings.poll);
        self.under_way = Some(UnderWay {
            order,
            activity,
            next_poll,
            give_up: later(now, self.settings.give_up),
        });
        if let Some(state) = state {
            self.follow(now, &state);
        }
        Ok(())
    }

    async fn poll(&mut self, now: Timestamp) -> Result<(), Stop> {
        let answer = self.endpoint.get().await;
        let state = self.heard(now, answer)?;
        if let Some(state) = state {
            self.follow(now, &state);
        }
        if let Some(under_way) = &mut self.under_way {
            if now >= under_way.give_up {
                let message = format!(
                    "Failed to set desired capacity to {}. Reason: the endpoint has not ended it after {:#}.",
                    under_way.order.desired, self.settings.give_up
                );
                self.activities
                    .end(under_way.activity, now, StatusCode::Unfulfilled, &message);
                self.under_way = None;
            } else {
                under_way.next_poll = later(now, self.settings.poll);
            }
        }
        Ok(())
    }

    /// Follows the order under way by what the endpoint says of it.
    fn follow(&mut self, now: Timestamp, state: &State) {
        let Some(under_way) = &self.under_way else {
            return;
        };
        let (order, activity) = (under_way.order.clone(), under_way.activity);
        if state.desired != f64::from(order.desired) {
            self.overridden(now);
            return;
        }
        match state.status {
            ScalingStatus::Pending => return,
            ScalingStatus::InProgress => return self.activities.progress(activity),
            ScalingStatus::Successful => {
                if state.actual != state.desired {
                    let remark = format!(
                        "The endpoint says Successful with an actual capacity of {}, and the desired one is {}.",
                        state.actual, state.desired
                    );
                    self.activities.remark(now, &remark);
                }
                self.scaler.fulfilled(now, &order);
                let message = format!(
                    "Successfully set desired capacity to {}. Change successfully fulfilled by custom-resource.",
                    order.desired
                );
                self.activities
                    .end(activity, now, StatusCode::Successful, &message);
            }
            ScalingStatus::Failed => {
                let reason = state
                    .failure_reason
                    .as_deref()
                    .unwrap_or("the endpoint gives no failureReason");
                self.activities.end(
                    activity,
                    now,
                    StatusCode::Failed,
                    &failed_message(&order, reason),
                );
            }
        }
        self.under_way = None;
    }

    fn overridden(&mut self, now: Timestamp) {
        if let Some(under_way) = self.under_way.take() {
            let message = "The desired capacity was updated by a newer scaling event.";
            self.activities
                .end(under_way.activity, now, StatusCode::Overridden, message);
        }
    }
}

fn failed_message(order: &Order, reason: &str) -> String {
    format!(
        "Failed to set desired capacity to {}. Reason: {reason}",
        order.desired
    )
}

fn later(now: Timestamp, duration: jiff::SignedDuration) -> Timestamp {
    now.checked_add(duration).unwrap_or(Timestamp::MAX)
}
