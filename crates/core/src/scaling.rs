//! A scalable target dimension: what AWS Application Auto Scaling scales when it calls a custom resource.
//!
//! Field names and statuses are those of AWS's custom-resource specification.

mod capacity;
mod change;
pub mod demo;
mod dimension;
mod names;
mod ports;
pub mod production;
mod status;
mod stored;

pub use capacity::{Capacity, CapacityError};
pub use change::{DimensionChange, FieldChange};
pub use dimension::{Dimension, DimensionId, DimensionIdError};
pub use names::DimensionNames;
pub use ports::{ListDimensions, ReadDimension, RemoveDimension, UpdateDimension, UpdateError};
pub use status::{FailureReason, ScalingStatus, StatusName, StatusNameError};
pub use stored::{DimensionPage, StateTag, StoredDimension, UpdateTime, UpdateTimeError};
