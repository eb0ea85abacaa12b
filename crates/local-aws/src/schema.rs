//! A database schema: numbered migrations. Each database records the ones it has.
//!
//! The file names in `ddl/` follow refinery (<https://docs.rs/refinery>): `V0003__name.sql`.

use sha2::{Digest, Sha256};

/// Starts the line of a migration that gives the oldest version of functions that work with its schema.
const CONTRACT: &str = "-- contract:";

/// The migrations that are applied to a database when it is opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    /// In version order. Without any, the database stays as it is.
    pub migrations: Vec<Migration>,
    /// A statement that fails if the tables differ from what the migrations create in an empty database. It runs last.
    pub layout: Option<String>,
}

/// One step of a schema: one statement in MySQL's dialect.
///
/// MySQL commits each definition, so a run may end between the statement and its record. The next run repeats the
/// statement; finding its table, column or index already there (or already gone) is success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// Its number; 1 is the first.
    pub version: u32,
    /// Its name, of at most 100 characters.
    pub name: String,
    /// The statement.
    pub sql: String,
}

impl Schema {
    /// Fleet API's own schema: the files in `ddl/`.
    #[must_use]
    pub fn fleet() -> Self {
        let migration = |(version, name, sql): (u32, &str, &str)| Migration {
            version,
            name: name.into(),
            sql: sql.into(),
        };
        Self {
            migrations: FLEET.into_iter().map(migration).collect(),
            layout: Some(include_str!("../../../ddl/layout.sql").into()),
        }
    }

    /// Its newest version; 0 without migrations.
    #[must_use]
    pub fn newest(&self) -> u32 {
        self.migrations
            .iter()
            .map(|migration| migration.version)
            .max()
            .unwrap_or_default()
    }
}

impl Migration {
    /// SHA-256 of the statement's text, in hexadecimal.
    #[must_use]
    pub fn checksum(&self) -> String {
        Sha256::digest(self.sql.as_bytes())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Functions built before this version cannot work with the schema from this migration on: the number in a line
    /// `-- contract: 4`, 0 without one.
    #[must_use]
    pub fn oldest_functions(&self) -> u32 {
        self.sql
            .lines()
            .find_map(|line| line.strip_prefix(CONTRACT))
            .and_then(|version| version.trim().parse().ok())
            .unwrap_or_default()
    }
}

/// Creates the table that records the migrations.
pub(crate) const BOOKKEEPING: &str = include_str!("../../../ddl/schema_version.sql");

const FLEET: [(u32, &str, &str); 3] = [
    (1, "ec2", include_str!("../../../ddl/V0001__ec2.sql")),
    (
        2,
        "ec2_package",
        include_str!("../../../ddl/V0002__ec2_package.sql"),
    ),
    (
        3,
        "ec2_by_region_and_account",
        include_str!("../../../ddl/V0003__ec2_by_region_and_account.sql"),
    ),
];

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// The number of statements in a text: semicolons outside comments and quotes.
    fn statements(sql: &str) -> usize {
        let (mut count, mut rest) = (0, sql);
        while let Some(at) = rest.find(['-', '\'', '"', '`', ';', '/', '#']) {
            let (token, after) = (&rest[at..=at], &rest[at + 1..]);
            let skip_past = |end: &str| after.split_once(end).map_or("", |(_, rest)| rest);
            rest = match token {
                "-" if after.starts_with('-') => skip_past("\n"),
                "#" => skip_past("\n"),
                "/" if after.starts_with('*') => skip_past("*/"),
                "'" | "\"" | "`" => skip_past(token),
                ";" => {
                    count += 1;
                    after
                }
                _ => after,
            };
        }
        count
    }

    #[test]
    fn the_migrations_are_the_files_of_ddl_numbered_without_a_gap() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ddl");
        let mut files: Vec<(String, String)> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                (name, fs::read_to_string(&path).unwrap())
            })
            .filter(|(name, _)| name.starts_with('V'))
            .collect();
        files.sort();
        let compiled: Vec<_> = Schema::fleet()
            .migrations
            .into_iter()
            .enumerate()
            .map(|(position, migration)| {
                assert_eq!(migration.version as usize, position + 1);
                let file = format!("V{:04}__{}.sql", migration.version, migration.name);
                (file, migration.sql)
            })
            .collect();
        assert_eq!(compiled, files);
    }

    #[test]
    fn every_file_is_one_statement() {
        let schema = Schema::fleet();
        let texts = schema
            .migrations
            .iter()
            .map(|migration| migration.sql.as_str())
            .chain([BOOKKEEPING, schema.layout.as_deref().unwrap()]);
        for sql in texts {
            assert_eq!(statements(sql), 1, "{sql}");
            assert!(sql.trim_end().ends_with(';'), "{sql}");
        }
    }

    #[test]
    fn an_applied_migration_is_never_edited() {
        let checksums: Vec<_> = Schema::fleet()
            .migrations
            .iter()
            .map(Migration::checksum)
            .collect();
        // A new migration adds a line; a line never changes once released.
        assert_eq!(checksums, RELEASED);
    }

    const RELEASED: [&str; 3] = [
        "53aef77895019ff7acd0e4c7cf7bac353e548d4b3eca14d9aa6c944199ca2fe0",
        "3cbb17f56e45d7b0d817f51629999d55a2d2ebe8c4d3de208d86a77023490e8e",
        "903a87d2f627d2adf11145dde34cbfbd88fe416be600475c24d23e0f15eeb6f2",
    ];

    #[test]
    fn a_contract_says_which_functions_still_work() {
        let migration = |sql: &str| Migration {
            version: 5,
            name: "drop".into(),
            sql: sql.into(),
        };
        let contract = migration(
            "-- Nobody reads it since 4.\n-- contract: 4\nALTER TABLE t DROP COLUMN c;\n",
        );
        assert_eq!(contract.oldest_functions(), 4);
        assert_eq!(migration("CREATE INDEX i ON t (c);").oldest_functions(), 0);
    }

    #[test]
    fn only_a_semicolon_outside_comments_and_quotes_ends_a_statement() {
        assert_eq!(
            statements("SELECT ';', \";\", `;` -- ;\n# ;\n/* ; */ + 1 - 2 / 3; SELECT 'it''s;';"),
            2
        );
    }
}
