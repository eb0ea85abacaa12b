//! Two regions that write one dimension concurrently, with both kinds of consistency of a global table
//! ([`crate::table`]), and with lost responses.

use std::{sync::Arc, time::Duration};

use fastrand::Rng;
use fleet_faults::FaultRun;

use crate::{
    histories::{HistoryClient, HistoryPart, WriterKind},
    table::{Consistency, REPLICATION, ReplicatedTable},
};

const CLIENTS: usize = 6;
const HISTORIES: u64 = 20;
/// How many operations each client runs before all of them wait for the replicas.
const SEGMENT: usize = 20;
const SEGMENTS: usize = 3;
/// One in this many writes gets no response.
const LOST: u32 = 20;

/// Records what clients of both regions do and get. Returns whether an order explains it.
async fn explained(table: &Arc<ReplicatedTable>, seed: u64) -> bool {
    let mut clients: Vec<HistoryClient> = (0..CLIENTS)
        .map(|client| {
            let rng = Rng::with_seed(seed * 1_000 + client as u64);
            HistoryClient::new(table.dimensions(client % 2), rng)
        })
        .collect();
    let watcher = table.dimensions(0);
    let part = HistoryPart {
        operations: SEGMENT,
        writer: WriterKind::Conditional,
        settles: Duration::from_millis(REPLICATION + 1),
    };
    for _ in 0..SEGMENTS {
        if part.explained(&watcher, &mut clients).await.is_none() {
            return false;
        }
    }
    true
}

#[tokio::test(start_paused = true)]
async fn with_eventual_consistency_updates_of_two_regions_are_lost() {
    for seed in 0..HISTORIES {
        let table = ReplicatedTable::new(Consistency::Eventual, None, seed);
        assert!(
            !explained(&table, seed).await,
            "an order explains history {seed}, whose regions overwrite each other"
        );
    }
    FaultRun::of("two regions, EVENTUAL").report(format_args!(
        "lost updates in {HISTORIES} histories of {HISTORIES}"
    ));
}

#[tokio::test(start_paused = true)]
async fn with_strong_consistency_no_update_of_two_regions_is_lost() {
    let mut conflicts = 0;
    for seed in 0..HISTORIES {
        let table = ReplicatedTable::new(Consistency::Strong, Some(LOST), seed);
        assert!(
            explained(&table, seed).await,
            "no order explains history {seed}"
        );
        let met = table.conflicts();
        assert!(met > 0, "history {seed} has no conflict of two regions");
        conflicts += met;
    }
    FaultRun::of("two regions, STRONG").report(format_args!(
        "{HISTORIES} histories, each explained by an order; conflicts between regions: {conflicts}"
    ));
}
