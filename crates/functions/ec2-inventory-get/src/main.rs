//! The Lambda function `ec2-inventory-get`.

use std::process::ExitCode;

use ec2_inventory_get::GetInstanceFunction;
use fleet_aws::{DataApiInventory, InventorySettings, function_config, rehearse};
use fleet_http::rehearsal;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    fleet_http::run(async || {
        let settings = InventorySettings::from_env()?;
        let get =
            GetInstanceFunction::new(DataApiInventory::new(&function_config().await?, settings));
        rehearse(rehearsal(&get)).await;
        Ok(get)
    })
    .await
}
