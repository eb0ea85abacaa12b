//! The Lambda function `ec2-inventory-add`.

use std::process::ExitCode;

use ec2_inventory_add::AddInstanceFunction;
use fleet_aws::{DataApiInventory, InventorySettings, function_config, rehearse};
use fleet_http::rehearsal;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    fleet_http::run(async || {
        let settings = InventorySettings::from_env()?;
        let add =
            AddInstanceFunction::new(DataApiInventory::new(&function_config().await?, settings));
        rehearse(rehearsal(&add)).await;
        Ok(add)
    })
    .await
}
