//! The functions that the server hosts, and their settings.

use std::sync::Arc;

use fleet_aws::{
    DataApiInventory, DatabaseSecret, DimensionsSettings, DynamoDimensions, InventorySettings, ScalingSettings, SdkConfig, SettingsError,
};
use fleet_http::{DynFunction, Function as _};
use metadata::{Metadata, Place};

use crate::error::StartError;

/// The settings of all functions.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the inventory is.
    pub inventory: InventorySettings,
    /// Where the dimensions are.
    pub dimensions: DimensionsSettings,
    /// How dimensions behave.
    pub scaling: ScalingSettings,
}

impl Settings {
    /// Reads them by `lookup`, which answers a variable's value.
    pub(crate) fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        Ok(Self {
            inventory: InventorySettings::read(&lookup)?,
            dimensions: DimensionsSettings::read(&lookup)?,
            scaling: ScalingSettings::read(&lookup)?,
        })
    }
}

/// Makes every function of the API, over the stores that `config` and `settings` name.
///
/// # Errors
/// [`StartError::BuiltIn`] for a list that is built in and cannot be read, which tests rule out.
pub fn all(config: &SdkConfig, settings: Settings) -> Result<Vec<Arc<dyn DynFunction>>, StartError> {
    let Settings { inventory, dimensions, scaling } = settings;
    let built_in = |list| move |cause| StartError::BuiltIn { list, cause };
    let secret = DatabaseSecret::new(config, &inventory);
    let inventory = DataApiInventory::new(config, inventory);
    let dimensions = DynamoDimensions::new(config, dimensions);
    let place = Place {
        region: config.region().map(ToString::to_string),
        function: std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|_| Metadata::NAME.to_owned()),
    };
    Ok(vec![
        Arc::new(ec2_inventory_add::Add::new(inventory.clone())),
        Arc::new(ec2_inventory_get::Get::new(inventory.clone())),
        Arc::new(ec2_inventory_list::List::new(inventory.clone())),
        Arc::new(ec2_inventory_remove::Remove::new(inventory.clone())),
        Arc::new(scalable_dimension_get::Get::new(dimensions.clone(), scaling.clone())),
        Arc::new(scalable_dimension_patch::Patch::new(dimensions.clone(), scaling)),
        Arc::new(books::Books::new().map_err(built_in("books"))?),
        Arc::new(authors::Authors::new().map_err(built_in("authors"))?),
        Arc::new(health::Health::new(dimensions, inventory, secret)),
        Arc::new(Metadata::new(place)),
    ])
}
