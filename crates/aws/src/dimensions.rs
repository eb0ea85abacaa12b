//! The scalable target dimensions in a DynamoDB table.

mod errors;
mod item;
mod list;
mod remove;
mod unheard;

use std::{
    collections::HashMap,
    error::Error,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    sync::Arc,
    time::Duration,
};

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::{error::metadata::ProvideErrorMetadata, timeout::TimeoutConfig};
use fleet_core::{
    calls,
    readiness::Probe,
    scaling::{
        Dimension, DimensionChange, DimensionId, ReadDimension, StoredDimension, UpdateDimension,
        UpdateError,
    },
    store::StoreError,
};
use tokio::{
    sync::{Mutex, MutexGuard},
    time::{Instant, timeout_at},
};

use self::{
    errors::{Contention, PutFailure, UnknownOutcome},
    item::{ReadState, WriteId, WriteTrace},
    unheard::Attempts,
};
use crate::{
    budget::{self, TimeBudget, jittered},
    calls::WatchCalls,
    failure::CallFailure,
    settings::DimensionsSettings,
};

/// The time limit of one attempt of a call. DynamoDB answers within milliseconds; the SDK sends the call again, up to
/// its three attempts. A write that was done but not answered survives that through its id.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(5);

/// After how many conflicts an update gives up.
const CONFLICTS: u32 = 256;

/// The waits between conflicts: they double from the first to the last.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(500));

/// How many locks the contended ids of this process share.
const QUEUES: usize = 64;

/// A key that no dimension has, since an id never holds a slash.
const PROBED: &str = "readiness/probe";

/// The dimensions. Clones share one client.
#[derive(Clone, Debug)]
pub struct DynamoDimensions {
    client: Client,
    table: String,
    /// Where the writers of this process that met a conflict wait for each other. This only saves calls: what keeps an
    /// update atomic is the condition of its write.
    queues: Arc<[Mutex<()>]>,
}

impl DynamoDimensions {
    /// The table that `settings` name, reached as `config` says: an [`SdkConfig`](aws_types::SdkConfig), or one of
    /// DynamoDB's client alone. An HTTP client in `config` is used for every call.
    #[must_use]
    pub fn new(
        config: impl Into<aws_sdk_dynamodb::config::Builder>,
        settings: DimensionsSettings,
    ) -> Self {
        // Only what is built says which limits it has, to which this adds one.
        let config = config.into().build();
        let timeouts = config
            .timeout_config()
            .map_or_else(TimeoutConfig::builder, TimeoutConfig::to_builder)
            .operation_attempt_timeout(ATTEMPT_LIMIT);
        let config = config
            .to_builder()
            .timeout_config(timeouts.build())
            .interceptor(WatchCalls::about(&settings.table))
            .build();
        Self {
            client: Client::from_conf(config),
            table: settings.table,
            queues: (0..QUEUES).map(|_| Mutex::new(())).collect(),
        }
    }

    /// Reads the item of `key` as the last successful write left it.
    async fn get_item(
        &self,
        key: &str,
        deadline: Instant,
    ) -> Result<Option<HashMap<String, AttributeValue>>, StoreError> {
        let call = self
            .client
            .get_item()
            .table_name(&self.table)
            .key(item::KEY, AttributeValue::S(key.to_owned()))
            .consistent_read(true)
            .send();
        // Boxed: the SDK's futures are large, and each one around it would copy it.
        let answer = answer_by(deadline, "GetItem", Box::pin(call)).await?;
        Ok(answer.item)
    }

    async fn read_state(
        &self,
        id: &DimensionId,
        deadline: Instant,
    ) -> Result<ReadState, StoreError> {
        item::read(self.get_item(id.as_str(), deadline).await?).map_err(errors::fault)
    }

    /// Replaces what was `seen` by `after`, if it is still there.
    async fn put(
        &self,
        id: &DimensionId,
        (write, attempts): (WriteId, &Attempts),
        seen: &ReadState,
        after: &Dimension,
        deadline: Instant,
    ) -> Result<(), PutFailure> {
        const OPERATION: &str = "PutItem";
        let (item, condition) = item::write(id, write, seen, after);
        let mut call = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        call = match condition {
            None => call.condition_expression(format!("attribute_not_exists({})", item::KEY)),
            Some(seen) => call
                .condition_expression(format!(
                    "{} = :seen AND {} = :seenWrite",
                    item::REVISION,
                    item::WRITE_ID
                ))
                .expression_attribute_values(":seen", seen.number)
                .expression_attribute_values(":seenWrite", seen.write_id),
        };
        let sent = Instant::now();
        let call = call.customize().interceptor(attempts.clone()).send();
        match timeout_at(deadline, Box::pin(call)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(errors::of_put(OPERATION, error)),
            Err(_) => Err(errors::unavailable(CallFailure::TimedOut {
                operation: OPERATION,
                waited: sent.elapsed(),
            })
            .into()),
        }
    }

    /// Waits for its turn among the writers of this process that met a conflict on `id`.
    async fn queue(&self, id: &DimensionId, deadline: Instant) -> Option<MutexGuard<'_, ()>> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(id);
        let queue = usize::try_from(hash % QUEUES as u64).unwrap_or_default();
        timeout_at(deadline, self.queues[queue].lock()).await.ok()
    }
}

/// What `call` answers by `deadline`.
async fn answer_by<T, E>(
    deadline: Instant,
    operation: &'static str,
    call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
) -> Result<T, StoreError>
where
    E: Error + ProvideErrorMetadata + 'static,
{
    let sent = Instant::now();
    match timeout_at(deadline, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(errors::store_error(operation, &error)),
        Err(_) => Err(errors::unavailable(CallFailure::TimedOut {
            operation,
            waited: sent.elapsed(),
        })),
    }
}

impl ReadDimension for DynamoDimensions {
    async fn read(&self, id: &DimensionId) -> Result<StoredDimension, StoreError> {
        Ok(self
            .read_state(id, TimeBudget::start().work())
            .await?
            .stored)
    }
}

impl UpdateDimension for DynamoDimensions {
    async fn update<E: Send>(
        &self,
        id: &DimensionId,
        transition: impl Fn(&StoredDimension) -> Result<Dimension, E> + Send + Sync,
    ) -> Result<DimensionChange, UpdateError<E>> {
        let budget = TimeBudget::start();
        let mut seen = self.read_state(id, budget.work()).await?;
        let mut turn = None;
        // One id for all that this update puts, and never a put of something else while an earlier one may still arrive: so
        // the id in an item says that this update is done.
        let write = WriteId::random();
        let attempts = Attempts::default();
        for conflicts in 1..=CONFLICTS {
            let after = transition(&seen.stored).map_err(UpdateError::Refused)?;
            let before = seen.stored.state.clone();
            if after == before {
                let tag = seen.stored.tag;
                return Ok(DimensionChange { before, after, tag });
            }
            let put = self.put(id, (write, &attempts), &seen, &after, budget.end());
            let newer = match put.await {
                Ok(()) => {
                    let tag = write.tag();
                    return Ok(DimensionChange { before, after, tag });
                }
                Err(PutFailure::Store(error)) => return Err(error.into()),
                // The conflict brought the newer state with it.
                Err(PutFailure::Conflict(newer)) => newer,
                Err(PutFailure::Race) => self.read_state(id, budget.work()).await?,
            };
            match newer.trace(write, &seen) {
                WriteTrace::Written => {
                    let tag = write.tag();
                    return Ok(DimensionChange { before, after, tag });
                }
                // To do it again could undo what others have done since.
                WriteTrace::Lost if attempts.has_unheard() => {
                    return Err(errors::unavailable(UnknownOutcome).into());
                }
                WriteTrace::Lost | WriteTrace::NotWritten => {}
            }
            if newer.stored.tag != seen.stored.tag {
                // What they expected is gone, so they cannot arrive any more.
                attempts.forget();
            }
            seen = newer;
            calls::record_retry();
            if turn.is_none() {
                turn = self.queue(id, budget.work()).await;
            }
            // The first conflict sends a writer to its queue, where what it saw becomes stale; the second brings a fresh state,
            // which is used at once. From then on writers of other processes are in the way: every other time they go
            // first, and the state from the conflict after the wait is again used at once.
            let waits = conflicts > 2 && conflicts % 2 == 1;
            let delay = BACKOFF
                .0
                .saturating_mul(2_u32.saturating_pow(conflicts / 2))
                .min(BACKOFF.1);
            if budget.is_spent() || (waits && !budget.sleep(jittered(delay)).await) {
                break;
            }
        }
        Err(errors::unavailable(Contention).into())
    }
}

impl Probe for DynamoDimensions {
    /// Reads a key that no item has: the functions may already do that, while `DescribeTable` would need a permission of
    /// its own, and it proves that reading works.
    async fn probe(&self) -> Result<(), StoreError> {
        self.get_item(PROBED, Instant::now() + budget::PROBE)
            .await
            .map(drop)
    }
}
