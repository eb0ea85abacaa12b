//! The Lambda function `ec2-inventory-list`.

use std::process::ExitCode;

use ec2_inventory_list::ListInstancesFunction;
use fleet_aws::{DataApiInventory, InventorySettings, function_config, rehearse};
use fleet_http::rehearsal;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    fleet_http::run(async || {
        let settings = InventorySettings::from_env()?;
        let list =
            ListInstancesFunction::new(DataApiInventory::new(&function_config().await?, settings));
        rehearse(rehearsal(&list)).await;
        Ok(list)
    })
    .await
}
