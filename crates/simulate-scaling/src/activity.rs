//! Scaling activities, in the wording of `describe-scaling-activities`
//! (<https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-scaling-activities.html>).

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{alarm::Direction, policy::NotScaledReason};

/// The status of an activity: AWS's `StatusCode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusCode {
    /// The endpoint has not responded yet, or reports `Pending`.
    Pending,
    /// The endpoint is working on it.
    InProgress,
    /// The endpoint has done it.
    Successful,
    /// Something else has changed the desired capacity meanwhile.
    Overridden,
    /// The endpoint did not finish in time.
    Unfulfilled,
    /// The endpoint reports a failure, or could not be reached.
    Failed,
}

impl StatusCode {
    /// AWS's name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::InProgress => "InProgress",
            Self::Successful => "Successful",
            Self::Overridden => "Overridden",
            Self::Unfulfilled => "Unfulfilled",
            Self::Failed => "Failed",
        }
    }

    /// Whether it is final.
    #[must_use]
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::InProgress)
    }
}

/// A scaling activity.
#[derive(Clone, Debug)]
pub struct Activity {
    /// `ActivityId`
    pub id: String,
    /// `Description`
    pub description: String,
    /// `Cause`
    pub cause: String,
    /// `StartTime`
    pub started: Timestamp,
    /// `EndTime`, once it has ended.
    pub ended: Option<Timestamp>,
    /// `StatusCode`
    pub status: StatusCode,
    /// `StatusMessage`, if there is one yet.
    pub message: Option<String>,
    /// `NotScaledReasons`: nothing was requested from the endpoint.
    pub not_scaled: Option<NotScaledReason>,
    /// The capacity that it requests and the direction of the change, for the picture.
    pub desired: Option<(u32, Direction)>,
}

impl Activity {
    /// An activity that sets the desired capacity.
    #[must_use]
    pub fn capacity(
        id: String,
        cause: String,
        now: Timestamp,
        desired: u32,
        direction: Direction,
    ) -> Self {
        let description = format!("Setting desired capacity to {desired}.");
        let (status, desired) = (StatusCode::Pending, Some((desired, direction)));
        Self {
            id,
            description,
            cause,
            started: now,
            ended: None,
            status,
            message: None,
            not_scaled: None,
            desired,
        }
    }

    /// The activity of a scheduled action, which sets `min` and `max`. AWS gives it no `EndTime`.
    #[must_use]
    pub fn bounds(
        id: String,
        name: &str,
        now: Timestamp,
        min: Option<u32>,
        max: Option<u32>,
    ) -> Self {
        let parts = [
            min.map(|min| format!("min capacity to {min}")),
            max.map(|max| format!("max capacity to {max}")),
        ];
        let what = parts
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" and ");
        Self {
            id,
            description: format!("Setting {what}"),
            cause: format!("scheduled action name {name} was triggered"),
            started: now,
            ended: None,
            status: StatusCode::Successful,
            message: Some(format!("Successfully set {what}")),
            not_scaled: None,
            desired: None,
        }
    }

    /// An activity of an alarm that had no effect.
    #[must_use]
    pub fn not_scaled(id: String, cause: String, now: Timestamp, reason: NotScaledReason) -> Self {
        let description = "Attempting to scale due to alarm triggered".to_owned();
        let (status, not_scaled) = (StatusCode::Failed, Some(reason));
        Self {
            id,
            description,
            cause,
            started: now,
            ended: None,
            status,
            message: None,
            not_scaled,
            desired: None,
        }
    }

    /// Ends it.
    pub fn end(&mut self, now: Timestamp, status: StatusCode, message: String) {
        self.ended = Some(now);
        self.status = status;
        self.message = Some(message);
    }

    /// The JSON that the AWS CLI prints.
    #[must_use]
    pub fn to_json(&self, resource_id: &str) -> Value {
        let mut fields = Map::new();
        let mut set = |key: &str, value: Value| fields.insert(key.to_owned(), value);
        set("ActivityId", json!(self.id));
        set("ServiceNamespace", json!("custom-resource"));
        set("ResourceId", json!(resource_id));
        set(
            "ScalableDimension",
            json!("custom-resource:ResourceType:Property"),
        );
        set("Description", json!(self.description));
        set("Cause", json!(self.cause));
        set("StartTime", json!(seconds(self.started)));
        if let Some(ended) = self.ended {
            set("EndTime", json!(seconds(ended)));
        }
        set("StatusCode", json!(self.status.name()));
        if let Some(message) = &self.message {
            set("StatusMessage", json!(message));
        }
        if let Some(reason) = self.not_scaled {
            set("NotScaledReasons", json!([reason_json(reason)]));
        }
        Value::Object(fields)
    }
}

/// The response of `describe-scaling-activities`: the newest activity first.
#[must_use]
pub fn describe<'a>(
    activities: impl DoubleEndedIterator<Item = &'a Activity>,
    resource_id: &str,
) -> Value {
    json!({"ScalingActivities": activities.rev().map(|activity| activity.to_json(resource_id)).collect::<Vec<_>>()})
}

/// The reason in words, for people.
#[must_use]
pub fn reason_words(reason: NotScaledReason) -> String {
    match reason {
        NotScaledReason::AlreadyAtMaxCapacity { max } => {
            format!("AlreadyAtMaxCapacity: the maximum is {max}")
        }
        NotScaledReason::AlreadyAtMinCapacity { min } => {
            format!("AlreadyAtMinCapacity: the minimum is {min}")
        }
        NotScaledReason::AutoScalingAnticipatedFlapping { current } => {
            format!(
                "AutoScalingAnticipatedFlapping: with less than {current} it would soon scale out again"
            )
        }
        NotScaledReason::AlreadyAtDesiredCapacity { current } => {
            format!("AlreadyAtDesiredCapacity: {current} is what it takes")
        }
    }
}

fn reason_json(reason: NotScaledReason) -> Value {
    match reason {
        NotScaledReason::AlreadyAtMaxCapacity { max } => {
            json!({"Code": "AlreadyAtMaxCapacity", "MaxCapacity": max})
        }
        NotScaledReason::AlreadyAtMinCapacity { min } => {
            json!({"Code": "AlreadyAtMinCapacity", "MinCapacity": min})
        }
        NotScaledReason::AutoScalingAnticipatedFlapping { current } => {
            json!({"Code": "AutoScalingAnticipatedFlapping", "CurrentCapacity": current.floor()})
        }
        // An integer in AWS; an endpoint's own capacity may have a fraction.
        NotScaledReason::AlreadyAtDesiredCapacity { current } => {
            json!({"Code": "AlreadyAtDesiredCapacity", "CurrentCapacity": current.floor()})
        }
    }
}

fn seconds(time: Timestamp) -> f64 {
    time.duration_since(Timestamp::UNIX_EPOCH).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn an_activity_is_worded_as_aws_words_it() {
        let cause =
            "monitor alarm A in state ALARM triggered policy custom-tt-scaling-policy".to_owned();
        let mut activity = Activity::capacity(
            "2fca0873".to_owned(),
            cause,
            at(1_530_744_698),
            6,
            Direction::Out,
        );
        activity.end(
            at(1_530_744_730),
            StatusCode::Successful,
            "Successfully set desired capacity to 6. Change successfully fulfilled by custom-resource.".to_owned(),
        );
        assert_eq!(
            activity.to_json("https://example.execute-api.us-west-2.amazonaws.com/prod/scalableTargetDimensions/1-23456789"),
            json!({
                "ScalableDimension": "custom-resource:ResourceType:Property",
                "Description": "Setting desired capacity to 6.",
                "ResourceId": "https://example.execute-api.us-west-2.amazonaws.com/prod/scalableTargetDimensions/1-23456789",
                "ActivityId": "2fca0873",
                "StartTime": 1_530_744_698.0,
                "ServiceNamespace": "custom-resource",
                "EndTime": 1_530_744_730.0,
                "Cause": "monitor alarm A in state ALARM triggered policy custom-tt-scaling-policy",
                "StatusMessage": "Successfully set desired capacity to 6. Change successfully fulfilled by custom-resource.",
                "StatusCode": "Successful"
            })
        );
    }

    #[test]
    fn a_scheduled_action_is_worded_as_aws_words_it() {
        let activity = Activity::bounds(
            "id".to_owned(),
            "my-second-scheduled-action",
            at(0),
            Some(5),
            Some(10),
        );
        assert_eq!(
            activity.description,
            "Setting min capacity to 5 and max capacity to 10"
        );
        assert_eq!(
            activity.cause,
            "scheduled action name my-second-scheduled-action was triggered"
        );
        assert_eq!(
            activity.message.as_deref(),
            Some("Successfully set min capacity to 5 and max capacity to 10")
        );
        assert_eq!(
            Activity::bounds(String::new(), "a", at(0), None, Some(3)).description,
            "Setting max capacity to 3"
        );
    }

    #[test]
    fn what_was_not_scaled_has_its_reason_and_no_end() {
        let activity = Activity::not_scaled(
            "id".to_owned(),
            "monitor alarm A".to_owned(),
            at(5),
            NotScaledReason::AlreadyAtMaxCapacity { max: 4 },
        );
        let written = describe([&activity].into_iter(), "r");
        let written = &written["ScalingActivities"][0];
        assert_eq!(
            written["NotScaledReasons"],
            json!([{"Code": "AlreadyAtMaxCapacity", "MaxCapacity": 4}])
        );
        assert_eq!(
            (&written["StatusCode"], &written["Description"]),
            (
                &json!("Failed"),
                &json!("Attempting to scale due to alarm triggered")
            )
        );
        assert_eq!(
            (written.get("EndTime"), written.get("StatusMessage")),
            (None, None)
        );
    }
}
