//! Application Auto Scaling's side of a scalable target: alarms, policies, cooldowns and bounds as one state machine
//! that uses neither a network nor a clock.

#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};

use crate::{
    alarm::{Alarm, AlarmState, Direction, LOW_DATAPOINTS},
    policy::{self, CapacityBounds, Datapoint, NotScaledReason, PolicyVerdict},
    step::StepScaling,
};

/// A scaling policy.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalingPolicy {
    /// Its name.
    pub name: String,
    /// Its type and settings.
    pub kind: PolicyType,
}

/// The type of a policy.
#[derive(Clone, Debug, PartialEq)]
pub enum PolicyType {
    /// It keeps a metric at a target, with two alarms that it owns.
    Target(TargetTracking),
    /// It changes the capacity in steps while an alarm is in `ALARM`.
    Step(StepScaling),
}

/// A target tracking policy.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetTracking {
    /// The target value of the metric, above 0.
    pub target: f64,
    /// How long after a scale-out only a larger one may follow.
    pub scale_out_cooldown: SignedDuration,
    /// How long after a scale-in no other may follow.
    pub scale_in_cooldown: SignedDuration,
    /// Whether it never scales in.
    pub disable_scale_in: bool,
}

impl ScalingPolicy {
    /// The value that its metric should not exceed: the target, or its alarm's threshold.
    #[must_use]
    pub fn goal(&self) -> f64 {
        match &self.kind {
            PolicyType::Target(tracking) => tracking.target,
            PolicyType::Step(step) => step.alarm.threshold(),
        }
    }

    /// The alarms above and below; a step scaling policy has only one.
    #[must_use]
    pub fn alarms(&self) -> (Option<Alarm>, Option<Alarm>) {
        match &self.kind {
            PolicyType::Target(tracking) => (
                Some(Alarm::high(tracking.target)),
                (!tracking.disable_scale_in).then(|| Alarm::low(tracking.target)),
            ),
            PolicyType::Step(step) if step.alarm.side() == Direction::Out => {
                (Some(step.alarm), None)
            }
            PolicyType::Step(step) => (None, Some(step.alarm)),
        }
    }

    fn cooldown(&self, direction: Direction) -> SignedDuration {
        match (&self.kind, direction) {
            (PolicyType::Target(tracking), Direction::Out) => tracking.scale_out_cooldown,
            (PolicyType::Target(tracking), Direction::In) => tracking.scale_in_cooldown,
            (PolicyType::Step(step), _) => step.cooldown,
        }
    }
}

/// The scaling that `SuspendedState` of a scalable target can suspend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Suspension {
    /// `DynamicScalingOutSuspended`
    pub scale_out: bool,
    /// `DynamicScalingInSuspended`
    pub scale_in: bool,
    /// `ScheduledScalingSuspended`
    pub scheduled: bool,
}

/// The names of a policy's alarms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmNames {
    /// The alarm above.
    pub high: String,
    /// The alarm below.
    pub low: String,
}

/// A capacity to request.
#[derive(Clone, Debug, PartialEq)]
pub struct CapacityOrder {
    /// The desired capacity.
    pub desired: u32,
    /// Why, in AWS's wording.
    pub cause: String,
    /// The direction of the change.
    pub direction: Direction,
    /// The policy that ordered it, if any, and what it adds. Only then does a cooldown follow.
    pub by_policy: Option<OrderPart>,
}

/// A policy's part in an order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OrderPart {
    policy: usize,
    /// How much is added, including what was already added within a running cooldown.
    pub added: f64,
}

/// The activity of an alarm that had no effect.
#[derive(Clone, Debug, PartialEq)]
pub struct NotScaledActivity {
    /// The alarm, in AWS's wording.
    pub cause: String,
    /// Why it had no effect.
    pub reason: NotScaledReason,
}

/// The states of a policy's alarms; `None` for an alarm that it does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlarmStates {
    /// The alarm above.
    pub high: Option<AlarmState>,
    /// The alarm below.
    pub low: Option<AlarmState>,
}

/// The result of a period's datapoints.
#[derive(Clone, Debug, PartialEq)]
pub struct PeriodResult {
    /// The states of each policy's alarms.
    pub alarms: Vec<AlarmStates>,
    /// The capacity to request, if any.
    pub order: Option<CapacityOrder>,
    /// An alarm that had no effect, if any.
    pub not_scaled: Option<NotScaledActivity>,
}

/// The capacity when a policy decides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CapacitySnapshot {
    /// The capacity to change: the actual one, or the one that the order in progress requests.
    pub current: f64,
    /// The actual capacity when the datapoints were measured.
    pub measured_at: f64,
    /// Whether an order is in progress.
    pub busy: bool,
}

#[derive(Clone, Copy, Debug)]
struct Cooldown {
    direction: Direction,
    until: Timestamp,
    added: f64,
}

/// A policy with the datapoints that its alarms evaluate.
#[derive(Clone, Debug)]
struct PolicyWatch {
    policy: ScalingPolicy,
    names: AlarmNames,
    history: Vec<Option<f64>>,
    /// The newest existing datapoint.
    newest: Option<Datapoint>,
    states: AlarmStates,
    cooldown: Option<Cooldown>,
}

/// The change that a policy proposes.
struct Proposal {
    direction: Direction,
    verdict: PolicyVerdict,
    cause: String,
    added_before: f64,
}

impl PolicyWatch {
    fn new(policy: ScalingPolicy, names: AlarmNames) -> Self {
        let (high, low) = policy.alarms();
        let states = AlarmStates {
            high: high.map(|_| AlarmState::default()),
            low: low.map(|_| AlarmState::default()),
        };
        Self {
            policy,
            names,
            history: Vec::new(),
            newest: None,
            states,
            cooldown: None,
        }
    }

    fn add_datapoint(&mut self, metric: Option<f64>, capacity: f64) {
        let (high, low) = self.policy.alarms();
        let alarms = [high, low];
        let kept = alarms.iter().flatten().map(Alarm::reads).max();
        // Datapoints that no alarm evaluates any more are dropped.
        if self.history.len() >= kept.unwrap_or_default() {
            self.history.remove(0);
        }
        self.history.push(metric);
        if let Some(metric) = metric {
            self.newest = Some(Datapoint { metric, capacity });
        }
        let state = |alarm: Option<Alarm>, before: Option<AlarmState>| {
            alarm.map(|alarm| alarm.evaluate(&self.history, before.unwrap_or_default()))
        };
        self.states = AlarmStates {
            high: state(high, self.states.high),
            low: state(low, self.states.low),
        };
    }

    /// Whether target tracking prevents scaling in: it takes part in the decision, and is not ready to scale in.
    fn holds_back(&self) -> bool {
        matches!(self.policy.kind, PolicyType::Target(_))
            && self.states.low.is_some_and(|low| low != AlarmState::Alarm)
    }

    fn cooling_down(&self, direction: Direction, now: Timestamp) -> Option<Cooldown> {
        self.cooldown
            .filter(|cooldown| cooldown.direction == direction && now < cooldown.until)
    }
}

/// The state machine.
#[derive(Clone, Debug)]
pub struct Scaler {
    watched: Vec<PolicyWatch>,
    bounds: CapacityBounds,
    suspended: Suspension,
    /// Whether target tracking decides while an order is in progress, as step scaling does.
    overlap: bool,
    /// The policy's order in progress, as a cooldown without end.
    under_way: Option<(usize, Cooldown)>,
}

impl Scaler {
    /// A newly registered scalable target.
    #[must_use]
    pub fn new(
        policies: Vec<(ScalingPolicy, AlarmNames)>,
        bounds: CapacityBounds,
        suspended: Suspension,
        overlap: bool,
    ) -> Self {
        let mut scaler = Self {
            watched: Vec::new(),
            bounds,
            suspended,
            overlap,
            under_way: None,
        };
        scaler.set_policies(policies);
        scaler
    }

    /// Replaces the policies. An unchanged one keeps its datapoints.
    pub fn set_policies(&mut self, policies: Vec<(ScalingPolicy, AlarmNames)>) {
        let mut before = std::mem::take(&mut self.watched);
        self.under_way = None;
        let kept = |(policy, names): (ScalingPolicy, AlarmNames)| {
            let known = before
                .iter()
                .position(|watched| watched.policy == policy && watched.names == names);
            match known {
                Some(index) => before.swap_remove(index),
                None => PolicyWatch::new(policy, names),
            }
        };
        self.watched = policies.into_iter().map(kept).collect();
    }

    /// Sets what is suspended from now on.
    pub fn suspend(&mut self, suspended: Suspension) {
        self.suspended = suspended;
    }

    /// What is suspended.
    #[must_use]
    pub fn suspension(&self) -> Suspension {
        self.suspended
    }

    /// The current states of each policy's alarms.
    #[must_use]
    pub fn alarms(&self) -> Vec<AlarmStates> {
        self.watched.iter().map(|watched| watched.states).collect()
    }

    /// The current minimum and maximum.
    #[must_use]
    pub fn bounds(&self) -> CapacityBounds {
        self.bounds
    }

    /// Sets minimum and maximum, as registration and scheduled actions do; a capacity beyond them is corrected at once,
    /// without waiting for a cooldown.
    pub fn set_bounds(&mut self, bounds: CapacityBounds, capacity: f64) -> Option<CapacityOrder> {
        self.bounds = bounds;
        let (desired, cause) = bounds.broken_by(capacity)?;
        let direction = if f64::from(desired) > capacity {
            Direction::Out
        } else {
            Direction::In
        };
        Some(CapacityOrder {
            desired,
            cause,
            direction,
            by_policy: None,
        })
    }

    /// Takes a period's datapoint of each policy's metric, in the policies' order; `None` for a missing one. An alarm
    /// acts in each period in which it is in `ALARM`. While an order is in progress, step scaling acts too
    /// (<https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-step-scaling-policies.html>).
    ///
    /// Of several policies the one with the largest capacity wins, in either direction; target tracking scales in only
    /// if every such policy that can scale in is ready for it, and does not hold back a step scaling policy.
    pub fn measure(
        &mut self,
        now: Timestamp,
        metrics: &[Option<f64>],
        standing: CapacitySnapshot,
    ) -> PeriodResult {
        for (watched, metric) in self.watched.iter_mut().zip(metrics) {
            watched.add_datapoint(*metric, standing.measured_at);
        }
        let proposals: Vec<(usize, Proposal)> = (0..self.watched.len())
            .filter_map(|index| Some((index, self.proposal(index, now, standing)?)))
            .collect();
        let mut measured = PeriodResult {
            alarms: self.alarms(),
            order: None,
            not_scaled: None,
        };
        if let Some((policy, chosen)) = self.chosen(&proposals) {
            if let PolicyVerdict::Scale(desired) = chosen.verdict {
                measured.order = Some(CapacityOrder {
                    desired,
                    cause: chosen.cause.clone(),
                    direction: chosen.direction,
                    by_policy: Some(OrderPart {
                        policy: *policy,
                        added: f64::from(desired) - standing.current + chosen.added_before,
                    }),
                });
            } else if let PolicyVerdict::NotScaled(reason) = chosen.verdict
                && !standing.busy
            {
                measured.not_scaled = Some(NotScaledActivity {
                    cause: chosen.cause.clone(),
                    reason,
                });
            }
        }
        measured
    }

    /// The winning proposal: scaling out before scaling in, and then the largest capacity. A policy without a change
    /// counts with the current capacity.
    fn chosen<'a>(&self, proposals: &'a [(usize, Proposal)]) -> Option<&'a (usize, Proposal)> {
        let held_back = self.watched.iter().any(PolicyWatch::holds_back);
        let tracks =
            |index: usize| matches!(self.watched[index].policy.kind, PolicyType::Target(_));
        let size = |proposal: &Proposal| match proposal.verdict {
            PolicyVerdict::Scale(desired) => f64::from(desired),
            PolicyVerdict::NotScaled(_) | PolicyVerdict::CoolingDown => match proposal.direction {
                // No change is the smallest proposal when scaling out, and the largest when scaling in.
                Direction::Out => f64::NEG_INFINITY,
                Direction::In => f64::INFINITY,
            },
        };
        let largest = |direction: Direction| {
            proposals
                .iter()
                .filter(|(index, proposal)| {
                    proposal.direction == direction
                        && (direction == Direction::Out || !held_back || !tracks(*index))
                })
                .reduce(|a, b| if size(&b.1) > size(&a.1) { b } else { a })
        };
        largest(Direction::Out).or_else(|| largest(Direction::In))
    }

    fn proposal(
        &self,
        index: usize,
        now: Timestamp,
        standing: CapacitySnapshot,
    ) -> Option<Proposal> {
        let watched = &self.watched[index];
        // An alarm may be in ALARM because of older datapoints while the newest is missing.
        let newest = watched.newest?;
        let (side, name) = match watched.states {
            AlarmStates {
                high: Some(AlarmState::Alarm),
                ..
            } => (Direction::Out, &watched.names.high),
            AlarmStates {
                low: Some(AlarmState::Alarm),
                ..
            } => (Direction::In, &watched.names.low),
            _ => return None,
        };
        let under_way = self
            .under_way
            .filter(|(policy, _)| standing.busy && *policy == index)
            .map(|(_, cooldown)| cooldown);
        let CapacitySnapshot { current, busy, .. } = standing;
        let (verdict, direction, added_before) = match &watched.policy.kind {
            PolicyType::Target(_) if busy && !self.overlap => return None,
            PolicyType::Target(tracking) => {
                // The capacity in progress is part of `current`, but not of what was measured.
                let running = watched.cooling_down(side, now).filter(|_| !busy);
                let added = running.map(|cooldown| cooldown.added);
                let verdict = match side {
                    Direction::Out => {
                        policy::scale_out(current, newest, tracking.target, self.bounds, added)
                    }
                    Direction::In => {
                        let looked_at = watched.history.iter().rev().take(LOW_DATAPOINTS).flatten();
                        policy::scale_in(
                            current,
                            newest,
                            looked_at.copied().fold(newest.metric, f64::max),
                            tracking.target,
                            self.bounds,
                            running.is_some(),
                        )
                    }
                };
                (verdict, side, added.unwrap_or_default())
            }
            PolicyType::Step(step) => {
                let cooldown = |direction| {
                    watched
                        .cooling_down(direction, now)
                        .or(under_way.filter(|cooldown| cooldown.direction == direction))
                };
                let added = cooldown(Direction::Out).map(|cooldown| cooldown.added);
                let verdict = step.decide(
                    current,
                    newest.metric,
                    self.bounds,
                    added,
                    cooldown(Direction::In).is_some(),
                )?;
                // Only a step's number determines its direction.
                let direction = match verdict {
                    PolicyVerdict::Scale(desired) if f64::from(desired) > current => Direction::Out,
                    PolicyVerdict::Scale(_) => Direction::In,
                    _ => side,
                };
                (verdict, direction, added.unwrap_or_default())
            }
        };
        let suspended = match direction {
            Direction::Out => self.suspended.scale_out,
            Direction::In => self.suspended.scale_in,
        };
        (!suspended).then(|| Proposal {
            direction,
            verdict,
            cause: format!(
                "monitor alarm {name} in state ALARM triggered policy {}",
                watched.policy.name
            ),
            added_before: added_before.max(0.0),
        })
    }

    /// Records the start of an order: until it ends, what it adds counts as added.
    pub fn begin_order(&mut self, order: &CapacityOrder) {
        self.under_way = order.by_policy.map(|ordered| {
            let cooldown = Cooldown {
                direction: order.direction,
                until: Timestamp::MAX,
                added: ordered.added,
            };
            (ordered.policy, cooldown)
        });
    }

    /// Records the end of a failed order.
    pub fn given_up(&mut self) {
        self.under_way = None;
    }

    /// Records the successful end of an order: an order of a policy starts its cooldown, and a scale-out ends the
    /// cooldown of a scale-in.
    pub fn fulfil_order(&mut self, now: Timestamp, order: &CapacityOrder) {
        self.under_way = None;
        let Some(ordered) = order.by_policy else {
            return;
        };
        if order.direction == Direction::Out {
            for watched in &mut self.watched {
                watched.cooldown = watched
                    .cooldown
                    .filter(|cooldown| cooldown.direction == Direction::Out);
            }
        }
        // A policy may have been deleted meanwhile.
        let Some(watched) = self.watched.get_mut(ordered.policy) else {
            return;
        };
        let length = watched.policy.cooldown(order.direction);
        // A cooldown beyond the maximum time never ends.
        let until = now.checked_add(length).unwrap_or(Timestamp::MAX);
        watched.cooldown = Some(Cooldown {
            direction: order.direction,
            until,
            added: ordered.added,
        });
    }
}
