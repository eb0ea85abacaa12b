//! Lists instances, a page at a time.

use fleet_core::{
    inventory::{InstanceFilter, InstanceId, InstancePage, PageLimit},
    store::StoreError,
};

use super::{
    data_api::DataApiClient,
    pace::RetryPace,
    rows,
    window::{EXAMINED, PageQuery},
};
use crate::budget::TimeBudget;

/// One page. It begins after an id, not at a row number, and examines a bounded number of index entries, so it costs
/// the same at any depth and with any filter.
pub(super) async fn list(
    api: &DataApiClient,
    filter: &InstanceFilter,
    after: Option<&InstanceId>,
    limit: PageLimit,
) -> Result<InstancePage, StoreError> {
    let budget = TimeBudget::start();
    let mut pace = RetryPace::new(budget);
    let query = PageQuery {
        filter,
        words: &[],
        after,
        limit,
        examined: EXAMINED,
    };
    loop {
        let (sql, parameters) = query.statement();
        let page = match api.execute(sql, parameters, None, budget.work()).await {
            Ok(answer) => rows::page(answer.records, limit),
            Err(failure) => Err(failure),
        };
        match page {
            Ok(page) => return Ok(page),
            Err(failure) => pace.wait(failure).await?,
        }
    }
}
