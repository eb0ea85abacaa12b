//! Runs one target: the simulator's core in real time.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use simulate_scaling::{
    activities::{Activities, ActivityListener},
    activity::Activity,
    contract::ContractState,
    endpoint::{AskError, Endpoint},
    scaler::{AlarmNames, Scaler, ScalingPolicy},
    schedule::ScheduledAction,
    target::{OrderTimings, StopReason, Target},
};
use tokio::{sync::Notify, task::AbortHandle};

use super::{
    definitions::{self, Watch},
    metrics::MetricName,
    registry::{TargetDefinitions, TargetRegistry},
};

/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// When an activity that does not end is abandoned.
const GIVE_UP: SignedDuration = SignedDuration::from_mins(15);
/// How long the endpoint may be unreachable: one that comes back is scaled again, no matter when.
const PATIENCE: SignedDuration = SignedDuration::from_hours(24 * 365);
/// How soon to retry if the endpoint could not be reached at the start.
const AGAIN: Duration = Duration::from_secs(5);

/// Writes activities to the log.
struct ActivityLog(String);

impl ActivityListener for ActivityLog {
    fn ended(&mut self, activity: &Activity) {
        tracing::info!(
            resource_id = self.0,
            status = activity.status.name(),
            cause = activity.cause,
            "{}",
            activity.description
        );
    }

    fn unanswered(&mut self, _now: Timestamp, error: &AskError) {
        tracing::warn!(resource_id = self.0, "the endpoint {error}");
    }

    fn remarked(&mut self, _now: Timestamp, remark: &str) {
        tracing::info!(resource_id = self.0, "{remark}");
    }
}

/// The endpoint at the address that stands for the resource id.
pub(super) fn endpoint(registry: &TargetRegistry, resource_id: &str) -> Result<Endpoint, String> {
    let url = registry.endpoint(resource_id);
    let url = url
        .parse()
        .map_err(|_| format!("{url} is not an address."))?;
    Endpoint::new(url, Vec::new(), None, TIMEOUT)
}

/// The policies and actions that the definitions result in.
struct TargetPlan {
    watches: Vec<Watch>,
    actions: Vec<ScheduledAction>,
}

impl TargetPlan {
    fn of(registry: &TargetRegistry, defined: &TargetDefinitions) -> Self {
        let alarms = registry.metrics.alarms();
        // They have been accepted, so they can be read.
        let watches = defined.policies.values();
        let watches = watches.filter_map(|policy| definitions::watches(policy, &alarms).ok());
        let actions = defined.actions.values();
        Self {
            watches: watches.flatten().collect(),
            actions: actions
                .filter_map(|action| definitions::scheduled(action).ok())
                .collect(),
        }
    }

    fn policies(&self) -> Vec<(ScalingPolicy, AlarmNames)> {
        let watches = self.watches.iter();
        watches
            .map(|watch| (watch.policy.clone(), watch.names.clone()))
            .collect()
    }
}

/// Runs the target in its own task, until it is deregistered.
pub(super) fn start(
    registry: Arc<TargetRegistry>,
    resource_id: String,
    changed: Arc<Notify>,
) -> AbortHandle {
    tokio::spawn(run(registry, resource_id, changed)).abort_handle()
}

async fn run(registry: Arc<TargetRegistry>, resource_id: String, changed: Arc<Notify>) {
    let Ok(mut endpoint) = endpoint(&registry, &resource_id) else {
        return;
    };
    let registered = loop {
        match endpoint.get().await {
            Ok(state) => break state,
            Err(error) => {
                tracing::warn!(resource_id, "the endpoint {error}");
                tokio::time::sleep(AGAIN).await;
            }
        }
    };
    let mut log = ActivityLog(resource_id.clone());
    let activities = Activities::new(&mut log, fastrand::Rng::new());
    let Some(defined) = registry.find(&resource_id) else {
        return;
    };
    run_target(
        &registry,
        &resource_id,
        &changed,
        defined,
        |following, scaler| Target::new(&mut endpoint, following, scaler, activities, registered),
    )
    .await;
}

/// The main loop: does whatever is due, one thing after the other.
async fn run_target<'a>(
    registry: &TargetRegistry,
    resource_id: &str,
    changed: &Notify,
    mut defined: TargetDefinitions,
    target: impl FnOnce(OrderTimings, Scaler) -> Target<'a, ActivityLog>,
) {
    let mut plan = TargetPlan::of(registry, &defined);
    let Ok(bounds) = definitions::bounds(&defined.target) else {
        return;
    };
    let period = signed_duration(registry.pace.period);
    let following = OrderTimings {
        poll: signed_duration(registry.pace.poll),
        give_up: GIVE_UP,
        patience: Some(PATIENCE),
    };
    let suspended = definitions::suspension(&defined.target);
    let scaler = Scaler::new(plan.policies(), bounds, suspended, false);
    let mut target = target(following, scaler);
    let began = Timestamp::now();
    let mut now = began;
    log_outcome(resource_id, target.bound(now, bounds).await);
    let mut measured = now;
    let capacity = MetricName::capacity_of(resource_id);
    loop {
        registry.set_activities(resource_id, activity_descriptions(&target, resource_id));
        let next_period = measured + period;
        let scheduled = plan
            .actions
            .iter()
            .filter(|_| !target.scaler.suspension().scheduled)
            .filter_map(|action| action.next(began, now))
            .min();
        let next = [Some(next_period), scheduled, target.next_poll()];
        let next = next.into_iter().flatten().min().unwrap_or(next_period);
        let wait = next.duration_since(Timestamp::now());
        let wait = Duration::try_from(wait).unwrap_or_default();
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = changed.notified() => {
                let Some(new) = registry.find(resource_id) else {
                    return;
                };
                let time = Timestamp::now();
                redefine(registry, &mut target, &mut plan, (&defined, &new), time).await;
                defined = new;
                continue;
            }
        }
        let before = now;
        now = Timestamp::now();
        for action in &plan.actions {
            let due = action.next(began, before).is_some_and(|time| time <= now);
            if due && !target.scaler.suspension().scheduled {
                log_outcome(resource_id, target.run_action(now, action).await);
            }
        }
        if target.next_poll().is_some_and(|time| time <= now) {
            log_outcome(resource_id, target.poll(now).await);
        }
        if next_period <= now {
            log_outcome(resource_id, target.read_endpoint(now).await);
            let actual = target.actual();
            registry
                .metrics
                .publish_at(now, capacity.clone(), actual, 1.0);
            let metrics: Vec<Option<f64>> = plan
                .watches
                .iter()
                .map(|watch| {
                    let metrics = &registry.metrics;
                    watch.measurement.datapoint(metrics, measured, now)
                })
                .collect();
            log_outcome(
                resource_id,
                target.measure(now, &metrics, actual).await.map(|_| ()),
            );
            measured = now;
        }
    }
}

/// Applies changed definitions. Changed bounds take effect at once.
async fn redefine(
    registry: &TargetRegistry,
    target: &mut Target<'_, ActivityLog>,
    plan: &mut TargetPlan,
    (old, new): (&TargetDefinitions, &TargetDefinitions),
    now: Timestamp,
) {
    *plan = TargetPlan::of(registry, new);
    target.scaler.set_policies(plan.policies());
    target.scaler.suspend(definitions::suspension(&new.target));
    let (before, after) = (
        definitions::bounds(&old.target),
        definitions::bounds(&new.target),
    );
    if let (Ok(before), Ok(after)) = (before, after)
        && before != after
    {
        log_outcome("", target.bound(now, after).await);
    }
}

fn activity_descriptions(
    target: &Target<'_, ActivityLog>,
    resource_id: &str,
) -> Vec<serde_json::Value> {
    let activities = target.activities.all().iter().rev();
    activities
        .map(|activity| activity.to_json(resource_id))
        .collect()
}

/// A breach of the contract is logged, and the target continues: its owner may fix the endpoint.
fn log_outcome(resource_id: &str, outcome: Result<(), StopReason>) {
    if let Err(StopReason(reason)) = outcome {
        tracing::warn!(resource_id, "{reason}");
    }
}

fn signed_duration(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

/// The endpoint's state when a target is registered.
pub(super) async fn registered_state(
    registry: &TargetRegistry,
    resource_id: &str,
) -> Result<ContractState, String> {
    let mut endpoint = endpoint(registry, resource_id)?;
    let answer = endpoint.get().await;
    answer.map_err(|error| format!("The endpoint {error}."))
}
