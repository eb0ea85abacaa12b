//! The source of an export: the stores, or the API itself.

use fleet_aws::{DataApiInventory, DynamoDimensions};
use fleet_core::{
    inventory::{GetInstance as _, InstanceFilter, InstanceId, ListInstances as _, PageLimit},
    scaling::{DimensionId, ListDimensions as _},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{
    api::ApiClient,
    error::TransferError,
    line::{DimensionLine, InstanceLine},
    page::{ListPage, PAGE},
    retry::{AT_ONCE, with_retries},
};

/// The source of an export. Only one page is in memory at a time.
pub(super) enum ExportSource {
    /// The stores, through the ports that the functions use. A token is the last id of its page.
    Stores {
        inventory: DataApiInventory,
        dimensions: DynamoDimensions,
    },
    /// The API's own routes and tokens.
    Api(ApiClient),
}

impl ExportSource {
    pub(super) async fn instances(
        &self,
        token: Option<&str>,
    ) -> Result<ListPage<InstanceLine>, TransferError> {
        let (inventory, limit) = match self {
            Self::Api(api) => return api.instances(token).await,
            Self::Stores { inventory, .. } => {
                (inventory, PageLimit::parse(PAGE).unwrap_or_default())
            }
        };
        let after = token
            .map(InstanceId::parse)
            .transpose()
            .map_err(|error| TransferError::Token(error.to_string()))?;
        let page = with_retries(async || {
            inventory
                .list(&InstanceFilter::default(), after.as_ref(), limit)
                .await
        })
        .await?;
        let read: Vec<_> =
            stream::iter(page.records)
                .map(|summary| async move {
                    with_retries(async || inventory.get(&summary.id).await).await
                })
                .buffered(AT_ONCE)
                .try_collect()
                .await?;
        Ok(ListPage {
            // An instance that was removed meanwhile is left out.
            lines: read.into_iter().flatten().map(InstanceLine::from).collect(),
            next: page.next.map(|id| id.as_str().to_owned()),
        })
    }

    pub(super) async fn dimensions(
        &self,
        token: Option<&str>,
    ) -> Result<ListPage<DimensionLine>, TransferError> {
        let (dimensions, limit) = match self {
            Self::Api(api) => return api.dimensions(token).await,
            Self::Stores { dimensions, .. } => {
                (dimensions, PageLimit::parse(PAGE).unwrap_or_default())
            }
        };
        let after = token
            .map(DimensionId::parse)
            .transpose()
            .map_err(|error| TransferError::Token(error.to_string()))?;
        let page =
            with_retries(async || dimensions.list(None, after.as_ref(), limit).await).await?;
        Ok(ListPage {
            lines: page
                .dimensions
                .iter()
                .map(|(id, stored)| DimensionLine::of(id, &stored.state))
                .collect(),
            next: page.next.map(|id| id.as_str().to_owned()),
        })
    }
}
