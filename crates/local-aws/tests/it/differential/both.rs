//! Both engines, with the same tables.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU64, Ordering},
};

use fleet_local_aws::{Engine, Migration, Schema, Storage};

use super::{
    answers::{StatementAnswer, code, difference, run},
    statements,
    tree::{Node, SentCall},
};
use crate::support::{Aws, options};

/// The most attempts at making a statement smaller.
const MOST_SHRINKS: usize = 200;

/// The outcome of a statement.
pub(super) enum StatementOutcome {
    OnBoth,
    /// With error 1235, for this reason.
    Refused(String),
}

/// Both engines, with the same tables.
pub(super) struct Both {
    pub(super) embedded: Aws,
    pub(super) mariadb: Aws,
    /// The next id on both: they differ in how many ids a failed or rolled-back INSERT uses up.
    next_id: AtomicU64,
}

impl Both {
    pub(super) async fn start() -> Self {
        let start = |engine: Engine| async {
            let mut options = options(Storage::InMemory);
            options.engine = engine;
            options.schema = Schema::default();
            options.schema.migrations = (1..)
                .zip(statements::TABLES)
                .map(|(version, table)| Migration {
                    version,
                    name: format!("table {version}"),
                    sql: table.to_owned(),
                })
                .collect();
            Aws::with(options).await
        };
        Self {
            embedded: start(Engine::Embedded).await,
            mariadb: start(Engine::MariaDb).await,
            next_id: AtomicU64::new(1),
        }
    }

    /// Runs a statement on both, in transactions that are committed if the results match. Returns whether the embedded
    /// engine ran it, and the difference.
    pub(super) async fn check(
        &self,
        statement: &Node,
        keep: bool,
    ) -> (StatementOutcome, Option<String>) {
        let call = statement.call();
        let reads = call.sql.starts_with("SELECT");
        let sorted = call.sql.contains(" ORDER BY ");
        let one = if reads {
            None
        } else {
            Some(self.embedded.begin().await)
        };
        let embedded = run(&self.embedded, one.as_deref(), &call, sorted).await;
        if let StatementAnswer::Error(message) = &embedded
            && code(message) == "1235"
        {
            if let Some(one) = one {
                self.embedded.rollback(&one).await.unwrap();
            }
            let reason = message.split('\'').nth(2).unwrap_or(message);
            return (StatementOutcome::Refused(reason.to_owned()), None);
        }
        let other = if reads {
            None
        } else {
            Some(self.mariadb.begin().await)
        };
        let mariadb = run(&self.mariadb, other.as_deref(), &call, sorted).await;
        let mut differs = difference(&call, &embedded, &mariadb);
        if let (Some(_), Some(one), Some(other)) = (&differs, &one, &other)
            && self.is_first_of_errors(&call, one, other).await
        {
            differs = None;
        }
        if let (Some(one), Some(other)) = (one, other) {
            let alike = matches!(
                (&embedded, &mariadb),
                (
                    StatementAnswer::Written { .. },
                    StatementAnswer::Written { .. }
                )
            );
            let keep = keep && differs.is_none() && alike;
            if keep {
                self.embedded.commit(&one).await.unwrap();
                self.mariadb.commit(&other).await.unwrap();
            } else {
                self.embedded.rollback(&one).await.unwrap();
                self.mariadb.rollback(&other).await.unwrap();
            }
            let simple = call.sql.starts_with("INSERT INTO a") || !call.sql.contains(" INTO ");
            if !(keep && simple) {
                self.align_ids(&call.sql).await;
            }
        }
        (StatementOutcome::OnBoth, differs)
    }

    /// Whether an UPDATE fails for several rows, and the engines only differ in which row they process first, which
    /// MySQL does not define: each row by itself gives the same result on both, and there are different errors.
    async fn is_first_of_errors(&self, call: &SentCall, one: &str, other: &str) -> bool {
        let Some((update, condition)) = call.sql.split_once(" WHERE ") else {
            return false;
        };
        let Some(table) = update.strip_prefix("UPDATE ") else {
            return false;
        };
        let table = &table[..1];
        let ids = Node::leaf(format!("SELECT id FROM {table}")).call();
        let StatementAnswer::Rows { rows, .. } = run(&self.embedded, Some(one), &ids, false).await
        else {
            return false;
        };
        let mut errors = BTreeSet::new();
        for row in rows {
            let id = row[0].replace("LongValue", "");
            let call = SentCall {
                sql: format!("{update} WHERE id = {id} AND ({condition})"),
                parameters: call.parameters.clone(),
            };
            let answers = [
                run(&self.embedded, Some(one), &call, false).await,
                run(&self.mariadb, Some(other), &call, false).await,
            ];
            let [embedded, mariadb] = &answers;
            // The embedded engine may refuse an error in a part of an AND.
            let refuses =
                matches!(embedded, StatementAnswer::Error(message) if code(message) == "1235");
            if !refuses && difference(&call, embedded, mariadb).is_some() {
                return false;
            }
            if let StatementAnswer::Error(message) = mariadb {
                errors.insert(code(message).to_owned());
            }
        }
        errors.len() > 1
    }

    /// Makes both continue with the same id.
    async fn align_ids(&self, sql: &str) {
        let table = match sql {
            sql if sql.contains("INTO a") => "a",
            sql if sql.contains("INTO n") => "n",
            _ => return,
        };
        let next = self.next_id.fetch_add(100, Ordering::Relaxed) + 100;
        let alter = format!("ALTER TABLE {table} AUTO_INCREMENT = {next}");
        for aws in [&self.embedded, &self.mariadb] {
            aws.sql(&alter, &[]).await.unwrap();
        }
    }

    /// A smaller statement whose results differ, too.
    pub(super) async fn shrunk(&self, statement: Node, found: String) -> (Node, String) {
        let (mut smallest, mut found) = (statement, found);
        let mut tries = 0;
        'smaller: loop {
            for candidate in smallest.smaller() {
                tries += 1;
                if tries > MOST_SHRINKS {
                    break 'smaller;
                }
                if let (_, Some(difference)) = self.check(&candidate, false).await {
                    (smallest, found) = (candidate, difference);
                    continue 'smaller;
                }
            }
            break;
        }
        (smallest, found)
    }

    /// The rows of the large table.
    pub(super) async fn rows(&self) -> String {
        let call = Node::leaf("SELECT * FROM a ORDER BY id").call();
        match run(&self.embedded, None, &call, true).await {
            StatementAnswer::Rows { rows, .. } => {
                let rows: Vec<String> = rows.iter().take(40).map(|row| row.join(" ")).collect();
                rows.join("\n    ")
            }
            other => format!("{other:?}"),
        }
    }
}
