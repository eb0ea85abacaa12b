//! The statement of one page of a list: it examines a bounded number of index entries, whatever the filter.
//!
//! An index that holds every match of a filter, ordered by id, is a [`IndexPath`] to them. A filter with one path and nothing
//! else to check is read along it until the page is full. Otherwise each path contributes a window of its next entries,
//! whose rows are checked against the rest of the filter. The window that reaches furthest decides where the next page
//! begins, so the rarest of several conditions sets the pace; a page may come back short, or empty, with a token.
//!
//! Index hints keep MySQL from preferring an equality on fewer columns to a range on more, which would read a deep page's
//! entries from the first one on. Every bound is a `LIMIT` within a derived table, which no optimizer moves.

use aws_sdk_rdsdata::types::SqlParameter;
use fleet_core::inventory::{InstanceFilter, InstanceId, PackageFilter, PageLimit};

use super::data_api::text;

/// How many index entries a page of the API's list examines, over all paths: about as much work as the longest page.
pub(super) const EXAMINED: usize = 300;

const BY_PACKAGE: &str = "ec2_package FORCE INDEX (ec2_package_by_package)";

/// What a page should contain.
#[derive(Clone, Copy)]
pub(super) struct PageQuery<'a> {
    pub(super) filter: &'a InstanceFilter,
    /// Each must be found in an instance, in upper or lower case.
    pub(super) words: &'a [String],
    pub(super) after: Option<&'a InstanceId>,
    pub(super) limit: PageLimit,
    /// How many index entries it may examine.
    pub(super) examined: usize,
}

/// An index in the order of instance ids.
#[derive(Clone, Copy, PartialEq, Eq)]
enum IndexPath {
    /// The instances with a package in one version.
    PackageVersion,
    /// The instances with a package in any version. This index is ordered by version first, so it serves only where all
    /// of its entries fit in one window.
    Package,
    RegionAndAccount,
    Account,
    Region,
    /// All instances.
    Id,
}

impl PageQuery<'_> {
    /// The statement, made of fixed fragments and numbers; what a client sent goes into parameters only.
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
        // No id is empty, so this is before the first.
        let after = self.after.map_or("", InstanceId::as_str);
        let mut parameters = vec![text("after", after)];
        parameters.extend(filter_parameters(self.filter));
        parameters.extend(word_parameters(self.words));
        parameters.extend(id_parameters(self.words));
        parameters
    }

    /// Every entry of the path is a match.
    fn direct(&self, path: IndexPath) -> String {
        let rows = self.limit.get() + 1;
        let rows_of_path = path.rows("0 AS kind", rows);
        format!(
            "SELECT e.aws_instance_id, e.aws_region, e.aws_account, e.creation_date_utc, {rows_of_path}"
        )
    }

    fn windows(&self, paths: &[IndexPath]) -> String {
        let entries = self.examined / paths.len();
        let mut parts = Vec::with_capacity(2 * paths.len());
        for (number, path) in paths.iter().enumerate() {
            let mut conditions = self.checks(*path, entries);
            // What an earlier window covers is answered by it.
            let covered = paths[..number].iter().map(|path| path.last_entry(entries));
            conditions.extend(covered.map(|last| format!("w.aws_instance_id > ({last})")));
            parts.push(format!(
                "SELECT e.aws_instance_id, e.aws_region, e.aws_account, e.creation_date_utc, e.kind FROM \
                 (SELECT w.aws_instance_id, w.aws_region, w.aws_account, w.creation_date_utc, 0 AS kind \
                 FROM ({window}) w WHERE {conditions} ORDER BY w.aws_instance_id LIMIT {rows}) e",
                window = path.window(entries),
                conditions = conditions.join(" AND "),
                rows = self.limit.get() + 1,
            ));
        }
        let ends = paths.iter().map(|path| path.last_entry(entries));
        parts.extend(ends.map(|last| format!("SELECT ({last}), NULL, NULL, NULL, 1")));
        parts.join(" UNION ALL ")
    }

    /// What a row `w` of the window of `path` must still fulfil.
    fn checks(&self, path: IndexPath, entries: usize) -> Vec<String> {
        let filter = self.filter;
        let mut checks = Vec::new();
        if path == IndexPath::Package {
            checks.push(format!("({}) IS NULL", path.last_entry(entries)));
            checks.push("w.aws_instance_id > :after".to_owned());
        }
        let of_packages = matches!(path, IndexPath::Package | IndexPath::PackageVersion);
        if filter.account.is_some() && of_packages {
            checks.push("w.aws_account = :account".to_owned());
        }
        if filter.region.is_some() && of_packages {
            checks.push("w.aws_region = :region".to_owned());
        }
        if let Some(package) = &filter.package
            && !of_packages
        {
            checks.push(has_package("w", of_package(package)));
        }
        checks.extend((0..self.words.len()).map(|number| has_word("w", number)));
        if !self.words.is_empty() {
            checks.push(format!("w.aws_instance_id NOT IN ({})", self.named()));
        }
        checks
    }

    /// The words as they were typed, each of which may be a whole id.
    fn named(&self) -> String {
        let names: Vec<String> = (0..self.words.len())
            .map(|number| format!(":id{number}"))
            .collect();
        names.join(", ")
    }

    /// The statement of the matches whose whole id is one of the words. They come before the first page, whose windows
    /// leave them out, so that a pasted id is found at once in a table of any size.
    pub(super) fn named_statement(&self) -> (String, Vec<SqlParameter>) {
        let filter = self.filter;
        let mut conditions = vec![format!("e.aws_instance_id IN ({})", self.named())];
        conditions.extend(match_conditions(filter, self.words));
        let sql = format!(
            "SELECT e.aws_instance_id, e.aws_region, e.aws_account, e.creation_date_utc, 0 AS kind \
             FROM ec2 e FORCE INDEX (PRIMARY) WHERE {} ORDER BY e.aws_instance_id",
            conditions.join(" AND ")
        );
        let mut parameters = filter_parameters(filter);
        parameters.extend(word_parameters(self.words));
        parameters.extend(id_parameters(self.words));
        (sql, parameters)
    }
}

impl IndexPath {
    /// The table and its index, the condition, and the columns of the table.
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

    /// `{columns} FROM` the instances `e` of its next entries.
    fn rows(self, columns: &str, entries: usize) -> String {
        let (table, condition) = self.index();
        let ids = match self {
            Self::PackageVersion => {
                format!(
                    "SELECT aws_instance_id FROM {table} WHERE {condition} ORDER BY aws_instance_id LIMIT {entries}"
                )
            }
            Self::Package => format!(
                "SELECT DISTINCT i.aws_instance_id FROM (SELECT aws_instance_id FROM {table} WHERE {condition} LIMIT {entries}) i"
            ),
            _ => {
                let table = table.replacen("ec2", "ec2 e", 1);
                return format!(
                    "{columns} FROM {table} WHERE {condition} ORDER BY aws_instance_id LIMIT {entries}"
                );
            }
        };
        // SQLite begins a CROSS JOIN at its left; a plain one it may begin at every instance of the region.
        format!(
            "{columns} FROM ({ids}) n CROSS JOIN ec2 e FORCE INDEX (PRIMARY) ON e.aws_instance_id = n.aws_instance_id"
        )
    }

    fn window(self, entries: usize) -> String {
        self.rows(
            "SELECT e.aws_instance_id, e.aws_region, e.aws_account, e.creation_date_utc",
            entries,
        )
    }

    /// The last entry of a full window, or no row. That of [`IndexPath::Package`] leads nowhere: it is before every id.
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

/// Whether the instance `row` has a package `p` of which `condition` holds.
///
/// A scalar: `EXISTS` could become a join that begins at the package.
fn has_package(row: &str, condition: &str) -> String {
    format!(
        "(SELECT 1 FROM ec2_package p FORCE INDEX (PRIMARY) WHERE p.aws_instance_id = {row}.aws_instance_id AND {condition} LIMIT 1) = 1"
    )
}

/// What an instance `e` must fulfil to match, whichever index it was found by.
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

/// The condition on a package `p` that a filter stands for.
pub(super) fn of_package(filter: &PackageFilter) -> &'static str {
    match filter.version {
        Some(_) => "p.package_name = :package_name AND p.package_version = :package_version",
        None => "p.package_name = :package_name",
    }
}

/// Whether the word with this number is anywhere in the instance `row`.
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
            "FROM ec2 e FORCE INDEX (ec2_by_account) WHERE aws_account = :account AND aws_instance_id > :after \
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
