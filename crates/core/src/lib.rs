//! The domain of Fleet API: values that cannot be invalid, the scaling state machine and the ports to the stores.
//!
//! This crate knows nothing of AWS, HTTP, files or the network. A value that exists is valid
//! ([`inventory::InstanceId`], [`scaling::Capacity`]), a change of a dimension is a pure function of (state, request)
//! ([`scaling::demo`], [`scaling::production`]), and each operation on a store is a narrow trait
//! ([`inventory::AddInstance`], [`scaling::UpdateDimension`]) that pairs with an IAM policy.

pub mod calls;
pub mod deadline;
pub mod inventory;
pub mod readiness;
pub mod scaling;
#[cfg(feature = "schema")]
mod schema;
pub mod settings;
pub mod store;
pub mod text;
