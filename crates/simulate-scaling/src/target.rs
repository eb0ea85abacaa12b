//! A running scalable target: it requests Application Auto Scaling's decisions from the endpoint and follows them up.
//!
//! Its owner provides the time and the measurements: the simulation with a clock that jumps, the local AWS with a real
//! one.

use jiff::{SignedDuration, Timestamp};

use crate::{
    activities::{Activities, ActivityListener},
    activity::StatusCode,
    contract::{ContractState, ContractStatus},
    endpoint::{AskError, Endpoint},
    policy::CapacityBounds,
    scaler::{AlarmStates, CapacityOrder, CapacitySnapshot, Scaler},
    schedule::ScheduledAction,
};

/// This many unanswered requests in a row, each sent several times, end it, unless a time is set for that.
const PATIENCE: u32 = 3;

/// Failed requests in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Failures {
    count: u32,
    since: Timestamp,
}

impl Failures {
    /// The count after one more failure, at `now`.
    fn and_one(before: Option<Self>, now: Timestamp) -> Self {
        Self {
            count: before.map_or(0, |before| before.count) + 1,
            since: before.map_or(now, |before| before.since),
        }
    }

    /// Whether there were too many, or `patience`, if set, has run out.
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

/// A change of the endpoint's state, or of the bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TargetChange {
    /// When it was observed.
    pub time: Timestamp,
    /// The actual capacity.
    pub actual: f64,
    /// The desired capacity.
    pub desired: f64,
    /// Minimum and maximum.
    pub bounds: CapacityBounds,
}

/// The timings for following an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderTimings {
    /// How often an activity in progress is polled.
    pub poll: SignedDuration,
    /// The time after which an unfinished activity is given up.
    pub give_up: SignedDuration,
    /// How long the endpoint may fail to respond or to accept a change; `None` for a few requests in a row, however
    /// long they take.
    pub patience: Option<SignedDuration>,
}

/// An order that the endpoint is working on.
struct OpenOrder {
    order: CapacityOrder,
    activity: usize,
    next_poll: Timestamp,
    give_up: Timestamp,
}

/// Why it stops.
#[derive(Debug)]
pub struct StopReason(pub String);

/// A registered target with its endpoint.
pub struct Target<'a, L> {
    endpoint: &'a mut Endpoint,
    following: OrderTimings,
    /// The part that decides.
    pub scaler: Scaler,
    /// The activities so far.
    pub activities: Activities<'a, L>,
    capacity: ContractState,
    under_way: Option<OpenOrder>,
    unanswered: Option<Failures>,
    /// The changes in a row that the endpoint has not accepted, whatever its responses to polls.
    refused: Option<Failures>,
    steps: Vec<TargetChange>,
}

impl<'a, L: ActivityListener> Target<'a, L> {
    /// A target from `registered`, the endpoint's response to the GET before anything was changed.
    pub fn new(
        endpoint: &'a mut Endpoint,
        following: OrderTimings,
        scaler: Scaler,
        activities: Activities<'a, L>,
        registered: ContractState,
    ) -> Self {
        Self {
            endpoint,
            following,
            scaler,
            activities,
            capacity: registered,
            under_way: None,
            unanswered: None,
            refused: None,
            steps: Vec::new(),
        }
    }

    /// The actual capacity that the endpoint last reported.
    #[must_use]
    pub fn actual(&self) -> f64 {
        self.capacity.actual
    }

    /// When the order in progress is polled next.
    #[must_use]
    pub fn next_poll(&self) -> Option<Timestamp> {
        self.under_way.as_ref().map(|under_way| under_way.next_poll)
    }

    /// The capacity over time, and the activities.
    #[must_use]
    pub fn into_parts(self) -> (Vec<TargetChange>, Activities<'a, L>) {
        (self.steps, self.activities)
    }

    /// Records the current state.
    pub fn step(&mut self, now: Timestamp) {
        let step = TargetChange {
            time: now,
            actual: self.capacity.actual,
            desired: self.capacity.desired,
            bounds: self.scaler.bounds(),
        };
        if self
            .steps
            .last()
            .is_none_or(|last| TargetChange { time: now, ..*last } != step)
        {
            self.steps.push(step);
        }
    }

    /// Sets minimum and maximum, and corrects a capacity beyond them.
    ///
    /// # Errors
    /// If the endpoint has failed for too long, or breaks the contract.
    pub async fn bound(
        &mut self,
        now: Timestamp,
        bounds: CapacityBounds,
    ) -> Result<(), StopReason> {
        let order = self.scaler.set_bounds(bounds, self.capacity.desired);
        self.step(now);
        match order {
            Some(order) => self.begin(now, order).await,
            None => Ok(()),
        }
    }

    /// Runs a scheduled action.
    ///
    /// # Errors
    /// Like [`Self::bound`].
    pub async fn run_action(
        &mut self,
        now: Timestamp,
        action: &ScheduledAction,
    ) -> Result<(), StopReason> {
        let bounds = action.bounds(self.scaler.bounds());
        if bounds.min > bounds.max {
            self.activities.bounds_refused(now, action, bounds);
            return Ok(());
        }
        self.activities.bounds(now, action);
        self.bound(now, bounds).await
    }

    /// Reads the endpoint's state, unless polling an activity has just done so.
    ///
    /// # Errors
    /// Like [`Self::bound`].
    pub async fn read_endpoint(&mut self, now: Timestamp) -> Result<(), StopReason> {
        if self.under_way.is_none() {
            let answer = self.endpoint.get().await;
            self.take_answer(now, answer)?;
        }
        Ok(())
    }

    /// Takes a datapoint for each policy, measured at a capacity of `measured_at`, and acts on the result.
    ///
    /// # Errors
    /// Like [`Self::bound`].
    pub async fn measure(
        &mut self,
        now: Timestamp,
        metrics: &[Option<f64>],
        measured_at: f64,
    ) -> Result<Vec<AlarmStates>, StopReason> {
        let standing = CapacitySnapshot {
            current: match &self.under_way {
                Some(under_way) => f64::from(under_way.order.desired),
                None => self.capacity.actual,
            },
            measured_at,
            busy: self.under_way.is_some(),
        };
        let measured = self.scaler.measure(now, metrics, standing);
        self.activities.not_scaled(now, measured.not_scaled);
        if let Some(order) = measured.order {
            self.begin(now, order).await?;
        }
        Ok(measured.alarms)
    }

    /// Handles a response: its state is now the current one. A few failures are forgiven, but no breach of the
    /// contract.
    fn take_answer(
        &mut self,
        now: Timestamp,
        answer: Result<ContractState, AskError>,
    ) -> Result<Option<ContractState>, StopReason> {
        match answer {
            Ok(state) => {
                self.unanswered = None;
                self.capacity = state.clone();
                self.step(now);
                Ok(Some(state))
            }
            Err(error @ AskError::Breach(_)) => Err(StopReason(format!("The endpoint {error}."))),
            Err(error) => {
                self.activities.unanswered(now, &error);
                let failures = Failures::and_one(self.unanswered, now);
                self.unanswered = Some(failures);
                let patience = self.following.patience;
                if failures.end_it(now, patience) {
                    let failed = failures.in_words(now, patience);
                    Err(StopReason(format!(
                        "The endpoint {error}, and {failed} failed."
                    )))
                } else {
                    Ok(None)
                }
            }
        }
    }

    async fn begin(&mut self, now: Timestamp, order: CapacityOrder) -> Result<(), StopReason> {
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
            if failures.end_it(now, self.following.patience) {
                return Err(StopReason(match self.following.patience {
                    None => format!("{reason} {PATIENCE} changes in a row were not accepted."),
                    Some(patience) => format!("{reason} No change was accepted for {patience:#}."),
                }));
            }
            return self.take_answer(now, answer).map(|_| ());
        }
        self.refused = None;
        // Only an accepted change overrides the order in progress, not a failed one.
        self.overridden(now);
        self.scaler.begin_order(&order);
        let state = self.take_answer(now, answer)?;
        let next_poll = later(now, self.following.poll);
        self.under_way = Some(OpenOrder {
            order,
            activity,
            next_poll,
            give_up: later(now, self.following.give_up),
        });
        if let Some(state) = state {
            self.follow_order(now, &state);
        }
        Ok(())
    }

    /// Polls the order in progress.
    ///
    /// # Errors
    /// Like [`Self::bound`].
    pub async fn poll(&mut self, now: Timestamp) -> Result<(), StopReason> {
        let answer = self.endpoint.get().await;
        let state = self.take_answer(now, answer)?;
        if let Some(state) = state {
            self.follow_order(now, &state);
        }
        if let Some(under_way) = &mut self.under_way {
            if now >= under_way.give_up {
                let message = format!(
                    "Failed to set desired capacity to {}. Reason: the endpoint has not finished it after {:#}.",
                    under_way.order.desired, self.following.give_up
                );
                self.activities
                    .end(under_way.activity, now, StatusCode::Unfulfilled, &message);
                self.scaler.given_up();
                self.under_way = None;
            } else {
                under_way.next_poll = later(now, self.following.poll);
            }
        }
        Ok(())
    }

    /// Updates the order in progress with the endpoint's state.
    fn follow_order(&mut self, now: Timestamp, state: &ContractState) {
        let Some(under_way) = &self.under_way else {
            return;
        };
        let (order, activity) = (under_way.order.clone(), under_way.activity);
        if state.desired != f64::from(order.desired) {
            self.overridden(now);
            return;
        }
        match state.status {
            ContractStatus::Pending => return,
            ContractStatus::InProgress => return self.activities.progress(activity),
            ContractStatus::Successful => {
                if state.actual != state.desired {
                    let remark = format!(
                        "The endpoint says Successful with an actual capacity of {}, and the desired one is {}.",
                        state.actual, state.desired
                    );
                    self.activities.remark(now, &remark);
                }
                self.scaler.fulfil_order(now, &order);
                let message = format!(
                    "Successfully set desired capacity to {}. Change successfully fulfilled by custom-resource.",
                    order.desired
                );
                self.activities
                    .end(activity, now, StatusCode::Successful, &message);
            }
            ContractStatus::Failed => {
                self.scaler.given_up();
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
            self.scaler.given_up();
            let message = "The desired capacity was updated by a newer scaling event.";
            self.activities
                .end(under_way.activity, now, StatusCode::Overridden, message);
        }
    }

    /// Ends the order in progress, because everything ends here.
    pub fn stop_order(&mut self, now: Timestamp, reason: &str) {
        if let Some(under_way) = self.under_way.take() {
            let message = failed_message(&under_way.order, reason);
            self.activities
                .end(under_way.activity, now, StatusCode::Failed, &message);
        }
    }
}

fn failed_message(order: &CapacityOrder, reason: &str) -> String {
    format!(
        "Failed to set desired capacity to {}. Reason: {reason}",
        order.desired
    )
}

fn later(now: Timestamp, duration: jiff::SignedDuration) -> Timestamp {
    now.checked_add(duration).unwrap_or(Timestamp::MAX)
}
