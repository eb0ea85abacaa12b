//! How fast time passes for the service.

use std::time::Duration;

/// The service's pace. AWS evaluates one datapoint a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScalingPace {
    /// The interval between datapoints.
    pub period: Duration,
    /// How often an activity in progress is checked.
    pub poll: Duration,
}

impl Default for ScalingPace {
    fn default() -> Self {
        Self {
            period: Duration::from_secs(60),
            poll: Duration::from_secs(10),
        }
    }
}
