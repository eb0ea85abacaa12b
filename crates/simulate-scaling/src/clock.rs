//! The simulated time, which may run faster than real time.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep_until};

/// How fast the simulated time runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ClockSpeed {
    /// It jumps to the next event: a day takes only as long as its requests.
    Jump,
    /// This many simulated seconds per real second; 1 is real time.
    Times(f64),
}

/// A clock that starts at a time of the simulation.
#[derive(Debug)]
pub struct SimulationClock {
    start: Timestamp,
    began: Instant,
    speed: ClockSpeed,
}

impl SimulationClock {
    /// Begins now.
    #[must_use]
    pub fn new(start: Timestamp, speed: ClockSpeed) -> Self {
        Self {
            start,
            began: Instant::now(),
            speed,
        }
    }

    /// Waits until it is `time` in the simulation, which may have passed already if requests took longer.
    pub async fn wait_until(&self, time: Timestamp) {
        let ClockSpeed::Times(factor) = self.speed else {
            return;
        };
        let seconds = time.duration_since(self.start).as_secs_f64() / factor;
        if let Ok(after) = Duration::try_from_secs_f64(seconds)
            && let Some(instant) = self.began.checked_add(after)
        {
            sleep_until(instant).await;
        }
    }
}
