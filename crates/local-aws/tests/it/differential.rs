//! Compares the embedded engine with MariaDB: generated statements over typed tables give the same rows, types, counts,
//! generated fields and errors, or the embedded engine refuses them with error 1235.
//!
//! It runs if `FLEET_TEST_DATABASE_URL` is `mariadb`: a few hundred statements, or as many as `FLEET_TEST_DIFFERENTIAL`
//! says. `FLEET_TEST_SEED` replaces the fixed seed; with `FLEET_TEST_NUMBERS` all statements use the tables of large
//! numbers. A statement whose results differ is made smaller for as long as they still do, and printed with the tables'
//! rows.

mod answers;
mod both;
mod expressions;
mod known;
mod statements;
mod tree;
mod values;
mod wide;
mod written;

use std::collections::BTreeMap;

use both::{Both, StatementOutcome};
use statements::Statements;

const DATABASE_URL: &str = "FLEET_TEST_DATABASE_URL";
const STATEMENTS: &str = "FLEET_TEST_DIFFERENTIAL";
const SEED: &str = "FLEET_TEST_SEED";
const NUMBERS: &str = "FLEET_TEST_NUMBERS";
const FIXED_SEED: u64 = 20_260_101;
/// How many statements are run by default.
const SHORT: usize = 400;
/// After how many differences the test gives up.
const MOST: usize = 40;
/// The minimum percentage of statements that the embedded engine must run: it must not pass by refusing them.
const LEAST_RUN: usize = 55;

/// Whether MariaDB is available; prints a note if not.
fn has_mariadb() -> bool {
    let has = std::env::var(DATABASE_URL).as_deref() == Ok("mariadb");
    if !has {
        println!("left to a run with {DATABASE_URL}=mariadb");
    }
    has
}

#[tokio::test(flavor = "multi_thread")]
async fn generated_statements_give_what_mariadb_gives_or_1235() {
    if !has_mariadb() {
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
    let mut statements = Statements::new(seed, std::env::var_os(NUMBERS).is_some());
    let (mut run, mut differences) = (0, Vec::new());
    let mut refusals: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..count {
        let statement = statements.next();
        let (ran, found) = both.check(&statement, true).await;
        match ran {
            StatementOutcome::OnBoth => run += 1,
            StatementOutcome::Refused(reason) => *refusals.entry(reason).or_default() += 1,
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
