//! How fast time passes for the service.

use std::time::Duration;

/// How fast it is. AWS looks at datapoints of a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScalingPace {
    /// How far apart datapoints are.
    pub period: Duration,
    /// How often an activity under way is looked at.
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
