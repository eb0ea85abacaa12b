//! The functions that the server hosts, and their settings.

use std::sync::Arc;

use clap::ValueEnum;
use fleet_aws::{DimensionsSettings, InventorySettings};
use fleet_core::settings::{InventoryRole, ScalingSettings, SettingsError};
use fleet_core::store::Store;
use fleet_http::{DynFunction, Function as _};
use fleet_local_aws::DataFiles;
use metadata::{Deployment, Metadata};

use crate::{
    clients::Clients, error::StartError, function_name::FunctionName, watched::WatchedStore,
};

/// The settings of the functions. Those that no function needs may be left out.
#[derive(Clone, Debug)]
pub struct FunctionSettings {
    /// The location of the inventory, with the secret that the functions use.
    pub inventory: Option<InventorySettings>,
    /// Another secret for the functions that add and remove, as each function has its own on AWS.
    pub writer_secret: Option<String>,
    /// The role of this region's inventory.
    pub inventory_role: InventoryRole,
    /// The location of the dimensions.
    pub dimensions: Option<DimensionsSettings>,
    /// How dimensions behave.
    pub scaling: Option<ScalingSettings>,
}

impl FunctionSettings {
    /// Reads the settings that the functions `names` need, with `lookup`, which returns a variable's value.
    pub(crate) fn read(
        names: &[FunctionName],
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingsError> {
        let one = |needs: fn(FunctionName) -> bool| names.iter().any(|name| needs(*name));
        Ok(Self {
            inventory: one(FunctionName::asks_the_inventory)
                .then(|| InventorySettings::read(&lookup))
                .transpose()?,
            writer_secret: None,
            inventory_role: one(|name| name == FunctionName::Health)
                .then(|| InventoryRole::read(&lookup))
                .transpose()?
                .unwrap_or_default(),
            dimensions: one(FunctionName::asks_for_dimensions)
                .then(|| DimensionsSettings::read(&lookup))
                .transpose()?,
            scaling: one(FunctionName::scales)
                .then(|| ScalingSettings::read(&lookup))
                .transpose()?,
        })
    }
}

/// Creates every function for which `settings` suffice, over the stores that `clients` reach and `settings` name.
///
/// # Errors
/// [`StartError::BuiltIn`] for a built-in list that cannot be read, which tests rule out.
pub fn all(
    clients: &Clients,
    settings: FunctionSettings,
) -> Result<Vec<Arc<dyn DynFunction>>, StartError> {
    selected(
        FunctionName::value_variants(),
        clients,
        settings,
        None,
        None,
    )
}

/// Like [`all`], but only the functions in `names`, with `openapi` as the API's description if given, over stores whose
/// data is in `files` if they are on this machine.
pub(crate) fn selected(
    names: &[FunctionName],
    clients: &Clients,
    settings: FunctionSettings,
    openapi: Option<String>,
    files: Option<DataFiles>,
) -> Result<Vec<Arc<dyn DynFunction>>, StartError> {
    let FunctionSettings {
        inventory,
        writer_secret,
        inventory_role,
        dimensions,
        scaling,
    } = settings;
    let secret = inventory
        .as_ref()
        .map(|inventory| clients.secret(inventory));
    let writer = inventory.clone().map(|inventory| {
        let secret = writer_secret.unwrap_or_else(|| inventory.secret.clone());
        clients.inventory(InventorySettings {
            secret,
            ..inventory
        })
    });
    let inventory = inventory.map(|inventory| clients.inventory(inventory));
    let dimensions = dimensions.map(|dimensions| clients.dimensions(dimensions));
    let (inventory_file, dimensions_file) = files
        .map(|files| (files.inventory, files.dimensions))
        .unzip();
    let built_in = |list| move |cause| StartError::BuiltIn { list, cause };
    let make = |name: &FunctionName| -> Option<Result<Arc<dyn DynFunction>, StartError>> {
        Some(Ok(match name {
            FunctionName::Ec2InventoryAdd => {
                Arc::new(ec2_inventory_add::AddInstanceFunction::new(writer.clone()?))
            }
            FunctionName::Ec2InventoryGet => Arc::new(ec2_inventory_get::GetInstanceFunction::new(
                inventory.clone()?,
            )),
            FunctionName::Ec2InventoryList => Arc::new(
                ec2_inventory_list::ListInstancesFunction::new(inventory.clone()?),
            ),
            FunctionName::Ec2InventoryRemove => Arc::new(
                ec2_inventory_remove::RemoveInstanceFunction::new(writer.clone()?),
            ),
            FunctionName::ScalableDimensionGet => {
                Arc::new(scalable_dimension_get::GetDimensionFunction::new(
                    dimensions.clone()?,
                    scaling.clone()?,
                ))
            }
            FunctionName::ScalableDimensionList => {
                Arc::new(scalable_dimension_list::ListDimensionsFunction::new(
                    dimensions.clone()?,
                    scaling.clone()?.names,
                ))
            }
            FunctionName::ScalableDimensionPatch => {
                Arc::new(scalable_dimension_patch::PatchDimensionFunction::new(
                    dimensions.clone()?,
                    scaling.clone()?,
                ))
            }
            FunctionName::Books => match books::Books::new().map_err(built_in("books")) {
                Ok(books) => Arc::new(books),
                Err(error) => return Some(Err(error)),
            },
            FunctionName::Authors => match authors::Authors::new().map_err(built_in("authors")) {
                Ok(authors) => Arc::new(authors),
                Err(error) => return Some(Err(error)),
            },
            FunctionName::Health => Arc::new(health::Health::new(
                WatchedStore {
                    probe: dimensions.clone()?,
                    store: Store::Dimensions,
                    file: dimensions_file.clone(),
                },
                WatchedStore {
                    probe: inventory.clone()?,
                    store: Store::Inventory,
                    file: inventory_file.clone(),
                },
                secret.clone()?,
                inventory_role,
            )),
            FunctionName::Metadata => {
                let metadata = Metadata::new(Deployment {
                    region: clients.config().region().map(ToString::to_string),
                    function: std::env::var("AWS_LAMBDA_FUNCTION_NAME")
                        .unwrap_or_else(|_| Metadata::NAME.to_owned()),
                });
                Arc::new(match &openapi {
                    Some(openapi) => metadata.with_openapi(openapi.clone()),
                    None => metadata,
                })
            }
        }))
    };
    names.iter().filter_map(make).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The functions created for these names with only the settings that they need.
    fn made(names: &[FunctionName]) -> Vec<String> {
        let lookup = |name: &str| match name {
            "DB_CLUSTER_ARN" => Some("arn:aws:rds:us-east-1:123456789012:cluster:fleet".to_owned()),
            "DB_SECRET" | "DB_NAME" | "DIMENSIONS_TABLE" => Some("fleet".to_owned()),
            _ => None,
        };
        let settings = FunctionSettings::read(names, lookup).unwrap();
        let config = fleet_aws::SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .build();
        selected(names, &Clients::new(config), settings, None, None)
            .unwrap()
            .iter()
            .map(|function| function.name().to_owned())
            .collect()
    }

    #[test]
    fn every_function_is_made_alone_and_has_the_name_that_it_is_asked_for_by() {
        for name in FunctionName::value_variants() {
            assert_eq!(made(&[*name]), [name.to_string()]);
            assert_eq!(FunctionName::of_program(&name.to_string()), Some(*name));
        }
        assert_eq!(
            made(FunctionName::value_variants()).len(),
            FunctionName::value_variants().len()
        );
    }

    #[test]
    fn functions_without_a_store_read_no_settings() {
        let names: Vec<_> = FunctionName::value_variants()
            .iter()
            .copied()
            .filter(|name| !name.needs_a_store())
            .collect();
        assert!(
            names.contains(&FunctionName::Books) && !names.contains(&FunctionName::Health),
            "{names:?}"
        );
        let settings = FunctionSettings::read(&names, |name| panic!("{name} is read")).unwrap();
        assert!(
            settings.inventory.is_none()
                && settings.dimensions.is_none()
                && settings.scaling.is_none()
        );
    }
}
