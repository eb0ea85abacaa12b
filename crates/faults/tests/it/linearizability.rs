//! A dimension behaves as one register that clients take turns at, whichever instance of a function serves them.
//!
//! Eight clients, each with functions of its own, record what they asked for, when, and what they were told; the checker
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
        Capacity, Change, Dimension, DimensionId, ReadDimension, UpdateDimension as _, UpdateError,
        production::Patch,
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

/// The state in the bits that the checker compares: actual, desired and status.
type State = (u64, u64, &'static str);

/// One operation with what it answered.
#[derive(Clone, Debug)]
enum Operation {
    /// The state at the beginning of a part of the history.
    Found(State),
    Read(State),
    Actual(u64, Told),
    Desired(u64, Told),
}

/// What a writer was told; nothing where the store could not say whether it wrote, as when other writers came between
/// each time. Such an operation ends after all others of its part, so that it may have been done at any time or not at all.
type Told = Option<State>;

/// A dimension in production mode, said once more in as few words as there are.
struct Register;

impl Specification for Register {
    type State = State;
    type Operation = Operation;

    fn init() -> State {
        state(&Dimension::INITIAL)
    }

    fn apply(operation: &Operation, (actual, desired, status): &State) -> (bool, State) {
        let (told, after) = match operation {
            Operation::Found(told) => (Some(*told), *told),
            Operation::Read(told) => (Some(*told), (*actual, *desired, *status)),
            Operation::Actual(value, told) => (*told, (*value, *desired, *status)),
            Operation::Desired(value, told) => (
                *told,
                (
                    *actual,
                    *value,
                    if value == desired { *status } else { "Pending" },
                ),
            ),
        };
        (told.is_none_or(|told| told == after), after)
    }
}

fn state(dimension: &Dimension) -> State {
    (
        dimension.actual.get().to_bits(),
        dimension.desired.get().to_bits(),
        dimension.status.name(),
    )
}

/// How a client changes the dimension.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writer {
    /// As the functions do.
    Conditional,
    /// Reads, and then writes what it made of that over whatever is there by then: the mistake to be found.
    Planted,
}

type Actions = Arc<Mutex<Vec<(usize, Action<Operation>)>>>;

fn push(actions: &Actions, client: usize, action: Action<Operation>) {
    actions.lock().unwrap().push((client, action));
}

/// One operation at random. Answers it where its outcome is not known.
async fn operate(
    dimensions: &DynamoDimensions,
    id: &DimensionId,
    rng: &mut Rng,
    actions: &Actions,
    client: usize,
    writer: Writer,
) -> Option<Operation> {
    // Values repeat now and then, and most are new.
    let (kind, value) = (rng.u8(0..4), f64::from(rng.u32(0..10_000)));
    let (operation, patch): (fn(u64, Told) -> Operation, _) = match kind {
        0 => (
            Operation::Actual,
            Patch {
                actual: Capacity::new(value).ok(),
                ..Patch::default()
            },
        ),
        1 => (
            Operation::Desired,
            Patch {
                desired: Capacity::new(value).ok(),
                ..Patch::default()
            },
        ),
        _ => {
            push(
                actions,
                client,
                Action::Call(Operation::Read(Register::init())),
            );
            let read = dimensions.read(id).await.unwrap();
            push(
                actions,
                client,
                Action::Response(Operation::Read(state(&read))),
            );
            return None;
        }
    };
    push(
        actions,
        client,
        Action::Call(operation(value.to_bits(), None)),
    );
    let change: Change = match writer {
        Writer::Conditional => match dimensions.update(id, |state| patch.apply(state)).await {
            Ok(change) => change,
            Err(UpdateError::Store(StoreError::Unavailable { .. })) => {
                return Some(operation(value.to_bits(), None));
            }
            Err(error) => panic!("{error:?}"),
        },
        Writer::Planted => {
            let after = patch.apply(&dimensions.read(id).await.unwrap()).unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
            dimensions
                .update(id, |_| Ok::<_, Infallible>(after.clone()))
                .await
                .unwrap()
        }
    };
    push(
        actions,
        client,
        Action::Response(operation(value.to_bits(), Some(state(&change.after)))),
    );
    None
}

/// Records `operations` of each client; answers how many had an unknown outcome, or nothing where no order explains them.
async fn explained(run: &Run, number: usize, operations: usize, writer: Writer) -> Option<usize> {
    let stores = Stores::start().await;
    let id = Arc::new(DimensionId::parse("1-23456789").unwrap());
    // They know nothing of each other, like so many instances of a function.
    let watcher = stores.dimensions();
    let mut clients: Vec<(DynamoDimensions, Rng)> = (0..CLIENTS)
        .map(|client| (stores.dimensions(), run.rng(number * CLIENTS + client)))
        .collect();
    let (mut explained, mut unknown) = (true, 0);
    for _ in 0..operations / SEGMENT {
        let found = Operation::Found(state(&watcher.read(&id).await.unwrap()));
        let actions: Actions = Arc::new(Mutex::new(vec![
            (CLIENTS, Action::Call(found.clone())),
            (CLIENTS, Action::Response(found)),
        ]));
        let mut tasks = JoinSet::new();
        for (client, (dimensions, mut rng)) in clients.drain(..).enumerate() {
            let (id, actions) = (Arc::clone(&id), Arc::clone(&actions));
            tasks.spawn(async move {
                let (mut open, mut process) = (Vec::new(), client);
                for _ in 0..SEGMENT {
                    if let Some(operation) =
                        operate(&dimensions, &id, &mut rng, &actions, process, writer).await
                    {
                        // It is still open, and nobody does two things at once: the client goes on as another.
                        open.push((process, operation));
                        process += CLIENTS + 1;
                    }
                }
                (dimensions, rng, open)
            });
        }
        let mut open = Vec::new();
        for (dimensions, rng, operations) in tasks.join_all().await {
            clients.push((dimensions, rng));
            open.extend(operations);
        }
        let last = Operation::Read(state(&watcher.read(&id).await.unwrap()));
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
        unknown * 100 <= runs * CLIENTS * operations,
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
