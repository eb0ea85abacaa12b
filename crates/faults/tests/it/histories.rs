//! The operations of one dimension's clients and their responses, and whether an order explains them.
//!
//! The clients order overlapping capacities, and report as owners do: two for the same order, one that comes back with
//! its knowledge from before a crash, one whose responses are lost. The checker of `todc-utils` (Wing, Gong and Lowe's
//! algorithm) looks for an order that explains everything.

use std::{
    convert::Infallible,
    mem,
    sync::{Arc, Mutex},
    time::Duration,
};

use fastrand::Rng;
use fleet_aws::DynamoDimensions;
use fleet_core::{
    scaling::{
        Capacity, Dimension, DimensionId, ReadDimension, StatusName, StoredDimension,
        UpdateDimension as _, UpdateError, production::DimensionPatch,
    },
    store::StoreError,
};
use todc_utils::{
    linearizability::{
        WGLChecker,
        history::{Action, History},
    },
    specifications::Specification,
};
use tokio::{task::JoinSet, time::sleep};

/// One in this many writers never gets the response to its change, and continues with what it knew.
const LOST: u32 = 500;

/// The state in the bits that the checker compares: actual, desired and status.
type RegisterState = (u64, u64, &'static str);

/// A state with its tag.
type TaggedState = (RegisterState, String);

/// The fields of a change.
#[derive(Clone, Debug, Default)]
struct RequestedChange {
    actual: Option<f64>,
    desired: Option<f64>,
    status: Option<StatusName>,
}

/// One operation with its response.
#[derive(Clone, Debug)]
enum RegisterOperation {
    /// The state at the beginning of a part of the history.
    Found(TaggedState),
    Read(TaggedState),
    Change {
        asked: RequestedChange,
        /// The tag in `If-Match`.
        known: Option<String>,
        told: WriteResponse,
    },
}

/// The response to a writer; `None` if the store could not say whether it wrote, for example because other writers
/// came in between every time. Such an operation ends after all others of its part, so that it may have been done at
/// any time or not at all.
type WriteResponse = Option<WriteOutcome>;

#[derive(Clone, Debug)]
enum WriteOutcome {
    /// Done, with the state after it.
    Done(TaggedState),
    /// Refused, with the current state, which is not the one that the writer knew.
    Refused(TaggedState),
}

/// A minimal model of a dimension in production mode. The tag is unknown after a change with an unknown outcome.
struct Register;

impl Register {
    fn merged(asked: &RequestedChange, (actual, desired, status): RegisterState) -> RegisterState {
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
    type State = (RegisterState, Option<String>);
    type Operation = RegisterOperation;

    fn init() -> Self::State {
        (state(&Dimension::INITIAL), None)
    }

    fn apply(operation: &RegisterOperation, (state, tag): &Self::State) -> (bool, Self::State) {
        let is_present =
            |(seen, its): &TaggedState| seen == state && tag.as_ref().is_none_or(|tag| tag == its);
        let with = |(seen, tag): &TaggedState| (*seen, Some(tag.clone()));
        match operation {
            RegisterOperation::Found(seen) => (true, with(seen)),
            RegisterOperation::Read(seen) => (is_present(seen), with(seen)),
            RegisterOperation::Change { asked, known, told } => {
                let holds = known.is_none() || known == tag;
                let after = if holds {
                    Self::merged(asked, *state)
                } else {
                    *state
                };
                match told {
                    None if after == *state => (true, (after, tag.clone())),
                    None => (true, (after, None)),
                    Some(WriteOutcome::Refused(seen)) => (!holds && is_present(seen), with(seen)),
                    Some(WriteOutcome::Done(seen)) if after == *state => {
                        (holds && is_present(seen), with(seen))
                    }
                    Some(WriteOutcome::Done(seen)) => {
                        let is_new = tag.as_ref() != Some(&seen.1);
                        (holds && is_new && seen.0 == after, with(seen))
                    }
                }
            }
        }
    }
}

fn state(dimension: &Dimension) -> RegisterState {
    (
        dimension.actual.get().to_bits(),
        dimension.desired.get().to_bits(),
        dimension.status.name(),
    )
}

fn seen(stored: &StoredDimension) -> TaggedState {
    (state(&stored.state), stored.tag.as_str().to_owned())
}

/// How a client changes the dimension.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriterKind {
    /// Like the functions.
    Conditional,
    /// Reads, and then overwrites whatever is there by then with its result: the planted bug to be found.
    Planted,
}

type Actions = Arc<Mutex<Vec<(usize, Action<RegisterOperation>)>>>;

fn push(actions: &Actions, client: usize, action: Action<RegisterOperation>) {
    actions.lock().unwrap().push((client, action));
}

/// What a client remembers: what it saw last, and what it saw some time ago, like one that crashed and came back.
type ClientMemory = [Option<TaggedState>; 2];

/// A random change, or a read.
fn chosen(rng: &mut Rng, memory: &ClientMemory) -> Option<(RequestedChange, Option<String>)> {
    let remembered = memory[usize::from(rng.u8(0..4) == 0)].clone();
    // Most values are new. Owners report the desired capacity that they know, and some order it again.
    let new = f64::from(rng.u32(0..10_000));
    let (ordered, tag) = remembered.map_or((new, None), |((_, desired, _), tag)| {
        (f64::from_bits(desired), Some(tag))
    });
    let asked = |actual, desired, status| RequestedChange {
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

/// Runs a random operation. Returns it if its outcome is unknown.
async fn operate(
    HistoryClient {
        dimensions,
        rng,
        memory,
    }: &mut HistoryClient,
    id: &DimensionId,
    (actions, client): (&Actions, usize),
    writer: WriterKind,
) -> Option<RegisterOperation> {
    let Some((asked, known)) = chosen(rng, memory) else {
        let nothing = (state(&Dimension::INITIAL), String::new());
        push(
            actions,
            client,
            Action::Call(RegisterOperation::Read(nothing)),
        );
        let read = seen(&dimensions.read(id).await.unwrap());
        push(
            actions,
            client,
            Action::Response(RegisterOperation::Read(read.clone())),
        );
        memory.swap(0, 1);
        memory[0] = Some(read);
        return None;
    };
    let operation = |told| RegisterOperation::Change {
        asked: asked.clone(),
        known: known.clone(),
        told,
    };
    let capacity = |number: Option<f64>| number.map(|number| Capacity::new(number).unwrap());
    let patch = DimensionPatch {
        actual: capacity(asked.actual),
        desired: capacity(asked.desired),
        status: asked.status,
        failure_reason: None,
    };
    let transition = |stored: &StoredDimension| {
        if known.as_ref().is_some_and(|tag| tag != stored.tag.as_str()) {
            return Err(seen(stored));
        }
        Ok(patch.apply(&stored.state).unwrap())
    };
    push(actions, client, Action::Call(operation(None)));
    let changed = match writer {
        WriterKind::Conditional => dimensions.update(id, transition).await,
        WriterKind::Planted => match transition(&dimensions.read(id).await.unwrap()) {
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
            WriteOutcome::Done(left)
        }
        Err(UpdateError::Refused(present)) => WriteOutcome::Refused(present),
        Err(UpdateError::Store(StoreError::Unavailable { .. })) => return Some(operation(None)),
        Err(error) => panic!("{error:?}"),
    };
    push(actions, client, Action::Response(operation(Some(outcome))));
    None
}

/// A client with a separate function instance.
pub(crate) struct HistoryClient {
    dimensions: DynamoDimensions,
    rng: Rng,
    memory: ClientMemory,
}

impl HistoryClient {
    pub(crate) fn new(dimensions: DynamoDimensions, rng: Rng) -> Self {
        Self {
            dimensions,
            rng,
            memory: ClientMemory::default(),
        }
    }
}

/// The settings of a part of a history.
#[derive(Clone, Copy)]
pub(crate) struct HistoryPart {
    /// How many operations each client runs.
    pub(crate) operations: usize,
    pub(crate) writer: WriterKind,
    /// How long a write takes to reach the watcher's replica.
    pub(crate) settles: Duration,
}

impl HistoryPart {
    /// Records what `clients` do between two reads of `watcher`. Returns how many outcomes are unknown, or `None` if
    /// no order explains the part. Nothing is in progress at its ends, so a history is linearizable if and only if
    /// its parts are, and each part is checked in no time.
    pub(crate) async fn explained(
        self,
        watcher: &DynamoDimensions,
        clients: &mut Vec<HistoryClient>,
    ) -> Option<usize> {
        let id = Arc::new(DimensionId::parse("1-23456789").unwrap());
        let observer = clients.len();
        let actions = Actions::default();
        let found = RegisterOperation::Found(seen(&watcher.read(&id).await.unwrap()));
        push(&actions, observer, Action::Call(found.clone()));
        push(&actions, observer, Action::Response(found));
        let mut tasks = JoinSet::new();
        for (number, mut client) in clients.drain(..).enumerate() {
            let (id, actions) = (Arc::clone(&id), Arc::clone(&actions));
            tasks.spawn(async move {
                let (mut open, mut process) = (Vec::new(), number);
                for _ in 0..self.operations {
                    let place = (&actions, process);
                    if let Some(operation) = operate(&mut client, &id, place, self.writer).await {
                        // It is still open, and a process does one thing at a time: the client continues as another.
                        open.push((process, operation));
                        process += observer + 1;
                    }
                }
                (client, open)
            });
        }
        let mut open = Vec::new();
        for (client, operations) in tasks.join_all().await {
            clients.push(client);
            open.extend(operations);
        }
        sleep(self.settles).await;
        let last = RegisterOperation::Read(seen(&watcher.read(&id).await.unwrap()));
        push(&actions, observer, Action::Call(last.clone()));
        push(&actions, observer, Action::Response(last));
        let unknown = open.len();
        for (process, operation) in open {
            push(&actions, process, Action::Response(operation));
        }
        let recorded = mem::take(&mut *actions.lock().unwrap());
        WGLChecker::<Register>::is_linearizable(History::from_actions(recorded)).then_some(unknown)
    }
}
