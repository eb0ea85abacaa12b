//! Separate threads for clients' statements: their stack size is known, and a statement that never ends does not occupy
//! a thread that others need. Threads are reused: creating one costs more than many a statement.
//!
//! Waking a thread costs as much as a short statement. So while as many threads are busy as there are processors,
//! further work waits for the next one to become free, but only for [`PATIENCE`]: the busy ones may take long.

use std::{
    any::Any,
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use tokio::{sync::oneshot, time::timeout};

use crate::engine::{EngineError, EngineResult, panic_cause};

/// Memory is used only as deep as a statement goes. The depth of both SQLite and the parser is bounded.
const STACK_BYTES: usize = 16 * 1024 * 1024;
/// How many idle threads are kept: as many as statements run at once.
const MAX_IDLE: usize = 8;
/// How long idle threads wait for work.
const IDLE_TIME: Duration = Duration::from_secs(10);
/// How long work waits for a busy thread before it gets another one.
const PATIENCE: Duration = Duration::from_millis(2);

/// How many threads must be busy before work waits for one of them.
static AT_WORK: LazyLock<usize> =
    LazyLock::new(|| thread::available_parallelism().map_or(1, usize::from));
static POOL: Mutex<ThreadPool> = Mutex::new(ThreadPool {
    queue: VecDeque::new(),
    idle: Vec::new(),
    at_work: 0,
});

type Job = Box<dyn FnOnce() + Send>;

struct ThreadPool {
    /// Work that no thread has taken yet.
    queue: VecDeque<Job>,
    /// The idle threads. The last to come is the first to go, since its memory is still in the cache.
    idle: Vec<Thread>,
    /// How many threads are working or about to look for work.
    at_work: usize,
}

/// Work on its own thread.
#[derive(Debug)]
pub(crate) struct ThreadWork<T> {
    result: oneshot::Receiver<Result<T, Box<dyn Any + Send>>>,
    /// Whether it waits for a busy thread.
    is_patient: bool,
}

/// Starts work on its own thread: an idle one, a new one, or the next to become free.
pub(crate) fn start<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> EngineResult<ThreadWork<T>> {
    let (sender, result) = oneshot::channel();
    let mut pool = pool();
    pool.queue.push_back(job(sender, work));
    let is_patient = pool.at_work >= *AT_WORK;
    if !is_patient {
        add_thread(pool)?;
    }
    Ok(ThreadWork { result, is_patient })
}

fn job<T: Send + 'static>(
    sender: oneshot::Sender<Result<T, Box<dyn Any + Send>>>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Job {
    Box::new(move || {
        // With no one waiting, the failure has already been reported, so the work must not be done.
        if sender.is_closed() {
            return;
        }
        // There may be no one waiting any more.
        let _ = sender.send(catch_unwind(AssertUnwindSafe(work)));
    })
}

/// Puts one more thread to work.
fn add_thread(mut pool: MutexGuard<'static, ThreadPool>) -> EngineResult<()> {
    pool.at_work += 1;
    let idle = pool.idle.pop();
    drop(pool);
    if let Some(thread) = idle {
        thread.unpark();
        return Ok(());
    }
    let made = thread::Builder::new()
        .name("sql".into())
        .stack_size(STACK_BYTES)
        .spawn(serve);
    match made {
        Ok(_) => Ok(()),
        Err(error) => {
            self::pool().at_work -= 1;
            Err(EngineError::Internal(format!(
                "no thread for a statement: {error}"
            )))
        }
    }
}

/// Adds a thread for each piece of waiting work.
fn add_threads() -> EngineResult<()> {
    let waiting = pool().queue.len();
    (0..waiting).try_for_each(|_| add_thread(pool()))
}

/// Works through the queue until it has been empty for a while.
fn serve() {
    loop {
        let mut pool = self::pool();
        if let Some(job) = pool.queue.pop_front() {
            drop(pool);
            job();
            continue;
        }
        pool.at_work -= 1;
        if pool.idle.len() >= MAX_IDLE {
            return;
        }
        pool.idle.push(thread::current());
        drop(pool);
        if !is_called() {
            return;
        }
    }
}

/// Waits for work; false if none came within [`IDLE_TIME`].
fn is_called() -> bool {
    let own = thread::current().id();
    let until = Instant::now() + IDLE_TIME;
    loop {
        let rest = until.saturating_duration_since(Instant::now());
        thread::park_timeout(rest);
        let mut pool = pool();
        // The caller removes the thread from the list.
        let Some(position) = pool.idle.iter().position(|thread| thread.id() == own) else {
            return true;
        };
        if Instant::now() >= until {
            pool.idle.remove(position);
            return false;
        }
    }
}

fn pool() -> MutexGuard<'static, ThreadPool> {
    // Nothing panics while holding the lock.
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> ThreadWork<T> {
    /// Waits for the work to finish. May be dropped and called again.
    pub(crate) async fn wait(&mut self) -> EngineResult<T> {
        if self.is_patient {
            let early = timeout(PATIENCE, &mut self.result).await;
            self.is_patient = false;
            match early {
                Ok(result) => return ended(result),
                Err(_) => add_threads()?,
            }
        }
        ended((&mut self.result).await)
    }
}

impl<T> Drop for ThreadWork<T> {
    fn drop(&mut self) {
        // Others may wait for something this work holds, and nobody else will start it.
        if self.is_patient {
            let _ = add_threads();
        }
    }
}

fn ended<T>(
    result: Result<Result<T, Box<dyn Any + Send>>, oneshot::error::RecvError>,
) -> EngineResult<T> {
    match result {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(panic)) => Err(EngineError::Internal(panic_cause(&*panic))),
        Err(_) => Err(EngineError::Internal("a statement's thread is gone".into())),
    }
}

/// Runs work on its own thread and waits for it.
pub(crate) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> EngineResult<T> {
    start(work)?.wait().await
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
            assert_eq!(work.wait().await, Ok(true));
        }
    }

    #[tokio::test]
    async fn work_that_waits_for_a_thread_does_not_wait_for_those_that_do_not_end() {
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let ended = std::sync::Arc::new(Mutex::new(ended));
        let stuck: Vec<_> = (0..2 * *AT_WORK)
            .map(|_| {
                let ended = std::sync::Arc::clone(&ended);
                tokio::spawn(run(move || ended.lock().unwrap().recv().is_err()))
            })
            .collect();
        // Polled once, as by someone who is waiting for other things too, and then given up: the work behind it is
        // still done.
        let mut given_up = start(|| ()).unwrap();
        let _ = timeout(Duration::ZERO, given_up.wait()).await;
        drop(given_up);
        assert_eq!(run(|| 7).await, Ok(7));
        drop(end);
        for stuck in stuck {
            assert_eq!(stuck.await.unwrap(), Ok(true));
        }
    }

    #[test]
    fn work_that_nobody_waits_for_is_not_begun() {
        let (sender, result) = oneshot::channel();
        drop(result);
        job(sender, || panic!("begun"))();
        let (sender, mut result) = oneshot::channel();
        job(sender, || 7)();
        assert_eq!(result.try_recv().unwrap().unwrap(), 7);
    }

    #[tokio::test]
    async fn a_thread_that_is_done_is_used_again() {
        // Other tests take and return threads at the same time, but not this often.
        let mut threads = std::collections::HashSet::new();
        for _ in 0..1_000 {
            threads.insert(run(|| thread::current().id()).await.unwrap());
        }
        assert!(threads.len() < 500, "{}", threads.len());
    }
}
