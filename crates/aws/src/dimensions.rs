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

/// The time limit of one attempt of a call. DynamoDB responds within milliseconds; the SDK makes up to three
/// attempts. A repeated write is harmless even if the first one succeeded without a response: its id identifies it.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(5);

/// The number of conflicts after which an update gives up.
const CONFLICTS: u32 = 256;

/// The first and last wait between conflicts; each is twice as long as the one before.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(500));

/// How many locks the contended ids of this process share.
const QUEUES: usize = 64;

/// A key that no dimension has, since an id never contains a slash.
const PROBED: &str = "readiness/probe";

/// The dimensions. Clones share one client.
#[derive(Clone, Debug)]
pub struct DynamoDimensions {
    client: Client,
    table: String,
    /// Where the writers of this process that met a conflict wait for each other. This only saves calls: atomicity
    /// comes from the condition of each write.
    queues: Arc<[Mutex<()>]>,
}

impl DynamoDimensions {
    /// The table that `settings` name. `config` is an [`SdkConfig`](aws_types::SdkConfig), or one for DynamoDB's client
    /// alone. An HTTP client in `config` is used for every call.
    #[must_use]
    pub fn new(
        config: impl Into<aws_sdk_dynamodb::config::Builder>,
        settings: DimensionsSettings,
    ) -> Self {
        // The time limits can only be read from a built configuration; one is added to them.
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

    /// Reads the item with `key` as the last successful write left it.
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

    /// Replaces the state `seen` with `after`, if it is still the stored one.
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

    /// Waits for this writer's turn among those of this process that met a conflict on `id`.
    async fn queue(&self, id: &DimensionId, deadline: Instant) -> Option<MutexGuard<'_, ()>> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(id);
        let queue = usize::try_from(hash % QUEUES as u64).unwrap_or_default();
        timeout_at(deadline, self.queues[queue].lock()).await.ok()
    }
}

/// The response to `call`, if it arrives by `deadline`.
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
        // One id for every put of this update, and never a put of something else while an earlier one may still
        // arrive. So the id in an item proves that this update was done.
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
                // The conflict contains the newer state.
                Err(PutFailure::Conflict(newer)) => newer,
                Err(PutFailure::Race) => self.read_state(id, budget.work()).await?,
            };
            match newer.trace(write, &seen) {
                WriteTrace::Written => {
                    let tag = write.tag();
                    return Ok(DimensionChange { before, after, tag });
                }
                // A repeat could undo what others have done since.
                WriteTrace::Lost if attempts.has_unheard() => {
                    return Err(errors::unavailable(UnknownOutcome).into());
                }
                WriteTrace::Lost | WriteTrace::NotWritten => {}
            }
            if newer.stored.tag != seen.stored.tag {
                // The state that the earlier puts expected is gone, so they can no longer take effect.
                attempts.forget();
            }
            seen = newer;
            calls::record_retry();
            if turn.is_none() {
                turn = self.queue(id, budget.work()).await;
            }
            // The first conflict sends a writer to its queue, where the state that it saw becomes stale; the second
            // brings a fresh one, which is used at once. Further conflicts come from other processes: every other
            // time this writer waits and lets them go first, and the state from the conflict after the wait is again
            // used at once.
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
    /// Reads a key that no item has. The functions already have the permission for this, while `DescribeTable` would
    /// need another one, and it proves that reads work.
    async fn probe(&self) -> Result<(), StoreError> {
        self.get_item(PROBED, Instant::now() + budget::PROBE)
            .await
            .map(drop)
    }
}
