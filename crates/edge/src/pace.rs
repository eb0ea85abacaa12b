//! Rate-limits a repeated log line.

use std::time::Duration;

use tokio::time::Instant;

/// The shortest interval between two such lines.
const PAUSE: Duration = Duration::from_secs(1);

/// Suppresses a log line that repeats too often.
#[derive(Debug, Default)]
pub(crate) struct LogPace {
    last: Option<Instant>,
    held_back: u64,
}

impl LogPace {
    /// Whether the line may be written now; if so, how many times it was suppressed since the last one.
    pub(crate) fn next(&mut self) -> Option<u64> {
        let now = Instant::now();
        if self.last.is_some_and(|last| now - last < PAUSE) {
            self.held_back += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.held_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_line_comes_once_a_second_and_tells_how_many_were_held_back() {
        let mut pace = LogPace::default();
        assert_eq!([(); 4].map(|()| pace.next()), [Some(0), None, None, None]);
        tokio::time::advance(PAUSE).await;
        assert_eq!([(); 2].map(|()| pace.next()), [Some(3), None]);
    }
}
