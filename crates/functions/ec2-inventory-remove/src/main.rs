//! The Lambda function `ec2-inventory-remove`.

use std::process::ExitCode;

use ec2_inventory_remove::RemoveInstanceFunction;
use fleet_aws::{DataApiInventory, InventorySettings, function_config, rehearse};
use fleet_http::rehearsal;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    fleet_http::run(async || {
        let settings = InventorySettings::from_env()?;
        let remove =
            RemoveInstanceFunction::new(DataApiInventory::new(&function_config().await?, settings));
        rehearse(rehearsal(&remove)).await;
        Ok(remove)
    })
    .await
}
