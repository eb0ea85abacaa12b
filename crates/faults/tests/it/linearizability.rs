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
use fleet_core::scaling::{Capacity, Change, Dimension, DimensionId, ReadDimension, UpdateDimension as _, production::Patch};
use fleet_faults::{Run, Stores};
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
    Actual(u64, State),
    Desired(u64, State),
}

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
            Operation::Found(told) => (told, *told),
            Operation::Read(told) => (told, (*actual, *desired, *status)),
            Operation::Actual(value, told) => (told, (*value, *desired, *status)),
            Operation::Desired(value, told) => (told, (*actual, *value, if value == desired { *status } else { "Pending" })),
        };
        (*told == after, after)
    }
}

fn state(dimension: &Dimension) -> State {
    (dimension.actual.get().to_bits(), dimension.desired.get().to_bits(), dimension.status.name())
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

/// One operation at random.
async fn operate(dimensions: &DynamoDimensions, id: &DimensionId, rng: &mut Rng, actions: &Actions, client: usize, writer: Writer) {
    // Values repeat now and then, and most are new.
    let (kind, value) = (rng.u8(0..4), f64::from(rng.u32(0..10_000)));
    let (operation, patch): (fn(u64, State) -> Operation, _) = match kind {
        0 => (Operation::Actual, Patch { actual: Capacity::new(value).ok(), ..Patch::default() }),
        1 => (Operation::Desired, Patch { desired: Capacity::new(value).ok(), ..Patch::default() }),
        _ => {
            push(actions, client, Action::Call(Operation::Read(Register::init())));
            let read = dimensions.read(id).await.unwrap();
            return push(actions, client, Action::Response(Operation::Read(state(&read))));
        }
    };
    push(actions, client, Action::Call(operation(value.to_bits(), Register::init())));
    let change: Change = match writer {
        Writer::Conditional => dimensions.update(id, |state| patch.apply(state)).await.unwrap(),
        Writer::Planted => {
            let after = patch.apply(&dimensions.read(id).await.unwrap()).unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
            dimensions.update(id, |_| Ok::<_, Infallible>(after.clone())).await.unwrap()
        }
    };
    push(actions, client, Action::Response(operation(value.to_bits(), state(&change.after))));
}

/// Records `operations` of each client, and answers whether an order explains every part of them.
async fn is_linearizable(run: &Run, number: usize, operations: usize, writer: Writer) -> bool {
    let stores = Stores::start().await;
    let id = Arc::new(DimensionId::parse("1-23456789").unwrap());
    // They know nothing of each other, like so many instances of a function.
    let mut clients: Vec<(DynamoDimensions, Rng)> =
        (0..CLIENTS).map(|client| (stores.dimensions(), run.rng(number * CLIENTS + client))).collect();
    let mut explained = true;
    for _ in 0..operations / SEGMENT {
        let found = Operation::Found(state(&stores.dimensions().read(&id).await.unwrap()));
        let actions: Actions = Arc::new(Mutex::new(vec![(CLIENTS, Action::Call(found.clone())), (CLIENTS, Action::Response(found))]));
        let mut tasks = JoinSet::new();
        for (client, (dimensions, mut rng)) in clients.drain(..).enumerate() {
            let (id, actions) = (Arc::clone(&id), Arc::clone(&actions));
            tasks.spawn(async move {
                for _ in 0..SEGMENT {
                    operate(&dimensions, &id, &mut rng, &actions, client, writer).await;
                }
                (dimensions, rng)
            });
        }
        clients = tasks.join_all().await;
        let last = Operation::Read(state(&stores.dimensions().read(&id).await.unwrap()));
        push(&actions, CLIENTS, Action::Call(last.clone()));
        push(&actions, CLIENTS, Action::Response(last));
        let recorded = std::mem::take(&mut *actions.lock().unwrap());
        explained &= WGLChecker::<Register>::is_linearizable(History::from_actions(recorded));
        if !explained {
            break;
        }
    }
    stores.stop().await;
    explained
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dimension_is_linearizable() {
    let run = Run::of("linearizability");
    let (runs, operations) = (run.count(1, 20), run.count(100, 2_000));
    for number in 0..runs {
        assert!(is_linearizable(&run, number, operations, Writer::Conditional).await, "run {number}");
    }
    println!("linearizability: {runs} histories of {CLIENTS} clients × {operations} operations, each explained by an order");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planted_lost_update_is_found() {
    let run = Run::of("a planted lost update");
    assert!(!is_linearizable(&run, 0, 2_000, Writer::Planted).await, "the checker explained lost updates");
}
