//! The embedded engine against MariaDB: generated statements over typed tables give the same rows, types, counts,
//! generated fields and errors, or the embedded engine refuses them with error 1235.
//!
//! It runs where `FLEET_TEST_DATABASE_URL` is `mariadb`: some hundred statements, or as many as
//! `FLEET_TEST_DIFFERENTIAL` says. `FLEET_TEST_SEED` is another seed than the fixed one. A statement that differs is made
//! smaller as long as it still does, and printed with the rows that there are.

mod expressions;
mod known;
mod statements;
mod tree;
mod values;

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use aws_sdk_rdsdata::{
    error::ProvideErrorMetadata,
    operation::execute_statement::ExecuteStatementError,
    types::{ColumnMetadata, Field},
};
use fleet_local_aws::{Engine, Migration, Schema, Storage};

use crate::support::{Aws, CLUSTER, DATABASE, SECRET, options};
use statements::Statements;
use tree::{Call, Node};

const DATABASE_URL: &str = "FLEET_TEST_DATABASE_URL";
const STATEMENTS: &str = "FLEET_TEST_DIFFERENTIAL";
const SEED: &str = "FLEET_TEST_SEED";
const FIXED_SEED: u64 = 20_260_101;
/// How many statements are run where nothing says otherwise.
const SHORT: usize = 400;
/// How many differences are looked for before the test gives up.
const MOST: usize = 12;
/// How often a statement is made smaller.
const MOST_SHRINKS: usize = 200;
/// How many of a hundred statements the embedded engine runs at least: it must not pass by refusing.
const LEAST_RUN: usize = 55;

/// What a statement gave.
#[derive(Debug, Clone, PartialEq)]
enum Answer {
    Rows {
        columns: Vec<String>,
        rows: Vec<Vec<String>>,
    },
    Written {
        updated: i64,
        generated: Vec<String>,
    },
    Error(String),
}

/// The number in the service's message.
fn code(message: &str) -> &str {
    message
        .split("Error code: ")
        .nth(1)
        .and_then(|rest| rest.split(';').next())
        .unwrap_or(message)
}

fn shown(field: &Field) -> String {
    match field {
        // The last digits of a sum depend on the order of its parts.
        Field::DoubleValue(number) => format!("Double({number:.10e})"),
        other => format!("{other:?}"),
    }
}

/// A column's label; and its type, where the statement reads the table as it is. Each database has its own types for
/// expressions, and of temporary tables.
fn described(column: &ColumnMetadata, call: &Call) -> String {
    // A parameter without a name is a question mark to MariaDB.
    let label = column.label().unwrap_or_default();
    let label = (0..call.parameters.len())
        .rev()
        .fold(label.to_owned(), |label, index| {
            label.replace(&format!(":p{index}"), "?")
        });
    let is_column = column.table_name().is_some_and(|table| !table.is_empty());
    match call.sql.starts_with("SELECT * FROM a WHERE") {
        // MariaDB's JSON is a text.
        true if is_column && label != "j" => format!(
            "{label}: {} {} null {} signed {} scale {}",
            column.type_name().unwrap_or_default(),
            column.r#type(),
            column.nullable(),
            column.is_signed(),
            column.scale(),
        ),
        _ => label,
    }
}

fn folded(text: &str) -> String {
    text.to_lowercase()
        .replace('é', "e")
        .replace('ä', "a")
        .replace('ß', "ss")
}

async fn run(aws: &Aws, transaction: Option<&str>, call: &Call, sorted: bool) -> Answer {
    let sent = aws
        .data
        .execute_statement()
        .resource_arn(CLUSTER)
        .secret_arn(SECRET)
        .database(DATABASE)
        .sql(&call.sql)
        .set_parameters(Some(call.parameters.clone()))
        .include_result_metadata(true)
        .set_transaction_id(transaction.map(Into::into))
        .send()
        .await;
    match sent.map_err(|error| error.into_service_error()) {
        Ok(output) if output.column_metadata().is_empty() => Answer::Written {
            updated: output.number_of_records_updated(),
            generated: output.generated_fields().iter().map(shown).collect(),
        },
        Ok(output) => {
            let rows = output.records().iter();
            let mut rows: Vec<Vec<String>> =
                rows.map(|row| row.iter().map(shown).collect()).collect();
            if call.sql.contains(" UNION SELECT ") {
                // Which of several equal texts is kept is left to the database.
                rows.iter_mut()
                    .flatten()
                    .for_each(|text| *text = folded(text));
            }
            if !sorted {
                rows.sort();
            }
            Answer::Rows {
                columns: output
                    .column_metadata()
                    .iter()
                    .map(|column| described(column, call))
                    .collect(),
                rows,
            }
        }
        Err(ExecuteStatementError::DatabaseErrorException(error)) => {
            Answer::Error(error.message().unwrap_or_default().to_owned())
        }
        Err(other) => Answer::Error(format!("{:?}: {:?}", other.code(), other.message())),
    }
}

/// What became of a statement.
enum Run {
    OnBoth,
    /// With error 1235, for this reason.
    Refused(String),
}

/// Both engines, with the same tables.
struct Both {
    embedded: Aws,
    mariadb: Aws,
    /// The next id of both: what an INSERT that fails or is rolled back uses up differs.
    next_id: AtomicU64,
}

/// How two answers to a statement differ; nothing where they do not.
fn difference(call: &Call, embedded: &Answer, mariadb: &Answer) -> Option<String> {
    match (embedded, mariadb) {
        (Answer::Error(one), Answer::Error(other)) if code(one) == code(other) => None,
        (one, other) if one == other => None,
        (one, other) => {
            let texts = (format!("{one:?}"), format!("{other:?}"));
            let upsert = call.sql.contains("ON DUPLICATE KEY UPDATE");
            if known::is_known(&texts.0, &texts.1) || (upsert && tells_less(one, other)) {
                return None;
            }
            Some(match (one, other) {
                (
                    Answer::Rows { columns, rows },
                    Answer::Rows {
                        columns: other_columns,
                        rows: other_rows,
                    },
                ) => rows_that_differ(columns, rows, other_columns, other_rows),
                _ => format!("  embedded: {}\n  MariaDB:  {}", texts.0, texts.1),
            })
        }
    }
}

/// Whether two answers to an upsert differ in their ids alone: how many ids one uses up is left to the database, and of a
/// row that it updates, or of several, it may name none.
fn tells_less(one: &Answer, other: &Answer) -> bool {
    match (one, other) {
        (Answer::Written { updated: one, .. }, Answer::Written { updated: other, .. }) => {
            one == other
        }
        _ => false,
    }
}

fn rows_that_differ(
    columns: &[String],
    rows: &[Vec<String>],
    other_columns: &[String],
    other_rows: &[Vec<String>],
) -> String {
    let mut text = String::new();
    for (one, other) in columns
        .iter()
        .zip(other_columns)
        .filter(|(one, other)| one != other)
    {
        text.push_str(&format!("  embedded: {one}\n  MariaDB:  {other}\n"));
    }
    let only = |these: &[Vec<String>], those: &[Vec<String>]| {
        let mut rest = those.to_vec();
        let mut only = Vec::new();
        for row in these {
            match rest.iter().position(|other| other == row) {
                Some(place) => drop(rest.swap_remove(place)),
                None => only.push(format!("{row:?}")),
            }
        }
        only
    };
    for (name, only) in [
        ("embedded", only(rows, other_rows)),
        ("MariaDB", only(other_rows, rows)),
    ] {
        let shown: Vec<String> = only.iter().take(3).cloned().collect();
        text.push_str(&format!(
            "  only {name}, {} rows: {}\n",
            only.len(),
            shown.join("\n    ")
        ));
    }
    text
}

impl Both {
    async fn start() -> Self {
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

    /// Runs a statement on both, in transactions that are committed where the answers are alike. Answers whether the
    /// embedded engine ran it, and the difference.
    async fn check(&self, statement: &Node, keep: bool) -> (Run, Option<String>) {
        let call = statement.call();
        let reads = call.sql.starts_with("SELECT");
        let sorted = call.sql.contains(" ORDER BY ");
        let one = if reads {
            None
        } else {
            Some(self.embedded.begin().await)
        };
        let embedded = run(&self.embedded, one.as_deref(), &call, sorted).await;
        if let Answer::Error(message) = &embedded
            && code(message) == "1235"
        {
            if let Some(one) = one {
                self.embedded.rollback(&one).await.unwrap();
            }
            let reason = message.split('\'').nth(2).unwrap_or(message);
            return (Run::Refused(reason.to_owned()), None);
        }
        let other = if reads {
            None
        } else {
            Some(self.mariadb.begin().await)
        };
        let mariadb = run(&self.mariadb, other.as_deref(), &call, sorted).await;
        let difference = difference(&call, &embedded, &mariadb);
        if let (Some(one), Some(other)) = (one, other) {
            let alike = matches!(
                (&embedded, &mariadb),
                (Answer::Written { .. }, Answer::Written { .. })
            );
            let keep = keep && difference.is_none() && alike;
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
        (Run::OnBoth, difference)
    }

    /// Lets both go on with the same id.
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

    /// A smaller statement that differs, too.
    async fn shrunk(&self, statement: Node, found: String) -> (Node, String) {
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
    async fn rows(&self) -> String {
        let call = Node::leaf("SELECT * FROM a ORDER BY id").call();
        match run(&self.embedded, None, &call, true).await {
            Answer::Rows { rows, .. } => {
                let rows: Vec<String> = rows.iter().take(40).map(|row| row.join(" ")).collect();
                rows.join("\n    ")
            }
            other => format!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn generated_statements_give_what_mariadb_gives_or_1235() {
    if std::env::var(DATABASE_URL).as_deref() != Ok("mariadb") {
        println!("left to a run with {DATABASE_URL}=mariadb");
        return;
    }
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .map(|text| text.parse::<u64>().unwrap())
    };
    let count = number(STATEMENTS).map_or(SHORT, |count| usize::try_from(count).unwrap());
    let seed = number(SEED).unwrap_or(FIXED_SEED);
    let both = Both::start().await;
    let mut statements = Statements::new(seed);
    let (mut run, mut differences) = (0, Vec::new());
    let mut refusals: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..count {
        let statement = statements.next();
        let (ran, found) = both.check(&statement, true).await;
        match ran {
            Run::OnBoth => run += 1,
            Run::Refused(reason) => *refusals.entry(reason).or_default() += 1,
        }
        if let Some(found) = found {
            let (statement, found) = both.shrunk(statement, found).await;
            differences.push(format!("{}\n{found}", statement.call()));
            if differences.len() >= MOST {
                break;
            }
        }
    }
    println!("seed {seed}: {run} of {count} statements run by both; refused:");
    let mut refusals: Vec<_> = refusals.into_iter().collect();
    refusals.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    for (reason, times) in refusals.iter().take(20) {
        println!("  {times}: {reason}");
    }
    assert!(
        differences.is_empty(),
        "seed {seed}:\n{}\n  rows of a:\n    {}\n  tables:\n    {}",
        differences.join("\n"),
        both.rows().await,
        statements::TABLES.join("\n    "),
    );
    assert!(run * 100 >= count * LEAST_RUN, "it ran {run} of {count}");
    both.embedded.local.stop().await;
    both.mariadb.local.stop().await;
}
