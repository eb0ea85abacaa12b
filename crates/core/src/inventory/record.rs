//! An instance as it is added, stored and listed.

use serde::Serialize;

use super::{CreationDate, Packages};
use crate::text::{check_trimmed, text_type};

text_type!(
    /// An instance's id, chosen by the client: 1–255 printable characters, no white space around them; case counts.
    InstanceId, 255, check_trimmed
);
text_type!(
    /// The region of an instance, as the client gives it: 1–30 printable characters. Clients send odd values, so
    /// there is no list of valid ones.
    Region, 30, check_trimmed
);
text_type!(
    /// The account of an instance, as the client gives it: 1–13 printable characters.
    AccountId, 13, check_trimmed
);

/// An instance to add. The store sets its creation date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewInstance {
    /// Its id, which must be unique.
    pub id: InstanceId,
    /// Its region.
    pub region: Region,
    /// Its account.
    pub account: AccountId,
    /// Its packages, in the order sent.
    pub packages: Packages,
}

/// An instance with all that is stored of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Instance {
    /// Its id and the facts that a list shows.
    #[serde(flatten)]
    pub summary: InstanceSummary,
    /// Its packages, sorted by name, then version.
    pub packages: Packages,
}

/// An instance without its packages, as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct InstanceSummary {
    /// Its id.
    #[serde(rename = "aws_instance_id")]
    pub id: InstanceId,
    /// Its region.
    #[serde(rename = "aws_region")]
    pub region: Region,
    /// Its account.
    #[serde(rename = "aws_account")]
    pub account: AccountId,
    /// When it was added.
    #[serde(rename = "creation_date_utc")]
    pub created: CreationDate,
}
