//! Handwritten statements, for what the generator does not produce: sessions that give the same results on both
//! engines, or error 1235 on the embedded one.
//!
//! `FLEET_TEST_SESSION` names a file of other statements, one per line, to run instead; the results of both are
//! printed.

use super::{
    answers::{StatementAnswer, code, difference, run},
    both::Both,
    has_mariadb,
    tree::Node,
};

const SESSION: &str = "FLEET_TEST_SESSION";
/// Each has its own tables, and one statement per line.
const SESSIONS: [&str; 8] = [
    include_str!("sessions/decimals.sql"),
    include_str!("sessions/definitions.sql"),
    include_str!("sessions/functions.sql"),
    include_str!("sessions/ids.sql"),
    include_str!("sessions/queries.sql"),
    include_str!("sessions/values.sql"),
    include_str!("sessions/wide.sql"),
    include_str!("sessions/writes.sql"),
];

/// Runs a statement on both; if the embedded engine refuses it, MariaDB does not get it.
async fn answers(
    both: &Both,
    sql: &str,
) -> (StatementAnswer, Option<StatementAnswer>, Option<String>) {
    let call = Node::leaf(sql).call();
    let sorted = sql.contains(" ORDER BY ");
    let embedded = run(&both.embedded, None, &call, sorted).await;
    if let StatementAnswer::Error(message) = &embedded
        && code(message) == "1235"
    {
        return (embedded, None, None);
    }
    let mariadb = run(&both.mariadb, None, &call, sorted).await;
    let found = difference(&call, &embedded, &mariadb);
    (embedded, Some(mariadb), found)
}

#[tokio::test(flavor = "multi_thread")]
async fn written_statements_give_what_mariadb_gives_or_1235() {
    if !has_mariadb() {
        return;
    }
    let both = Both::start().await;
    if let Ok(file) = std::env::var(SESSION) {
        for sql in std::fs::read_to_string(file).unwrap().lines() {
            let (embedded, mariadb, found) = answers(&both, sql).await;
            let mark = if found.is_some() { "DIFFERS " } else { "" };
            println!("{mark}{sql}\n    {embedded:?}\n    {mariadb:?}");
        }
        return;
    }
    let statements = SESSIONS.iter().flat_map(|session| session.lines());
    let statements: Vec<&str> = statements.filter(|line| !line.starts_with("-- ")).collect();
    let mut differences = Vec::new();
    let mut ran = 0;
    for sql in &statements {
        let (_, mariadb, found) = answers(&both, sql).await;
        ran += usize::from(mariadb.is_some());
        differences.extend(found.map(|found| format!("{sql}\n{found}")));
    }
    let all = statements.len();
    println!("{ran} of {all} written statements run by both");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    // The engine must not pass by refusing statements.
    assert!(ran * 100 >= all * LEAST_RUN, "it ran {ran} of {all}");
    both.embedded.local.stop().await;
    both.mariadb.local.stop().await;
}

/// The minimum percentage of statements that the embedded engine must run.
const LEAST_RUN: usize = 95;
