//! The content of the page at `/`, in one response: dimensions, their new changes, and a page of instances.

use std::{collections::HashMap, sync::Arc, time::Duration};

use fleet_core::{
    inventory::{
        AccountId, BrowseInstances as _, FilterValues, InstanceFilter, InstanceId, InstanceMatch,
        InstanceSearch, MatchPage, PackageFilter, PackageName, PackageVersion, Region,
    },
    scaling::DimensionId,
    store::StoreError,
};
use fleet_http::NextToken;
use http::StatusCode;
use serde_json::{Map, Value, json};
use thiserror::Error;
use tracing::warn;

use super::{
    costly::AnswerCache,
    gather::gather,
    history::{self, History},
    store::{ReadError, StoreReader},
};

/// The dimensions of the example data; the page adds them with the API, which has no route to remove a dimension.
const EXAMPLES: [&str; 4] = [
    "example-batch",
    "example-checkout",
    "example-search",
    "example-web",
];

/// How long a page waits for its count; if that takes longer, a later refresh shows it.
const COUNTED_WITHIN: Duration = Duration::from_millis(50);

/// Why a request of the page fails. The message is for a person.
#[derive(Debug, Error)]
pub(super) enum PageError {
    /// An invalid filter or token.
    #[error("{0}")]
    Query(String),
    /// A store does not respond.
    #[error("{0} cannot be read at the moment. The server's log says why.")]
    Store(&'static str),
}

impl PageError {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Query(_) => StatusCode::BAD_REQUEST,
            Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The error code, as in the API's errors.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Query(_) => "InvalidField",
            Self::Store(_) => "Unavailable",
        }
    }
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        warn!(cause, "the page cannot read the inventory: {error}");
        Self::Store("The inventory")
    }
}

impl From<ReadError> for PageError {
    fn from(error: ReadError) -> Self {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        warn!(cause, "the page cannot reach the dimensions: {error}");
        Self::Store("The table of dimensions")
    }
}

/// Reads the content of the page.
pub(super) struct Refresh {
    reader: StoreReader,
    history: History,
    pages: AnswerCache<(InstanceSearch, Option<InstanceId>), MatchPage>,
    /// `None` if the store could not count.
    counts: Arc<AnswerCache<InstanceSearch, Option<u64>>>,
    values: AnswerCache<(), FilterValues>,
}

impl Refresh {
    pub(super) fn new(reader: StoreReader, history: History) -> Self {
        Self {
            reader,
            history,
            pages: AnswerCache::new(),
            counts: Arc::new(AnswerCache::new()),
            values: AnswerCache::new(),
        }
    }

    pub(super) fn history(&self) -> &History {
        &self.history
    }

    /// Dimensions and instances; a store that fails has an `error` instead of its part.
    pub(super) async fn state(&self, query: &str) -> Result<Value, PageError> {
        let query = RefreshQuery::read(query)?;
        let dimensions = async {
            match query.instances_alone {
                true => None,
                false => Some(part(self.dimensions(&query.since).await)),
            }
        };
        let (dimensions, instances) = tokio::join!(dimensions, self.instances(&query));
        let mut state = Map::new();
        if let Some(dimensions) = dimensions {
            state.insert("dimensions".to_owned(), dimensions);
        }
        state.insert("instances".to_owned(), part(instances));
        Ok(Value::Object(state))
    }

    /// The values that instances can be filtered by.
    pub(super) async fn filters(&self) -> Result<Value, PageError> {
        let found = self.reader.inventory.filter_values();
        let values = self.values.get((), found).await?;
        let one = |values: &[(String, u64)]| -> Vec<Value> {
            let value = |(value, count): &(String, u64)| json!({ "value": value, "count": count });
            values.iter().map(value).collect()
        };
        let packages: Vec<Value> = values
            .packages
            .iter()
            .map(|((name, version), count)| {
                json!({ "name": name, "version": version, "count": count })
            })
            .collect();
        Ok(json!({
            "regions": one(&values.regions),
            "accounts": one(&values.accounts),
            "packages": packages,
        }))
    }

    /// Removes the dimensions of the example data.
    pub(super) async fn remove_examples(&self) -> Result<Value, PageError> {
        let ids: Vec<_> = EXAMPLES.into_iter().flat_map(DimensionId::parse).collect();
        self.reader.remove_dimensions(&ids).await?;
        self.history.forget(&EXAMPLES);
        Ok(json!({ "removed": EXAMPLES }))
    }

    async fn dimensions(&self, since: &str) -> Result<Value, PageError> {
        let begun = history::now();
        let dimensions = self.reader.dimensions().await?;
        for (id, snapshot) in &dimensions.found {
            self.history.note_read(id, snapshot, begun);
        }
        let (changes, position) = self.history.since(since);
        let states: Vec<Value> = dimensions
            .found
            .into_iter()
            .map(|(id, state)| json!({ "id": id, "state": state }))
            .collect();
        Ok(json!({
            "found": states,
            "more": dimensions.more,
            "changes": changes,
            "position": position,
        }))
    }

    async fn instances(&self, query: &RefreshQuery) -> Result<Value, PageError> {
        let RefreshQuery { search, after, .. } = query;
        let inventory = &self.reader.inventory;
        let key = (search.clone(), after.clone());
        let found = gather(inventory, search, after.as_ref());
        let MatchPage { records, next } = self.pages.get(key, found).await?;
        let total = match (&next, after) {
            (None, None) => u64::try_from(records.len()).ok(),
            _ => self.count(search).await,
        };
        Ok(json!({
            "found": records.into_iter().map(instance).collect::<Vec<_>>(),
            "next_token": next.as_ref().map(NextToken::after),
            "total": total,
        }))
    }
}

impl Refresh {
    /// How many instances match, if already known.
    async fn count(&self, search: &InstanceSearch) -> Option<u64> {
        let (inventory, sought) = (self.reader.inventory.clone(), search.clone());
        let count = async move { inventory.count(&sought).await.ok() };
        self.counts
            .get_or_compute(COUNTED_WITHIN, search.clone(), count)
            .await
            .flatten()
    }
}

/// The query of the page's request.
struct RefreshQuery {
    search: InstanceSearch,
    after: Option<InstanceId>,
    since: String,
    instances_alone: bool,
}

impl RefreshQuery {
    fn read(query: &str) -> Result<Self, PageError> {
        let mut values: HashMap<String, String> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let name = read(&mut values, "package_name", PackageName::parse)?;
        let version = read(&mut values, "package_version", PackageVersion::parse)?;
        let filter = InstanceFilter {
            region: read(&mut values, "aws_region", Region::parse)?,
            account: read(&mut values, "aws_account", AccountId::parse)?,
            package: name.map(|name| PackageFilter { name, version }),
        };
        Ok(Self {
            search: InstanceSearch::new(filter, &values.remove("q").unwrap_or_default()),
            after: read(&mut values, "next_token", |text| NextToken::decode(&text))?,
            since: values.remove("since").unwrap_or_default(),
            instances_alone: wants_instances_alone(query),
        })
    }
}

/// Whether to leave out the dimensions, for a browser that may not see them.
pub(super) fn wants_instances_alone(query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes())
        .any(|(name, value)| name == "only" && value == "instances")
}

fn read<T, E: std::fmt::Display>(
    values: &mut HashMap<String, String>,
    name: &'static str,
    parse: impl FnOnce(String) -> Result<T, E>,
) -> Result<Option<T>, PageError> {
    let Some(value) = values.remove(name) else {
        return Ok(None);
    };
    let refused = |rule| PageError::Query(format!("{name} {rule}."));
    parse(value).map(Some).map_err(refused)
}

fn part(found: Result<Value, PageError>) -> Value {
    found.unwrap_or_else(|refused| json!({ "error": refused.to_string() }))
}

fn instance(found: InstanceMatch) -> Value {
    let created = found.summary.created.to_string();
    let packages: Vec<Value> = found
        .packages
        .iter()
        .map(|package| json!([package.name, package.version]))
        .collect();
    json!({
        "id": found.summary.id,
        "region": found.summary.region,
        "account": found.summary.account,
        "added": created.split_once('.').map_or(created.as_str(), |(seconds, _)| seconds),
        "packages": packages,
        "package_count": found.package_count,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_dimensions_are_those_that_the_page_adds() {
        let script = include_str!("examples.js");
        for id in EXAMPLES {
            assert!(script.contains(&format!("\"{id}\"")), "{id}");
        }
        assert_eq!(script.matches("\"example-").count(), EXAMPLES.len());
    }

    #[test]
    fn a_filter_that_cannot_be_is_named() {
        let refused = |query: &str| RefreshQuery::read(query).err().unwrap().to_string();
        assert_eq!(
            refused("next_token=x"),
            "next_token must be the next_token of an earlier response, unchanged."
        );
        assert!(refused(&format!("aws_region={}", "r".repeat(31))).starts_with("aws_region "));
        let query =
            RefreshQuery::read("q=a+b&aws_region=&package_version=1&only=instances&since=x-1")
                .unwrap();
        assert_eq!(query.search.words, ["a", "b"]);
        assert_eq!(query.search.filter, InstanceFilter::default());
        assert!(query.instances_alone);
    }
}
