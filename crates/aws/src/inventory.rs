//! The EC2 inventory in Aurora MySQL, over the RDS Data API.
//!
//! The SDK retries nothing here. No call of the Data API has an idempotency token, so an INSERT that is resent after
//! its response was lost would report our own success as a duplicate; and a lost call ends its transaction. So the
//! whole operation is retried instead, by [`pace`], depending on how [`errors`] classifies a failure. Every write is
//! a separate transaction, by [`write`](mod@write): one that was given up never takes effect later.

mod add;
mod browse;
mod data_api;
mod errors;
mod get;
mod list;
mod pace;
mod remove;
mod rows;
mod window;
mod write;

use fleet_core::{
    inventory::{
        AddError, AddInstance, BrowseInstances, FilterValues, GetInstance, Instance,
        InstanceFilter, InstanceId, InstancePage, InstanceSearch, InstanceSummary, ListInstances,
        MatchPage, NewInstance,
    },
    inventory::{PageLimit, RemoveInstance},
    readiness::Probe,
    store::StoreError,
};
use tokio::time::Instant;

use self::{data_api::DataApiClient, errors::FailedCall};
use crate::{budget, settings::InventorySettings};

/// The statement of a probe.
const PROBE: &str = "SELECT MAX(v.version), MAX(v.oldest_functions), \
                     COUNT(ec2.aws_instance_id), COUNT(ec2.aws_region), COUNT(ec2.aws_account), COUNT(ec2.creation_date_utc), \
                     COUNT(ec2.add_token), COUNT(p.package_name), COUNT(p.package_version) \
                     FROM schema_version v LEFT JOIN ec2 ON 1 = 0 LEFT JOIN ec2_package p ON 1 = 0 \
                     WHERE v.applied_utc IS NOT NULL";

/// The inventory. Clones share one client.
#[derive(Clone, Debug)]
pub struct DataApiInventory {
    api: DataApiClient,
}

impl DataApiInventory {
    /// The inventory that `settings` name. `config` is an [`SdkConfig`](aws_types::SdkConfig), or one for the Data
    /// API's client alone. An HTTP client in `config` is used for every call.
    #[must_use]
    pub fn new(
        config: impl Into<aws_sdk_rdsdata::config::Builder>,
        settings: InventorySettings,
    ) -> Self {
        Self {
            api: DataApiClient::new(config.into(), settings),
        }
    }

    /// Adds an instance with its creation date. Only an import does this, no function.
    ///
    /// # Errors
    /// Like [`AddInstance::add`].
    pub async fn restore(&self, instance: &Instance) -> Result<(), AddError> {
        let InstanceSummary {
            id,
            region,
            account,
            created,
        } = instance.summary.clone();
        let new = NewInstance {
            id,
            region,
            account,
            packages: instance.packages.clone(),
        };
        add::add(&self.api, &new, Some(created)).await
    }
}

impl AddInstance for DataApiInventory {
    async fn add(&self, new: &NewInstance) -> Result<(), AddError> {
        add::add(&self.api, new, None).await
    }
}

impl GetInstance for DataApiInventory {
    async fn get(&self, id: &InstanceId) -> Result<Option<Instance>, StoreError> {
        get::get(&self.api, id).await
    }
}

impl ListInstances for DataApiInventory {
    async fn list(
        &self,
        filter: &InstanceFilter,
        after: Option<&InstanceId>,
        limit: PageLimit,
    ) -> Result<InstancePage, StoreError> {
        list::list(&self.api, filter, after, limit).await
    }
}

impl BrowseInstances for DataApiInventory {
    async fn find(
        &self,
        search: &InstanceSearch,
        after: Option<&InstanceId>,
        limit: PageLimit,
    ) -> Result<MatchPage, StoreError> {
        browse::find(&self.api, search, after, limit).await
    }

    async fn count(&self, search: &InstanceSearch) -> Result<u64, StoreError> {
        browse::count(&self.api, search).await
    }

    async fn filter_values(&self) -> Result<FilterValues, StoreError> {
        browse::filter_values(&self.api).await
    }
}

impl RemoveInstance for DataApiInventory {
    async fn remove(&self, id: &InstanceId) -> Result<bool, StoreError> {
        remove::remove(&self.api, id).await
    }
}

impl Probe for DataApiInventory {
    /// Reads the schema's version, and names every column that the inventory uses without reading a row: if tables
    /// are missing or have another layout, the inventory is not ready. It makes one call, since a resuming cluster is
    /// not ready and the call resumes it. A second one follows only if the connection broke before its response, as
    /// idle connections do if the process was frozen meanwhile.
    async fn probe(&self) -> Result<(), StoreError> {
        let deadline = Instant::now() + budget::PROBE;
        let ask = || self.api.execute(PROBE, Vec::new(), None, deadline);
        let answer = match ask().await {
            Err(failure) if failure.is_broken_connection() => ask().await,
            answer => answer,
        };
        answer
            .and_then(|answer| rows::schema(answer.records))
            .map_err(FailedCall::into_store_error)
    }
}
