//! The ports of fleet-core on AWS: RDS Data API, DynamoDB and Secrets Manager.
//!
//! A function reads its settings ([`InventorySettings`], [`DimensionsSettings`], [`ScalingSettings`]), makes one
//! [`sdk_config`], and gives both to the adapters it needs: [`DataApiInventory`], [`DynamoDimensions`],
//! [`DatabaseSecret`]. Each is cheap to clone and holds its client's connections.
//!
//! Every operation ends within [`budget::WHOLE`], so that nothing is written after API Gateway has given the request up,
//! and every call that is sent, attempts included, is counted by [`fleet_core::calls`].

pub mod budget;
mod calls;
mod config;
mod dimensions;
mod failure;
mod inventory;
mod secret;
pub mod settings;

pub use aws_types::SdkConfig;
pub use config::sdk_config;
pub use dimensions::DynamoDimensions;
pub use inventory::DataApiInventory;
pub use secret::DatabaseSecret;
pub use settings::{DimensionsSettings, InventorySettings, ScalingMode, ScalingSettings, SettingsError};
