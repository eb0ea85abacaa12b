//! Browsing the inventory needs more than the API's list: the packages of each instance, search words, counts, and the
//! existing values to filter by.

use std::future::Future;

use super::{InstanceFilter, InstanceId, InstanceSummary, Package, PageLimit};
use crate::store::StoreError;

/// The most words in a search; further ones are ignored.
const MAX_SEARCH_WORDS: usize = 8;
/// The most packages shown for a matching instance.
pub const PACKAGES_SHOWN: usize = 20;
/// The most values of each kind in [`FilterValues`].
pub const MAX_FILTER_VALUES: usize = 200;

/// A search: every filter must hold, and every word must occur in the instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct InstanceSearch {
    /// The exact filters.
    pub filter: InstanceFilter,
    /// Each is searched for in the id, region, account, and package names and versions, ignoring case.
    pub words: Vec<String>,
}

impl InstanceSearch {
    /// A search with `filter` for the words in `text`, which are separated by white space.
    #[must_use]
    pub fn new(filter: InstanceFilter, text: &str) -> Self {
        let words = text.split_whitespace().take(MAX_SEARCH_WORDS);
        Self {
            filter,
            words: words.map(str::to_owned).collect(),
        }
    }
}

/// An instance with the first of its packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceMatch {
    /// The instance.
    pub summary: InstanceSummary,
    /// Its first packages by name and version, up to [`PACKAGES_SHOWN`].
    pub packages: Vec<Package>,
    /// How many packages it has.
    pub package_count: u64,
}

/// One page of matches, ordered by id. On the first page, matches whose whole id is a search word come first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchPage {
    /// The instances.
    pub records: Vec<InstanceMatch>,
    /// The id after which the next page begins; `None` on the last page.
    pub next: Option<InstanceId>,
}

/// The values to filter by, each with its number of instances, most frequent first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilterValues {
    /// Regions.
    pub regions: Vec<(String, u64)>,
    /// Accounts.
    pub accounts: Vec<(String, u64)>,
    /// Names and versions of packages.
    pub packages: Vec<((String, String), u64)>,
}

/// Browses the inventory.
pub trait BrowseInstances: Send + Sync {
    /// Up to `limit` matching instances with ids after `after`.
    ///
    /// # Errors
    /// The store's failure.
    fn find(
        &self,
        search: &InstanceSearch,
        after: Option<&InstanceId>,
        limit: PageLimit,
    ) -> impl Future<Output = Result<MatchPage, StoreError>> + Send;

    /// How many instances match. Takes time in proportion to their number.
    ///
    /// # Errors
    /// The store's failure.
    fn count(
        &self,
        search: &InstanceSearch,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// The values to filter by. Takes time in proportion to the size of the inventory.
    ///
    /// # Errors
    /// The store's failure.
    fn filter_values(&self) -> impl Future<Output = Result<FilterValues, StoreError>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_parted_by_white_space_and_bounded() {
        let search = InstanceSearch::new(InstanceFilter::default(), "  Web \t nginx\n1.25 ");
        assert_eq!(search.words, ["Web", "nginx", "1.25"]);
        let many = InstanceSearch::new(InstanceFilter::default(), &"w ".repeat(100));
        assert_eq!(many.words.len(), MAX_SEARCH_WORDS);
    }
}
