//! Separate threads for the work of clients' statements: their stack size is known, and one that does not
//! end takes no place that others need. They are used again: making one costs more than many a statement.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, PoisonError,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use tokio::sync::oneshot;

use crate::engine::{EngineError, EngineResult, panic_cause};

/// Memory is used only as deep as a statement goes. SQLite's own depth is bounded, and so is the parser's.
const STACK_BYTES: usize = 16 * 1024 * 1024;
/// How many threads without work wait for the next: as many as statements run at once.
const MAX_IDLE: usize = 8;
/// How long they wait.
const IDLE_TIME: Duration = Duration::from_secs(10);

type Job = Box<dyn FnOnce() + Send>;

/// The ways to the threads without work. The last one to come is the first to go: its memory is still at hand.
static IDLE: Mutex<Vec<(thread::ThreadId, mpsc::Sender<Job>)>> = Mutex::new(Vec::new());

/// Work on its own thread.
#[derive(Debug)]
pub(crate) struct Work<T> {
    result: oneshot::Receiver<Result<T, Box<dyn Any + Send>>>,
}

/// Starts work on its own thread: one that waits for work, or a new one.
pub(crate) fn start<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> EngineResult<Work<T>> {
    let (sender, result) = oneshot::channel();
    let job: Job = Box::new(move || {
        // There may be no one waiting any more.
        let _ = sender.send(catch_unwind(AssertUnwindSafe(work)));
    });
    let idle = idle().pop();
    let job = match idle {
        // A thread whose way is in the list takes what comes by it.
        Some((_, thread)) => match thread.send(job) {
            Ok(()) => return Ok(Work { result }),
            Err(mpsc::SendError(job)) => job,
        },
        None => job,
    };
    thread::Builder::new()
        .name("sql".into())
        .stack_size(STACK_BYTES)
        .spawn(move || serve(job))
        .map_err(|error| EngineError::Internal(format!("no thread for a statement: {error}")))?;
    Ok(Work { result })
}

/// Does a job, and others while there are some.
fn serve(first: Job) {
    first();
    let own = thread::current().id();
    loop {
        let (way, jobs) = mpsc::channel();
        {
            let mut idle = idle();
            if idle.len() >= MAX_IDLE {
                return;
            }
            idle.push((own, way));
        }
        let job = match jobs.recv_timeout(IDLE_TIME) {
            Ok(job) => job,
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {
                let mut idle = idle();
                match idle.iter().position(|(id, _)| *id == own) {
                    Some(position) => {
                        idle.remove(position);
                        return;
                    }
                    // Somebody has just taken the way, and sends by it.
                    None => {
                        drop(idle);
                        match jobs.recv() {
                            Ok(job) => job,
                            Err(mpsc::RecvError) => return,
                        }
                    }
                }
            }
        };
        job();
    }
}

fn idle() -> std::sync::MutexGuard<'static, Vec<(thread::ThreadId, mpsc::Sender<Job>)>> {
    // Nothing panics while it holds it.
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Work<T> {
    /// Waits for the work's end. May be dropped and called again.
    pub(crate) async fn done(&mut self) -> EngineResult<T> {
        match (&mut self.result).await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(panic)) => Err(EngineError::Internal(panic_cause(&*panic))),
            Err(_) => Err(EngineError::Internal("a statement's thread is gone".into())),
        }
    }
}

/// Runs work on its own thread and waits for it.
pub(crate) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> EngineResult<T> {
    start(work)?.done().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_of_the_work_alone() {
        let result = run(|| panic!("a literal")).await.map(|never: ()| never);
        assert_eq!(
            result,
            Err(EngineError::Internal("panic: a literal".into()))
        );
        assert_eq!(run(|| 7).await, Ok(7));
    }

    #[tokio::test]
    async fn work_that_does_not_end_keeps_no_other_from_a_thread() {
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let ended = std::sync::Arc::new(Mutex::new(ended));
        let mut stuck: Vec<_> = (0..3 * MAX_IDLE)
            .map(|_| {
                let ended = std::sync::Arc::clone(&ended);
                start(move || ended.lock().unwrap().recv().is_err()).unwrap()
            })
            .collect();
        for number in 0..3 * MAX_IDLE {
            assert_eq!(run(move || number).await, Ok(number));
        }
        drop(end);
        for work in &mut stuck {
            assert_eq!(work.done().await, Ok(true));
        }
    }

    #[tokio::test]
    async fn a_thread_that_is_done_is_used_again() {
        // Other tests take and leave threads at the same time, but not this often.
        let mut threads = std::collections::HashSet::new();
        for _ in 0..1_000 {
            threads.insert(run(|| thread::current().id()).await.unwrap());
        }
        assert!(threads.len() < 500, "{}", threads.len());
    }
}
