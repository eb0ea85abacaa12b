//! One page of matches, combined from several short ones if necessary.

use fleet_core::{
    inventory::{BrowseInstances, InstanceId, InstanceSearch, MatchPage, PageLimit},
    store::StoreError,
};

/// The most store pages read for it: some 100 ms of work, so that each request gets a prompt response. The browser
/// continues where they end.
const MOST: usize = 5;

/// Reads on from `after` until the page is full, the search has ended, or [`MOST`] pages have been read.
pub(super) async fn gather(
    inventory: &impl BrowseInstances,
    search: &InstanceSearch,
    after: Option<&InstanceId>,
) -> Result<MatchPage, StoreError> {
    let limit = PageLimit::default();
    let mut page = inventory.find(search, after, limit).await?;
    for _ in 1..MOST {
        let Some(after) = page.next.clone() else {
            break;
        };
        if page.records.len() >= limit.get() {
            break;
        }
        let more = inventory.find(search, Some(&after), limit).await?;
        page.records.extend(more.records);
        page.next = more.next;
    }
    if page.records.len() > limit.get() {
        page.records.truncate(limit.get());
        page.next = page.records.last().map(|last| last.summary.id.clone());
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use fleet_core::inventory::{
        AccountId, CreationDate, FilterValues, InstanceMatch, InstanceSummary, Region,
    };

    use super::*;

    /// Each of its pages examines only the next id; multiples of `every` match.
    struct Sparse {
        last: usize,
        every: usize,
    }

    fn id(n: usize) -> InstanceId {
        InstanceId::parse(format!("i-{n:04}")).unwrap()
    }

    impl BrowseInstances for Sparse {
        async fn find(
            &self,
            _: &InstanceSearch,
            after: Option<&InstanceId>,
            _: PageLimit,
        ) -> Result<MatchPage, StoreError> {
            let n = after.map_or(0, |id| id.as_str()[2..].parse::<usize>().unwrap() + 1);
            let found = InstanceMatch {
                summary: InstanceSummary {
                    id: id(n),
                    region: Region::parse("r").unwrap(),
                    account: AccountId::parse("1").unwrap(),
                    created: CreationDate::parse("2019-03-06 02:45:32").unwrap(),
                },
                packages: Vec::new(),
                package_count: 0,
            };
            let found = vec![found; if n.is_multiple_of(self.every) { 30 } else { 0 }];
            Ok(MatchPage {
                records: found,
                next: (n < self.last).then(|| id(n)),
            })
        }

        async fn count(&self, _: &InstanceSearch) -> Result<u64, StoreError> {
            unreachable!("nobody counts")
        }

        async fn filter_values(&self) -> Result<FilterValues, StoreError> {
            unreachable!("nobody filters")
        }
    }

    async fn gathered(
        last: usize,
        every: usize,
        after: Option<usize>,
    ) -> (usize, Option<InstanceId>) {
        let search = InstanceSearch::default();
        let after = after.map(id);
        let page = gather(&Sparse { last, every }, &search, after.as_ref()).await;
        let page = page.unwrap();
        (page.records.len(), page.next)
    }

    #[tokio::test]
    async fn short_pages_are_put_together() {
        // Two matches of 30: the page is full, and the next one begins after its last row.
        assert_eq!(gathered(100, 4, None).await, (50, Some(id(4))));
        assert_eq!(gathered(4, 7, None).await, (30, None));
    }

    #[tokio::test]
    async fn a_search_without_a_match_ends_after_so_many_pages() {
        let next = Some(id(MOST));
        assert_eq!(gathered(1_000, 1_000, Some(0)).await, (0, next));
        assert_eq!(gathered(3, 1_000, Some(0)).await, (0, None));
    }
}
