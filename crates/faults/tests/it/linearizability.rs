//! A dimension behaves as a single register that clients use in turn, whichever instance of a function serves them.
//!
//! Eight clients with separate functions record their requests, the times and the responses; the checker must find an
//! order that explains them ([`crate::histories`]). Every [`SEGMENT`] operations the clients wait for each other.

use std::time::Duration;

use fleet_faults::{FaultRun, Stores};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::histories::{HistoryClient, HistoryPart, WriterKind};

const CLIENTS: usize = 8;
/// How many operations each client runs before all of them pause. The checker's work for a part grows with its square.
const SEGMENT: usize = 25;

/// Records `operations` of each client; returns how many had an unknown outcome, or `None` if no order explains them.
async fn explained(
    run: &FaultRun,
    number: usize,
    operations: usize,
    writer: WriterKind,
) -> Option<usize> {
    let stores = Stores::start().await;
    // They share nothing, like that many instances of a function.
    let watcher = stores.dimensions();
    let mut clients: Vec<HistoryClient> = (0..CLIENTS)
        .map(|client| HistoryClient::new(stores.dimensions(), run.rng(number * CLIENTS + client)))
        .collect();
    let part = HistoryPart {
        operations: SEGMENT,
        writer,
        settles: Duration::ZERO,
    };
    let mut unknown = Some(0);
    for _ in 0..operations / SEGMENT {
        let more = part.explained(&watcher, &mut clients).await;
        unknown = unknown.zip(more).map(|(unknown, more)| unknown + more);
        if unknown.is_none() {
            break;
        }
    }
    stores.stop().await;
    unknown
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dimension_is_linearizable() {
    let run = FaultRun::of("linearizability");
    // Each history has separate stores: in memory they find a stream's next number by reading all of its records.
    let (runs, operations) = (run.count(1, 160), run.count(100, 250));
    let histories = (0..runs).map(|number| {
        let run = run.clone();
        tokio::spawn(async move {
            let explained = explained(&run, number, operations, WriterKind::Conditional).await;
            explained.unwrap_or_else(|| panic!("no order explains history {number}"))
        })
    });
    // Each history sometimes waits for its slowest client, which leaves time for another.
    let unknown: Vec<usize> = stream::iter(histories)
        .buffer_unordered(4)
        .try_collect()
        .await
        .unwrap();
    let unknown: usize = unknown.into_iter().sum();
    // Histories that are mostly without responses would prove nothing.
    assert!(
        unknown * 50 <= runs * CLIENTS * operations,
        "{unknown} outcomes are unknown"
    );
    run.report(format_args!(
        "{runs} histories of {CLIENTS} clients × {operations} operations, each explained by an order; unknown outcomes: {unknown}"
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planted_lost_update_is_found() {
    let run = FaultRun::of("a planted lost update");
    assert!(
        explained(&run, 0, 2_000, WriterKind::Planted)
            .await
            .is_none(),
        "the checker explained lost updates"
    );
    run.report("found");
}
