//! Writes whose responses are lost while many clients write the same dimension: the SDK resends them when others have
//! written since, often a hundred times. None is done twice, and none is reported incorrectly.

use std::{collections::HashMap, convert::Infallible, sync::Arc, time::Duration};

use fastrand::Rng;
use fleet_core::{
    scaling::{
        Capacity, Dimension, DimensionChange, DimensionId, StoredDimension, UpdateDimension as _,
        UpdateError,
    },
    store::StoreError,
};
use fleet_faults::FaultRun;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::{
    histories::{HistoryClient, HistoryPart, WriterKind},
    table::{Consistency, ReplicatedTable},
};

const WRITERS: u32 = 12;
/// How many updates each writer does.
const UPDATES: u32 = 30;
/// One in this many writes gets no response.
const LOST: u32 = 15;

/// Each update adds one to the desired capacity, and stores its own number as the actual one. Returns the result of
/// each: the change, or `None` if the store did not say.
async fn told(table: &Arc<ReplicatedTable>) -> HashMap<u32, Option<DimensionChange>> {
    let id = Arc::new(DimensionId::parse("1-23456789").unwrap());
    let mut tasks = JoinSet::new();
    for writer in 0..WRITERS {
        let (dimensions, id) = (table.dimensions(0), Arc::clone(&id));
        tasks.spawn(async move {
            let mut told = Vec::new();
            for update in 0..UPDATES {
                // The actual capacity is 1 before the first one.
                let number = 2 + writer * UPDATES + update;
                let transition = |stored: &StoredDimension| {
                    Ok::<_, Infallible>(Dimension {
                        actual: Capacity::new(f64::from(number)).unwrap(),
                        desired: Capacity::new(stored.state.desired.get() + 1.0).unwrap(),
                        status: stored.state.status.clone(),
                    })
                };
                let change = match dimensions.update(&id, transition).await {
                    Ok(change) => Some(change),
                    Err(UpdateError::Store(StoreError::Unavailable { .. })) => None,
                    Err(error) => panic!("{error:?}"),
                };
                told.push((number, change));
            }
            told
        });
    }
    tasks.join_all().await.into_iter().flatten().collect()
}

/// The item's text of an attribute.
fn text<'item>(item: &'item Value, name: &str) -> &'item str {
    item[name]["S"].as_str().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_resent_write_is_done_once_and_reported_as_it_was_done() {
    let run = FaultRun::of("resent writes");
    let (histories, mut seeds) = (run.count(2, 12), run.rng(0));
    let (mut unanswered, mut unknown) = (0, 0);
    for _ in 0..histories {
        let seed = seeds.u64(..);
        let table = ReplicatedTable::new(Consistency::Strong, Some(LOST), seed);
        let told = told(&table).await;
        // A write that was in transit when its writer gave up arrives now.
        tokio::time::sleep(Duration::from_secs(10)).await;
        let mut written: HashMap<u32, Vec<Value>> = HashMap::new();
        for item in table.written() {
            let number = text(&item, "actualCapacity").parse::<f64>().unwrap();
            written.entry(number as u32).or_default().push(item);
        }
        for (number, change) in &told {
            let written = written.get(number).map_or(&[][..], Vec::as_slice);
            assert!(
                written.len() <= 1,
                "seed {seed}: update {number} was done {} times",
                written.len()
            );
            let Some(change) = change else {
                continue;
            };
            let [item] = written else {
                panic!("seed {seed}: update {number} was reported and not done");
            };
            let (desired, tag) = (text(item, "desiredCapacity"), text(item, "writeId"));
            assert_eq!(
                (desired, tag),
                (&*change.after.desired.to_string(), change.tag.as_str()),
                "seed {seed}: update {number} was reported wrong"
            );
        }
        unanswered += table.unanswered();
        unknown += told.values().filter(|change| change.is_none()).count();
    }
    assert!(
        unanswered >= histories,
        "only {unanswered} answers were lost"
    );
    // Most resent writes recognize themselves: all except those that waited out a whole attempt's time.
    assert!(
        unknown * 2 <= unanswered,
        "{unknown} outcomes of {unanswered} lost answers are unknown"
    );
    run.report(format_args!(
        "{} updates in {histories} histories, {unanswered} answers lost, none done twice or reported wrong; unknown outcomes: {unknown}",
        histories * (WRITERS * UPDATES) as usize
    ));
}

#[tokio::test(start_paused = true)]
async fn an_order_explains_what_clients_were_told_while_answers_are_lost() {
    let run = FaultRun::of("orders of resent writes");
    let (histories, mut seeds) = (run.count(2, 12), run.rng(0));
    let mut unanswered = 0;
    for _ in 0..histories {
        let seed = seeds.u64(..);
        let table = ReplicatedTable::new(Consistency::Strong, Some(LOST), seed);
        let mut rng = Rng::with_seed(seed);
        let mut clients: Vec<HistoryClient> = (0..8)
            .map(|_| HistoryClient::new(table.dimensions(0), rng.fork()))
            .collect();
        let part = HistoryPart {
            operations: 40,
            writer: WriterKind::Conditional,
            settles: Duration::from_secs(10),
        };
        let explained = part.explained(&table.dimensions(0), &mut clients).await;
        assert!(explained.is_some(), "no order explains the history {seed}");
        unanswered += table.unanswered();
    }
    run.report(format_args!(
        "{histories} histories, each explained by an order; {unanswered} answers lost"
    ));
}
