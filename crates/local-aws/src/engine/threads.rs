//! Separate threads for the work of clients' statements: their stack size is known, and one that does not
//! end takes no place that others need.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

use tokio::sync::oneshot;

use super::{EngineError, EngineResult, panic_cause};

/// Memory is used only as deep as a statement goes. SQLite's own depth is bounded, and so is the parser's.
const STACK_BYTES: usize = 16 * 1024 * 1024;

/// Work on its own thread.
#[derive(Debug)]
pub(super) struct Work<T> {
    result: oneshot::Receiver<Result<T, Box<dyn Any + Send>>>,
}

/// Starts work on its own thread.
pub(super) fn start<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> EngineResult<Work<T>> {
    let (sender, result) = oneshot::channel();
    thread::Builder::new()
        .name("sql".into())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            // There may be no one waiting any more.
            let _ = sender.send(catch_unwind(AssertUnwindSafe(work)));
        })
        .map_err(|error| EngineError::Internal(format!("no thread for a statement: {error}")))?;
    Ok(Work { result })
}

impl<T> Work<T> {
    /// Waits for the work's end. May be dropped and called again.
    pub(super) async fn done(&mut self) -> EngineResult<T> {
        match (&mut self.result).await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(panic)) => Err(EngineError::Internal(panic_cause(&*panic))),
            Err(_) => Err(EngineError::Internal("a statement's thread is gone".into())),
        }
    }
}

/// Runs work on its own thread and waits for it.
pub(super) async fn run<T: Send + 'static>(
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
}
