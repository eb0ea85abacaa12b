//! The statement for one page of a list: it examines a bounded number of index entries, whatever the filter.
//!
//! An [`IndexPath`] is an index that holds every match of a filter, ordered by id. A filter with one path and nothing
//! else to check is read along it until the page is full. Otherwise each path contributes a window of its next
//! entries, whose rows are checked against the rest of the filter. The window that reaches furthest decides where the
//! next page begins, so the rarest of several conditions sets the pace; a page may be short, or empty, and still have
//! a token.
//!
//! Index hints keep MySQL from preferring an equality on fewer columns to a range on more, which would read the entries
//! of a deep page from the very first one. Every bound is a `LIMIT` within a derived table, which no optimizer moves.

use aws_sdk_rdsdata::types::SqlParameter;
use fleet_core::inventory::{InstanceFilter, InstanceId, PackageFilter, PageLimit};

use super::data_api::text;

/// How many index entries a page of the API's list examines, over all paths: about as much work as the longest page.
pub(super) const EXAMINED: usize = 200;

/// The columns of an instance `e`.
const COLUMNS: &str = "e.aws_instance_id, e.aws_region, e.aws_account, e.creation_date_utc";
/// The instances `e` with the ids `n`. SQLite starts a CROSS JOIN from its left side; a plain join might start from
/// every instance of the region.
const OF_IDS: &str =
    "n CROSS JOIN ec2 e FORCE INDEX (PRIMARY) ON e.aws_instance_id = n.aws_instance_id";

const BY_PACKAGE: &str = "ec2_package FORCE INDEX (ec2_package_by_package)";

/// The query for a page.
#[derive(Clone, Copy)]
pub(super) struct PageQuery<'a> {
    pub(super) filter: &'a InstanceFilter,
    /// Each must occur in an instance, ignoring case.
    pub(super) words: &'a [String],
    pub(super) after: Option<&'a InstanceId>,
    pub(super) limit: PageLimit,
    /// How many index entries it may examine.
    pub(super) examined: usize,
}

/// An index in the order of instance ids.
#[derive(Clone, Copy, PartialEq, Eq)]
enum IndexPath {
    /// The instances with one version of a package.
    PackageVersion,
    /// The instances with any version of a package. This index is ordered by version first, so it is usable only if all
    /// of its entries fit into one window.
    Package,
    RegionAndAccount,
    Account,
    Region,
    /// All instances.
    Id,
}

impl PageQuery<'_> {
    /// The statement, built from fixed fragments and numbers; client input goes into parameters only.
    ///
    /// Rows of kind 0 are instances, one more than the page if there is another. Rows of kind 1 hold, for each
    /// window, the id of its last entry, or NULL if it reached the end of its index.
    pub(super) fn statement(&self) -> (String, Vec<SqlParameter>) {
        let paths = self.paths();
        let sql = match paths.as_slice() {
            [path] if self.words.is_empty() => self.direct(*path),
            paths => self.windows(paths),
        };
        (sql, self.parameters())
    }

    fn paths(&self) -> Vec<IndexPath> {
        let filter = self.filter;
        let mut paths = Vec::new();
        if let Some(package) = &filter.package {
            paths.push(match package.version {
                Some(_) => IndexPath::PackageVersion,
                None => IndexPath::Package,
            });
        }
        match (&filter.region, &filter.account) {
            (Some(_), Some(_)) => paths.push(IndexPath::RegionAndAccount),
            (Some(_), None) => paths.push(IndexPath::Region),
            (None, Some(_)) => paths.push(IndexPath::Account),
            (None, None) => {}
        }
        if matches!(paths.as_slice(), [] | [IndexPath::Package]) {
            paths.push(IndexPath::Id);
        }
        paths
    }

    fn parameters(&self) -> Vec<SqlParameter> {
        // No id is empty, so this is before the first one.
        let after = self.after.map_or("", InstanceId::as_str);
        let mut parameters = vec![text("after", after)];
        parameters.extend(filter_parameters(self.filter));
        parameters.extend(word_parameters(self.words));
        parameters.extend(id_parameters(self.words));
        parameters
    }

    /// The matches if every entry of the path is one.
    fn direct(&self, path: IndexPath) -> String {
        let rows = self.limit.get() + 1;
        if path.is_of_packages() {
            let ids = path.ids(rows);
            return format!("SELECT {COLUMNS}, 0 AS kind FROM ({ids}) {OF_IDS}");
        }
        let (table, condition) = path.index();
        let table = table.replacen("ec2", "ec2 e", 1);
        format!(
            "SELECT {COLUMNS}, 0 AS kind FROM {table} WHERE {condition} ORDER BY aws_instance_id LIMIT {rows}"
        )
    }

    fn windows(&self, paths: &[IndexPath]) -> String {
        let entries = self.examined / paths.len();
        let rows = self.limit.get() + 1;
        let mut parts = Vec::with_capacity(2 * paths.len());
        for (number, path) in paths.iter().enumerate() {
            // An earlier window handles what it covers. This check comes first, since the others are lookups.
            let covered = paths[..number].iter().map(|path| path.last_entry(entries));
            let mut conditions: Vec<String> = covered
                .map(|last| format!("w.aws_instance_id > ({last})"))
                .collect();
            conditions.extend(self.checks(*path));
            let ids = path.ids(entries);
            let condition = match conditions.as_slice() {
                [] => String::new(),
                conditions => format!(" WHERE {}", conditions.join(" AND ")),
            };
            let matches = format!("w{condition} ORDER BY w.aws_instance_id LIMIT {rows}");
            parts.push(if self.checks_rows(*path) {
                format!(
                    "SELECT {COLUMNS}, e.kind FROM (SELECT w.*, 0 AS kind FROM (SELECT {COLUMNS} FROM ({ids}) {OF_IDS}) {matches}) e"
                )
            } else {
                // Only the ids need checking, so only the rows of matches are read.
                format!(
                    "SELECT {COLUMNS}, 0 AS kind FROM (SELECT w.aws_instance_id FROM ({ids}) {matches}) {OF_IDS}"
                )
            });
        }
        let ends = paths.iter().map(|path| path.last_entry(entries));
        parts.extend(ends.map(|last| format!("SELECT ({last}), NULL, NULL, NULL, 1")));
        parts.join(" UNION ALL ")
    }

    /// Whether the rest of the filter needs more than the ids of the instances in a window of `path`.
    fn checks_rows(&self, path: IndexPath) -> bool {
        let is_of_place = self.filter.region.is_some() || self.filter.account.is_some();
        !self.words.is_empty() || (path.is_of_packages() && is_of_place)
    }

    /// The conditions that a row `w` of the window of `path` must still meet.
    fn checks(&self, path: IndexPath) -> Vec<String> {
        let filter = self.filter;
        let mut checks = Vec::new();
        if filter.account.is_some() && path.is_of_packages() {
            checks.push("w.aws_account = :account".to_owned());
        }
        if filter.region.is_some() && path.is_of_packages() {
            checks.push("w.aws_region = :region".to_owned());
        }
        if let Some(package) = &filter.package
            && !path.is_of_packages()
        {
            checks.push(has_package("w", of_package(package)));
        }
        checks.extend((0..self.words.len()).map(|number| has_word("w", number)));
        if !self.words.is_empty() {
            checks.push(format!("w.aws_instance_id NOT IN ({})", self.named()));
        }
        checks
    }

    /// The words as typed, each of which may be a whole id.
    fn named(&self) -> String {
        let names: Vec<String> = (0..self.words.len())
            .map(|number| format!(":id{number}"))
            .collect();
        names.join(", ")
    }

    /// The statement for the matches whose whole id is one of the words. They come before the first page, whose windows
    /// leave them out, so that a pasted id is found at once in a table of any size.
    pub(super) fn named_statement(&self) -> (String, Vec<SqlParameter>) {
        let filter = self.filter;
        let mut conditions = vec![format!("e.aws_instance_id IN ({})", self.named())];
        conditions.extend(match_conditions(filter, self.words));
        let sql = format!(
            "SELECT {COLUMNS}, 0 AS kind FROM ec2 e FORCE INDEX (PRIMARY) WHERE {} ORDER BY e.aws_instance_id",
            conditions.join(" AND ")
        );
        let mut parameters = filter_parameters(filter);
        parameters.extend(word_parameters(self.words));
        parameters.extend(id_parameters(self.words));
        (sql, parameters)
    }
}

impl IndexPath {
    /// The table with its index, and the condition.
    fn index(self) -> (&'static str, &'static str) {
        match self {
            Self::PackageVersion => (
                BY_PACKAGE,
                "package_name = :package_name AND package_version = :package_version AND aws_instance_id > :after",
            ),
            Self::Package => (BY_PACKAGE, "package_name = :package_name"),
            Self::RegionAndAccount => (
                "ec2 FORCE INDEX (ec2_by_region_and_account)",
                "aws_region = :region AND aws_account = :account AND aws_instance_id > :after",
            ),
            Self::Account => (
                "ec2 FORCE INDEX (ec2_by_account)",
                "aws_account = :account AND aws_instance_id > :after",
            ),
            Self::Region => (
                "ec2 FORCE INDEX (ec2_by_region)",
                "aws_region = :region AND aws_instance_id > :after",
            ),
            Self::Id => ("ec2 FORCE INDEX (PRIMARY)", "aws_instance_id > :after"),
        }
    }

    fn is_of_packages(self) -> bool {
        matches!(self, Self::Package | Self::PackageVersion)
    }

    /// The ids of its next entries; for [`IndexPath::Package`] none, if there are more than `entries`.
    fn ids(self, entries: usize) -> String {
        let (table, condition) = self.index();
        match self {
            Self::Package => format!(
                "SELECT DISTINCT i.aws_instance_id FROM (SELECT aws_instance_id FROM {table} WHERE {condition} LIMIT {entries}) i \
                 WHERE ({}) IS NULL AND i.aws_instance_id > :after",
                self.last_entry(entries)
            ),
            _ => format!(
                "SELECT aws_instance_id FROM {table} WHERE {condition} ORDER BY aws_instance_id LIMIT {entries}"
            ),
        }
    }

    /// The last entry of a full window, or no row. For [`IndexPath::Package`] it has no effect: it is before every id.
    fn last_entry(self, entries: usize) -> String {
        let (table, condition) = self.index();
        let offset = entries - 1;
        match self {
            Self::Package => {
                format!("SELECT '' FROM {table} WHERE {condition} LIMIT 1 OFFSET {offset}")
            }
            _ => format!(
                "SELECT aws_instance_id FROM {table} WHERE {condition} ORDER BY aws_instance_id LIMIT 1 OFFSET {offset}"
            ),
        }
    }
}

/// Whether the instance `row` has a package `p` that meets `condition`.
///
/// A scalar subquery: `EXISTS` could become a join that starts from the package.
fn has_package(row: &str, condition: &str) -> String {
    format!(
        "(SELECT 1 FROM ec2_package p FORCE INDEX (PRIMARY) WHERE p.aws_instance_id = {row}.aws_instance_id AND {condition} LIMIT 1) = 1"
    )
}

/// The conditions for an instance `e` to match, whichever index it was found by.
pub(super) fn match_conditions(filter: &InstanceFilter, words: &[String]) -> Vec<String> {
    let mut conditions = Vec::new();
    if filter.region.is_some() {
        conditions.push("e.aws_region = :region".to_owned());
    }
    if filter.account.is_some() {
        conditions.push("e.aws_account = :account".to_owned());
    }
    conditions.extend((0..words.len()).map(|number| has_word("e", number)));
    let package = filter.package.as_ref();
    conditions.extend(package.map(|package| has_package("e", of_package(package))));
    conditions
}

/// The condition on a package `p` for a filter.
pub(super) fn of_package(filter: &PackageFilter) -> &'static str {
    match filter.version {
        Some(_) => "p.package_name = :package_name AND p.package_version = :package_version",
        None => "p.package_name = :package_name",
    }
}

/// Whether the word with this number occurs anywhere in the instance `row`.
fn has_word(row: &str, number: usize) -> String {
    let has = |column: &str| format!("INSTR(LOWER({column}), :word{number}) > 0");
    let package = format!(
        "({} OR {})",
        has("p.package_name"),
        has("p.package_version")
    );
    format!(
        "({} OR {} OR {} OR {})",
        has(&format!("{row}.aws_instance_id")),
        has(&format!("{row}.aws_region")),
        has(&format!("{row}.aws_account")),
        has_package(row, &package),
    )
}

pub(super) fn filter_parameters(filter: &InstanceFilter) -> Vec<SqlParameter> {
    let mut parameters = Vec::new();
    if let Some(region) = &filter.region {
        parameters.push(text("region", region.as_str()));
    }
    if let Some(account) = &filter.account {
        parameters.push(text("account", account.as_str()));
    }
    if let Some(PackageFilter { name, version }) = &filter.package {
        parameters.push(text("package_name", name.as_str()));
        if let Some(version) = version {
            parameters.push(text("package_version", version.as_str()));
        }
    }
    parameters
}

pub(super) fn word_parameters(words: &[String]) -> impl Iterator<Item = SqlParameter> {
    let parameter =
        |(number, word): (usize, &String)| text(format!("word{number}"), &word.to_lowercase());
    words.iter().enumerate().map(parameter)
}

fn id_parameters(words: &[String]) -> impl Iterator<Item = SqlParameter> {
    let parameter = |(number, word): (usize, &String)| text(format!("id{number}"), word);
    words.iter().enumerate().map(parameter)
}

#[cfg(test)]
mod tests {
    use fleet_core::inventory::{AccountId, PackageName, PackageVersion, Region};

    use super::*;

    fn statement(filter: &InstanceFilter, words: &[String]) -> (String, Vec<String>) {
        let query = PageQuery {
            filter,
            words,
            after: None,
            limit: PageLimit::default(),
            examined: 300,
        };
        let (sql, parameters) = query.statement();
        let names = parameters.iter().filter_map(SqlParameter::name);
        (sql, names.map(str::to_owned).collect())
    }

    #[test]
    fn an_index_that_has_every_match_is_read_to_the_end_of_the_page() {
        let (sql, parameters) = statement(&InstanceFilter::default(), &[]);
        assert_eq!(
            sql,
            "SELECT e.aws_instance_id, e.aws_region, e.aws_account, e.creation_date_utc, 0 AS kind \
             FROM ec2 e FORCE INDEX (PRIMARY) WHERE aws_instance_id > :after ORDER BY aws_instance_id LIMIT 51"
        );
        assert_eq!(parameters, ["after"]);
    }

    #[test]
    fn two_indexes_share_what_a_page_examines() {
        let filter = InstanceFilter {
            account: AccountId::parse("' OR 1=1").ok(),
            package: Some(PackageFilter {
                name: PackageName::parse("n").unwrap(),
                version: PackageVersion::parse("v").ok(),
            }),
            region: None,
        };
        let (sql, parameters) = statement(&filter, &[]);
        for window in [
            "(SELECT aws_instance_id FROM ec2 FORCE INDEX (ec2_by_account) WHERE aws_account = :account AND aws_instance_id > :after \
             ORDER BY aws_instance_id LIMIT 150) w WHERE ",
            "(SELECT aws_instance_id FROM ec2_package FORCE INDEX (ec2_package_by_package) \
             WHERE package_name = :package_name AND package_version = :package_version AND aws_instance_id > :after \
             ORDER BY aws_instance_id LIMIT 150) n ",
        ] {
            assert!(sql.contains(window), "{window}: {sql}");
        }
        assert!(!sql.contains("OR 1=1"), "{sql}");
        assert_eq!(
            parameters,
            ["after", "account", "package_name", "package_version"]
        );
    }

    #[test]
    fn lookups_come_last_and_a_packages_entries_are_left_if_there_are_more() {
        let filter = InstanceFilter {
            package: Some(PackageFilter {
                name: PackageName::parse("n").unwrap(),
                version: None,
            }),
            ..InstanceFilter::default()
        };
        let (sql, _) = statement(&filter, &[]);
        let last = "(SELECT '' FROM ec2_package FORCE INDEX (ec2_package_by_package) WHERE package_name = :package_name \
                    LIMIT 1 OFFSET 149)";
        for part in [
            &format!(" i WHERE {last} IS NULL AND i.aws_instance_id > :after) w ORDER BY "),
            &format!(" w WHERE w.aws_instance_id > {last} AND (SELECT 1 FROM ec2_package p "),
        ] {
            assert!(sql.contains(part), "{part}: {sql}");
        }
    }

    #[test]
    fn every_filter_and_word_is_a_parameter() {
        let filter = InstanceFilter {
            region: Region::parse("r").ok(),
            account: AccountId::parse("a").ok(),
            package: Some(PackageFilter {
                name: PackageName::parse("n").unwrap(),
                version: PackageVersion::parse("v").ok(),
            }),
        };
        let words = ["Word".to_owned()];
        let (sql, parameters) = statement(&filter, &words);
        assert_eq!(
            parameters,
            [
                "after",
                "region",
                "account",
                "package_name",
                "package_version",
                "word0",
                "id0"
            ]
        );
        for name in parameters {
            assert!(sql.contains(&format!(":{name}")), "{name}: {sql}");
        }
        assert_eq!(sql.matches("LIMIT 150)").count(), 2, "{sql}");
        let query = PageQuery {
            filter: &filter,
            words: &words,
            after: None,
            limit: PageLimit::default(),
            examined: 300,
        };
        let (sql, parameters) = query.named_statement();
        let names: Vec<&str> = parameters.iter().filter_map(SqlParameter::name).collect();
        for name in [
            "region",
            "account",
            "package_name",
            "package_version",
            "word0",
            "id0",
        ] {
            assert!(
                names.contains(&name) && sql.contains(&format!(":{name}")),
                "{name}: {sql}"
            );
        }
    }
}
