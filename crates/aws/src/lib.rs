//! The ports of fleet-core on AWS: RDS Data API, DynamoDB and Secrets Manager.
//!
//! A function reads where its stores are ([`InventorySettings`], [`DimensionsSettings`]), builds one
//! [`function_config`], and passes both to the adapters it needs: [`DataApiInventory`], [`DynamoDimensions`],
//! [`SecretProbe`]. Each is cheap to clone and holds its client's connections.
//!
//! Every operation ends within [`budget::WHOLE`], before API Gateway gives up the request, and every call that is sent,
//! attempts included, is counted by [`fleet_core::calls`].
//!
//! A failed write never takes effect later: the inventory's statements need a commit, which is sent only after all of
//! them have had a response within [`budget::WORK`]. The exception is a write whose last call, the commit or DynamoDB's
//! put, was sent and got no response. After a commit, the transaction is rolled back and the instance read again. If
//! these get no response either, if others may have removed or added the instance since, and after every such put, the
//! operation fails although the store may have done it, or may still do it: in full or not at all.

pub mod budget;
mod calls;
mod config;
mod connector;
mod deferred;
mod dimensions;
mod failure;
mod inventory;
mod rehearsal;
pub mod schema;
mod secret;
mod settings;
mod trust;

pub use aws_types::SdkConfig;
pub use config::{function_config, sdk_config};
pub use deferred::{DeferredConfig, DeferredProbe};
pub use dimensions::DynamoDimensions;
pub use inventory::DataApiInventory;
pub use rehearsal::rehearse;
pub use secret::SecretProbe;
pub use settings::{DimensionsSettings, InventorySettings};
