//! One line of the file.

use fleet_core::{
    inventory::{AccountId, CreationDate, Instance, InstanceId, InstanceSummary, Packages, Region},
    scaling::{Capacity, Dimension, DimensionId, FailureReason, ScalingStatus, StatusName},
};
use serde::{Deserialize, Serialize};

/// A line: `{"instance": …}`, `{"dimension": …}`, `{"next": …}` after each page but the last, and `{"end": …}` at the very end.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum TransferLine {
    /// As the API returns it.
    Instance(InstanceLine),
    /// As the API returns it, but without the three names, which are settings.
    Dimension(DimensionLine),
    /// The position where an interrupted export continues.
    Next(PagePosition),
    /// The numbers of lines in the file.
    End(Counts),
}

/// The position of the next page: the source's token for it, or `None` for the first page.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PagePosition {
    /// A page of instances.
    Instances(Option<String>),
    /// A page of dimensions, which follow all instances.
    Dimensions(Option<String>),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InstanceLine {
    aws_instance_id: InstanceId,
    aws_region: Region,
    aws_account: AccountId,
    creation_date_utc: String,
    packages: Packages,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DimensionLine {
    pub(super) scalable_target_dimension_id: String,
    pub(super) actual_capacity: f64,
    pub(super) desired_capacity: f64,
    pub(super) scaling_status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) failure_reason: Option<String>,
}

/// The numbers of lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Counts {
    pub(super) instances: usize,
    pub(super) dimensions: usize,
}

impl From<Instance> for InstanceLine {
    fn from(instance: Instance) -> Self {
        let Instance { summary, packages } = instance;
        Self {
            aws_instance_id: summary.id,
            aws_region: summary.region,
            aws_account: summary.account,
            creation_date_utc: summary.created.to_string(),
            packages,
        }
    }
}

impl InstanceLine {
    /// The instance, or an error message.
    pub(super) fn instance(self) -> Result<Instance, String> {
        let created = CreationDate::parse(&self.creation_date_utc)
            .map_err(|error| format!("creation_date_utc: {error}"))?;
        let mut packages = self.packages.as_slice().to_vec();
        packages.sort();
        Ok(Instance {
            summary: InstanceSummary {
                id: self.aws_instance_id,
                region: self.aws_region,
                account: self.aws_account,
                created,
            },
            packages: Packages::new(packages).map_err(|error| format!("packages {error}"))?,
        })
    }
}

impl DimensionLine {
    pub(super) fn of(id: &DimensionId, state: &Dimension) -> Self {
        Self {
            scalable_target_dimension_id: id.as_str().to_owned(),
            actual_capacity: state.actual.get(),
            desired_capacity: state.desired.get(),
            scaling_status: state.status.name().to_owned(),
            failure_reason: state
                .status
                .failure_reason()
                .map(|reason| reason.as_str().to_owned()),
        }
    }

    /// Its id, or an error message.
    pub(super) fn id(&self) -> Result<DimensionId, String> {
        DimensionId::parse(self.scalable_target_dimension_id.as_str())
            .map_err(|error| format!("scalableTargetDimensionId {error}"))
    }

    /// Its state, or an error message.
    pub(super) fn state(self) -> Result<Dimension, String> {
        let capacity =
            |name: &str, value| Capacity::new(value).map_err(|error| format!("{name}: {error}"));
        let status = StatusName::parse(&self.scaling_status)
            .map_err(|error| format!("scalingStatus {error}"))?;
        let reason = self
            .failure_reason
            .map(FailureReason::parse)
            .transpose()
            .map_err(|error| format!("failureReason {error}"))?;
        Ok(Dimension {
            actual: capacity("actualCapacity", self.actual_capacity)?,
            desired: capacity("desiredCapacity", self.desired_capacity)?,
            status: match (status, reason) {
                (StatusName::Failed, reason) => ScalingStatus::Failed(reason),
                (_, Some(_)) => return Err("failureReason is for the status Failed".into()),
                (StatusName::Pending, None) => ScalingStatus::Pending,
                (StatusName::InProgress, None) => ScalingStatus::InProgress,
                (StatusName::Successful, None) => ScalingStatus::Successful,
            },
        })
    }
}
