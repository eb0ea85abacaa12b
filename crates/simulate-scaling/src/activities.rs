//! The activities of a target as they begin and end, simulated or in real time.

use jiff::Timestamp;

use crate::{
    activity::{Activity, StatusCode},
    endpoint::AskError,
    policy::{CapacityBounds, NotScaledReason},
    scaler::{AlarmNames, CapacityOrder, NotScaledActivity, PolicyType, ScalingPolicy},
    schedule::ScheduledAction,
};

/// Receives events as they happen.
pub trait ActivityListener {
    /// An activity has ended.
    fn ended(&mut self, activity: &Activity);
    /// A request failed.
    fn unanswered(&mut self, now: Timestamp, error: &AskError);
    /// Something worth a remark that is not an activity.
    fn remarked(&mut self, now: Timestamp, remark: &str);
}

/// All activities so far.
#[derive(Debug)]
pub struct Activities<'a, L> {
    listener: &'a mut L,
    all: Vec<Activity>,
    random: fastrand::Rng,
    /// Why the last alarm had no effect: a reason that repeats each period is recorded once.
    last_reason: Option<NotScaledReason>,
}

impl<'a, L: ActivityListener> Activities<'a, L> {
    /// No activities yet. `random` generates their ids.
    pub fn new(listener: &'a mut L, random: fastrand::Rng) -> Self {
        Self {
            listener,
            all: Vec::new(),
            random,
            last_reason: None,
        }
    }

    /// All of them, in order of their start.
    #[must_use]
    pub fn all(&self) -> &[Activity] {
        &self.all
    }

    pub(crate) fn into_all(self) -> Vec<Activity> {
        self.all
    }

    /// The alarm names of Application Auto Scaling for target tracking; with step scaling the alarm is its owner's.
    pub fn alarm_names(&mut self, resource_id: &str, policy: &ScalingPolicy) -> AlarmNames {
        if matches!(policy.kind, PolicyType::Step(_)) {
            let name = format!("{}-alarm", policy.name);
            return AlarmNames {
                high: name.clone(),
                low: name,
            };
        }
        let high = format!("TargetTracking-{resource_id}-AlarmHigh-{}", self.uuid());
        let low = format!("TargetTracking-{resource_id}-AlarmLow-{}", self.uuid());
        AlarmNames { high, low }
    }

    fn uuid(&mut self) -> String {
        uuid::Builder::from_random_bytes(self.random.u128(..).to_be_bytes())
            .into_uuid()
            .to_string()
    }

    pub(crate) fn begin(&mut self, now: Timestamp, order: &CapacityOrder) -> usize {
        self.last_reason = None;
        let id = self.uuid();
        self.all.push(Activity::capacity(
            id,
            order.cause.clone(),
            now,
            order.desired,
            order.direction,
        ));
        self.all.len() - 1
    }

    pub(crate) fn progress(&mut self, activity: usize) {
        self.all[activity].status = StatusCode::InProgress;
    }

    pub(crate) fn end(
        &mut self,
        activity: usize,
        now: Timestamp,
        status: StatusCode,
        message: &str,
    ) {
        self.all[activity].end(now, status, message.to_owned());
        self.listener.ended(&self.all[activity]);
    }

    fn add(&mut self, activity: Activity) {
        self.listener.ended(&activity);
        self.all.push(activity);
    }

    pub(crate) fn bounds(&mut self, now: Timestamp, action: &ScheduledAction) {
        self.last_reason = None;
        let id = self.uuid();
        self.add(Activity::bounds(
            id,
            &action.name,
            now,
            action.min,
            action.max,
        ));
    }

    pub(crate) fn bounds_refused(
        &mut self,
        now: Timestamp,
        action: &ScheduledAction,
        bounds: CapacityBounds,
    ) {
        let id = self.uuid();
        let mut activity = Activity::bounds(id, &action.name, now, action.min, action.max);
        let what = activity.description.replacen("Setting", "Failed to set", 1);
        let CapacityBounds { min, max } = bounds;
        activity.end(
            now,
            StatusCode::Failed,
            format!("{what}. Reason: the minimum would be {min} and the maximum {max}."),
        );
        self.add(activity);
    }

    pub(crate) fn not_scaled(&mut self, now: Timestamp, activity: Option<NotScaledActivity>) {
        let reason = activity.as_ref().map(|activity| activity.reason);
        if self.last_reason == reason {
            return;
        }
        self.last_reason = reason;
        if let Some(NotScaledActivity { cause, reason }) = activity {
            let id = self.uuid();
            self.add(Activity::not_scaled(id, cause, now, reason));
        }
    }

    pub(crate) fn remark(&mut self, now: Timestamp, remark: &str) {
        self.listener.remarked(now, remark);
    }

    pub(crate) fn unanswered(&mut self, now: Timestamp, error: &AskError) {
        self.listener.unanswered(now, error);
    }
}
