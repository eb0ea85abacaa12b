//! A request's calls to its stores. They go into its log line, its metrics and its trace, and tests check the number
//! of calls that the contract promises.

use std::{
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::SystemTime,
};

tokio::task_local! {
    static RECORD: Arc<Record>;
}

#[derive(Debug, Default)]
struct Record {
    calls: AtomicU32,
    retries: AtomicU32,
    resumes: AtomicU32,
    /// `None` if details are not needed.
    details: Option<Mutex<Vec<Call>>>,
}

/// The calls of one request to its stores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls that were sent, attempts included.
    pub calls: u32,
    /// Calls and operations that were retried.
    pub retries: u32,
    /// How many times it waited for a paused database to resume.
    pub resumes: u32,
    /// Each call, if details were requested.
    pub details: Vec<Call>,
}

/// One call to a service, with all its attempts. It never contains a value from the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The service, as its SDK names it: `DynamoDB`.
    pub service: String,
    /// The operation's name in the service's API.
    pub operation: String,
    /// The table, cluster or secret that the call was about.
    pub resource: String,
    /// When it began.
    pub began: SystemTime,
    /// When it ended or was abandoned.
    pub ended: SystemTime,
    /// How many times it was sent.
    pub attempts: u32,
    /// The HTTP status of the last response; `None` if there was none.
    pub status: Option<u16>,
    /// The name of the exception, if the service refused the call.
    pub exception: Option<String>,
    /// The service's request id, for its support.
    pub request_id: Option<String>,
}

/// Runs `work` and returns its output with the number of calls that it sent, attempts included.
pub async fn count_calls<F: Future>(work: F) -> (F::Output, u32) {
    let (output, tally) = tally_calls(false, work).await;
    (output, tally.calls)
}

/// Runs `work` and returns its output with a tally of its calls to the stores: with `details`, each call as well.
pub async fn tally_calls<F: Future>(details: bool, work: F) -> (F::Output, Tally) {
    let record = Arc::new(Record {
        details: details.then(Mutex::default),
        ..Record::default()
    });
    let output = RECORD.scope(Arc::clone(&record), work).await;
    let tally = Tally {
        calls: record.calls.load(Relaxed),
        retries: record.retries.load(Relaxed),
        resumes: record.resumes.load(Relaxed),
        details: record.details.as_ref().map_or_else(Vec::new, |details| {
            std::mem::take(&mut details.lock().unwrap_or_else(PoisonError::into_inner))
        }),
    };
    (output, tally)
}

// Calls outside a request (while a function starts, say) are not counted.

/// Counts one call that an adapter sends. Like the functions below, it does nothing outside [`tally_calls`].
pub fn record() {
    let _ = RECORD.try_with(|record| record.calls.fetch_add(1, Relaxed));
}

/// Counts one retry of a call or an operation.
pub fn record_retry() {
    let _ = RECORD.try_with(|record| record.retries.fetch_add(1, Relaxed));
}

/// Counts one wait for a paused database.
pub fn record_resume() {
    let _ = RECORD.try_with(|record| record.resumes.fetch_add(1, Relaxed));
}

/// Whether the calls of this request are recorded one by one.
#[must_use]
pub fn keeps_details() -> bool {
    RECORD.try_with(|record| record.details.is_some()) == Ok(true)
}

/// Records `call`, if calls are recorded.
pub fn record_details(call: Call) {
    let _ = RECORD.try_with(|record| {
        if let Some(details) = &record.details {
            details
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(call);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_calls_within_the_work_are_counted() {
        record();
        record_retry();
        let (output, tally) = tally_calls(false, async {
            record();
            tokio::task::yield_now().await;
            record();
            record_retry();
            record_resume();
            "done"
        })
        .await;
        let expected = Tally {
            calls: 2,
            retries: 1,
            resumes: 1,
            details: Vec::new(),
        };
        assert_eq!((output, tally), ("done", expected));
    }

    #[tokio::test]
    async fn calls_are_kept_one_by_one_only_where_they_are_asked_for() {
        let call = Call {
            service: "DynamoDB".to_owned(),
            operation: "GetItem".to_owned(),
            resource: "table".to_owned(),
            began: SystemTime::UNIX_EPOCH,
            ended: SystemTime::UNIX_EPOCH,
            attempts: 1,
            status: Some(200),
            exception: None,
            request_id: None,
        };
        for (asked, kept) in [(false, vec![]), (true, vec![call.clone()])] {
            let (seen, tally) = tally_calls(asked, async {
                record_details(call.clone());
                keeps_details()
            })
            .await;
            assert_eq!((seen, tally.details), (asked, kept));
        }
    }
}
