//! A dimension behaves as one register that clients take turns at, whichever instance of a function serves them.
//!
//! Eight clients, each with functions of its own, record what they asked for, when, and what they were told. They order
//! capacities that overlap, and report as owners do: two for the same order, one that comes back with what it knew before it
//! crashed, one whose answers are lost. The checker
//! of `todc-utils` (Wing, Gong and Lowe's algorithm) then looks for an order that explains all of it. Every
//! [`SEGMENT`] operations the clients wait for each other and one read tells the state. That cuts the history where
//! nothing is under way, so its parts are linearizable if and only if the whole is, and each is checked in no time.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use fastrand::Rng;
use fleet_aws::DynamoDimensions;
use fleet_core::{
    scaling::{
        Capacity, Dimension, DimensionId, ReadDimension, StatusName, Stored, UpdateDimension as _,
        UpdateError, production::Patch,
    },
    store::StoreError,
};
use fleet_faults::{Run, Stores};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use todc_utils::{
    linearizability::{
        WGLChecker,
        history::{Action, History},
    },
    specifications::Specification,
};
use tokio::task::JoinSet;

const CLIENTS: usize = 8;
/// How many operations each client does before all of them pause.
const SEGMENT: usize = 50;

/// One in so many writers never hears what came of its change, and goes on with what it knew.
const LOST: u32 = 500;

/// The state in the bits that the checker compares: actual, desired and status.
pub(crate) type State = (u64, u64, &'static str);

/// A state with its tag.
pub(crate) type Seen = (State, String);

/// The fields that a change brings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    actual: Option<f64>,
    desired: Option<f64>,
    status: Option<StatusName>,
}

/// One operation with what it answered.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    /// The state at the beginning of a part of the history.
    Found(Seen),
    Read(Seen),
    Change {
        asked: Asked,
        /// What `If-Match` names.
        known: Option<String>,
        told: Told,
    },
}

/// What a writer was told; nothing where the store could not say whether it wrote, as when other writers came between
/// each time. Such an operation ends after all others of its part, so that it may have been done at any time or not at all.
pub(crate) type Told = Option<Outcome>;

#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// The state after it.
    Done(Seen),
    /// The present state, which is not the one that the writer knew.
    Refused(Seen),
}

/// A dimension in production mode, said once more in as few words as there are. The tag is not known after a change whose
/// outcome is not.
pub(crate) struct Register;

impl Register {
    fn merged(asked: &Asked, (actual, desired, status): State) -> State {
        let bits = |number: Option<f64>| number.map(f64::to_bits);
        let new_actual = bits(asked.actual).unwrap_or(actual);
        let new_desired = bits(asked.desired).unwrap_or(desired);
        let is_late = asked.status == Some(StatusName::Successful)
            && asked.actual.is_some()
            && new_actual != new_desired;
        let is_new_try = status == "Failed"
            && asked.desired.is_some()
            && asked.actual.is_none()
            && asked.status.is_none();
        let status = if new_desired != desired || is_late || is_new_try {
            "Pending"
        } else {
            asked.status.map_or(status, StatusName::as_str)
        };
        (new_actual, new_desired, status)
    }
}

impl Specification for Register {
    type State = (State, Option<String>);
    type Operation = Operation;

    fn init() -> Self::State {
        (state(&Dimension::INITIAL), None)
    }

    fn apply(operation: &Operation, (state, tag): &Self::State) -> (bool, Self::State) {
        let is_present =
            |(seen, its): &Seen| seen == state && tag.as_ref().is_none_or(|tag| tag == its);
        let with = |(seen, tag): &Seen| (*seen, Some(tag.clone()));
        match operation {
            Operation::Found(seen) => (true, with(seen)),
            Operation::Read(seen) => (is_present(seen), with(seen)),
            Operation::Change { asked, known, told } => {
                let holds = known.is_none() || known == tag;
                let after = if holds {
                    Self::merged(asked, *state)
                } else {
                    *state
                };
                match told {
                    None if after == *state => (true, (after, tag.clone())),
                    None => (true, (after, None)),
                    Some(Outcome::Refused(seen)) => (!holds && is_present(seen), with(seen)),
                    Some(Outcome::Done(seen)) if after == *state => {
                        (holds && is_present(seen), with(seen))
                    }
                    Some(Outcome::Done(seen)) => {
                        let is_new = tag.as_ref() != Some(&seen.1);
                        (holds && is_new && seen.0 == after, with(seen))
                    }
                }
            }
        }
    }
}

fn state(dimension: &Dimension) -> State {
    (
        dimension.actual.get().to_bits(),
        dimension.desired.get().to_bits(),
        dimension.status.name(),
    )
}

pub(crate) fn seen(stored: &Stored) -> Seen {
    (state(&stored.state), stored.tag.as_str().to_owned())
}

/// How a client changes the dimension.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writer {
    /// As the functions do.
    Conditional,
    /// Reads, and then writes what it made of that over whatever is there by then: the mistake to be found.
    Planted,
}

pub(crate) type Actions = Arc<Mutex<Vec<(usize, Action<Operation>)>>>;

pub(crate) fn push(actions: &Actions, client: usize, action: Action<Operation>) {
    actions.lock().unwrap().push((client, action));
}

/// What a client remembers: what it saw last, and what it saw some time ago, as one that crashed and came back.
pub(crate) type Memory = [Option<Seen>; 2];

/// A change at random, or a read.
fn chosen(rng: &mut Rng, memory: &Memory) -> Option<(Asked, Option<String>)> {
    let remembered = memory[usize::from(rng.u8(0..4) == 0)].clone();
    // Most values are new. Owners report what they knew to be desired, and some order it once more.
    let new = f64::from(rng.u32(0..10_000));
    let (ordered, tag) = remembered.map_or((new, None), |((_, desired, _), tag)| {
        (f64::from_bits(desired), Some(tag))
    });
    let asked = |actual, desired, status| Asked {
        actual,
        desired,
        status,
    };
    let careful = tag.filter(|_| rng.bool());
    Some(match rng.u8(0..10) {
        0 => (asked(Some(new), None, None), None),
        1 => (asked(None, Some(new), None), None),
        2 => (asked(None, Some(ordered), None), None),
        3 => (asked(None, None, Some(StatusName::InProgress)), careful),
        4 => {
            let status = Some(StatusName::Successful);
            (asked(Some(ordered), None, status), careful)
        }
        5 => {
            let status = Some(StatusName::Successful);
            (asked(Some(ordered), Some(ordered), status), careful)
        }
        6 => (asked(None, None, Some(StatusName::Failed)), careful),
        _ => return None,
    })
}

/// One operation at random. Answers it where its outcome is not known.
pub(crate) async fn operate(
    dimensions: &DynamoDimensions,
    id: &DimensionId,
    rng: &mut Rng,
    memory: &mut Memory,
    (actions, client): (&Actions, usize),
    writer: Writer,
) -> Option<Operation> {
    let Some((asked, known)) = chosen(rng, memory) else {
        let nothing = (state(&Dimension::INITIAL), String::new());
        push(actions, client, Action::Call(Operation::Read(nothing)));
        let read = seen(&dimensions.read(id).await.unwrap());
        push(
            actions,
            client,
            Action::Response(Operation::Read(read.clone())),
        );
        memory.swap(0, 1);
        memory[0] = Some(read);
        return None;
    };
    let operation = |told| Operation::Change {
        asked: asked.clone(),
        known: known.clone(),
        told,
    };
    let capacity = |number: Option<f64>| number.map(|number| Capacity::new(number).unwrap());
    let patch = Patch {
        actual: capacity(asked.actual),
        desired: capacity(asked.desired),
        status: asked.status,
        failure_reason: None,
    };
    let transition = |stored: &Stored| {
        if known.as_ref().is_some_and(|tag| tag != stored.tag.as_str()) {
            return Err(seen(stored));
        }
        Ok(patch.apply(&stored.state).unwrap())
    };
    push(actions, client, Action::Call(operation(None)));
    let changed = match writer {
        Writer::Conditional => dimensions.update(id, transition).await,
        Writer::Planted => match transition(&dimensions.read(id).await.unwrap()) {
            Err(present) => Err(UpdateError::Refused(present)),
            Ok(after) => {
                tokio::time::sleep(Duration::from_millis(1)).await;
                let written = dimensions
                    .update(id, |_| Ok::<_, Infallible>(after.clone()))
                    .await;
                Ok(written.unwrap())
            }
        },
    };
    if rng.u32(0..LOST) == 0 {
        return Some(operation(None));
    }
    let outcome = match changed {
        Ok(change) => {
            let left = (state(&change.after), change.tag.as_str().to_owned());
            memory[0] = Some(left.clone());
            Outcome::Done(left)
        }
        Err(UpdateError::Refused(present)) => Outcome::Refused(present),
        Err(UpdateError::Store(StoreError::Unavailable { .. })) => return Some(operation(None)),
        Err(error) => panic!("{error:?}"),
    };
    push(actions, client, Action::Response(operation(Some(outcome))));
    None
}

/// Records `operations` of each client; answers how many had an unknown outcome, or nothing where no order explains them.
async fn explained(run: &Run, number: usize, operations: usize, writer: Writer) -> Option<usize> {
    let stores = Stores::start().await;
    let id = Arc::new(DimensionId::parse("1-23456789").unwrap());
    // They know nothing of each other, like so many instances of a function.
    let watcher = stores.dimensions();
    let mut clients: Vec<(DynamoDimensions, Rng, Memory)> = (0..CLIENTS)
        .map(|client| {
            let rng = run.rng(number * CLIENTS + client);
            (stores.dimensions(), rng, Memory::default())
        })
        .collect();
    let (mut explained, mut unknown) = (true, 0);
    for _ in 0..operations / SEGMENT {
        let found = Operation::Found(seen(&watcher.read(&id).await.unwrap()));
        let actions: Actions = Arc::new(Mutex::new(vec![
            (CLIENTS, Action::Call(found.clone())),
            (CLIENTS, Action::Response(found)),
        ]));
        let mut tasks = JoinSet::new();
        for (client, (dimensions, mut rng, mut memory)) in clients.drain(..).enumerate() {
            let (id, actions) = (Arc::clone(&id), Arc::clone(&actions));
            tasks.spawn(async move {
                let (mut open, mut process) = (Vec::new(), client);
                for _ in 0..SEGMENT {
                    let place = (&actions, process);
                    if let Some(operation) =
                        operate(&dimensions, &id, &mut rng, &mut memory, place, writer).await
                    {
                        // It is still open, and nobody does two things at once: the client goes on as another.
                        open.push((process, operation));
                        process += CLIENTS + 1;
                    }
                }
                ((dimensions, rng, memory), open)
            });
        }
        let mut open = Vec::new();
        for (client, operations) in tasks.join_all().await {
            clients.push(client);
            open.extend(operations);
        }
        let last = Operation::Read(seen(&watcher.read(&id).await.unwrap()));
        push(&actions, CLIENTS, Action::Call(last.clone()));
        push(&actions, CLIENTS, Action::Response(last));
        unknown += open.len();
        for (process, operation) in open {
            push(&actions, process, Action::Response(operation));
        }
        let recorded = std::mem::take(&mut *actions.lock().unwrap());
        explained &= WGLChecker::<Register>::is_linearizable(History::from_actions(recorded));
        if !explained {
            break;
        }
    }
    stores.stop().await;
    explained.then_some(unknown)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dimension_is_linearizable() {
    let run = Run::of("linearizability");
    let (runs, operations) = (run.count(1, 20), run.count(100, 2_000));
    let histories = (0..runs).map(|number| {
        let run = run.clone();
        tokio::spawn(async move {
            let explained = explained(&run, number, operations, Writer::Conditional).await;
            explained.unwrap_or_else(|| panic!("no order explains history {number}"))
        })
    });
    // Each waits now and then for the slowest of its clients, which is time for another.
    let unknown: Vec<usize> = stream::iter(histories)
        .buffer_unordered(4)
        .try_collect()
        .await
        .unwrap();
    let unknown: usize = unknown.into_iter().sum();
    // Histories that are mostly silence would prove nothing.
    assert!(
        unknown * 50 <= runs * CLIENTS * operations,
        "{unknown} outcomes are unknown"
    );
    run.seen(format_args!(
        "{runs} histories of {CLIENTS} clients × {operations} operations, each explained by an order; unknown outcomes: {unknown}"
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planted_lost_update_is_found() {
    let run = Run::of("a planted lost update");
    assert!(
        explained(&run, 0, 2_000, Writer::Planted).await.is_none(),
        "the checker explained lost updates"
    );
    run.seen("found");
}
