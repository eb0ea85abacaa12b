//! API Gateway's counters: a token bucket for a throttle, and a count for a quota.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use time::OffsetDateTime;

use crate::template::{Quota, QuotaPeriod, Throttle};

/// A token bucket, initially full.
#[derive(Debug)]
pub(super) struct Bucket {
    throttle: Throttle,
    state: Mutex<(f64, Instant)>,
}

impl Bucket {
    pub(super) fn new(throttle: Throttle) -> Self {
        Self {
            throttle,
            state: Mutex::new((throttle.burst, Instant::now())),
        }
    }

    /// Takes a token, if available.
    pub(super) fn take(&self) -> bool {
        self.take_at(Instant::now())
    }

    fn take_at(&self, now: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (tokens, seen) = *state;
        let gained = now.saturating_duration_since(seen).as_secs_f64() * self.throttle.rate;
        let tokens = (tokens + gained).min(self.throttle.burst);
        let taken = tokens >= 1.0;
        *state = (if taken { tokens - 1.0 } else { tokens }, now);
        taken
    }
}

/// The requests of a key within the current period, counted from the server's start.
#[derive(Debug)]
pub(super) struct QuotaCount {
    quota: Quota,
    state: Mutex<(i64, u64)>,
}

impl QuotaCount {
    pub(super) fn new(quota: Quota) -> Self {
        Self {
            quota,
            state: Mutex::new((i64::MIN, 0)),
        }
    }

    /// Counts a request at the time `now`, if the quota has room for it.
    pub(super) fn take(&self, now: SystemTime) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let period = number(self.quota, now);
        if state.0 != period {
            *state = (period, 0);
        }
        let room = state.1 < self.quota.limit;
        if room {
            state.1 += 1;
        }
        room
    }
}

/// The number of the period that contains `now`.
fn number(quota: Quota, now: SystemTime) -> i64 {
    const DAY: i64 = 24 * 60 * 60;
    let now = OffsetDateTime::from(now - Duration::from_secs(86_400) * u32::from(quota.offset));
    let days = now.unix_timestamp().div_euclid(DAY);
    match quota.period {
        QuotaPeriod::Day => days,
        // 1 January 1970 was a Thursday, and a week begins on Sunday.
        QuotaPeriod::Week => (days + 4).div_euclid(7),
        QuotaPeriod::Month => i64::from(now.year()) * 12 + i64::from(u8::from(now.month())),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_bucket_has_room_for_its_burst_and_fills_at_its_rate() {
        let bucket = Bucket::new(Throttle {
            rate: 2.0,
            burst: 3.0,
        });
        let start = Instant::now();
        let taken = |wanted: usize, milliseconds| {
            let at = start + Duration::from_millis(milliseconds);
            (0..wanted).filter(|_| bucket.take_at(at)).count()
        };
        for (at, wanted, expected) in [(0, 5, 3), (499, 1, 0), (1_000, 5, 2), (3_600_000, 5, 3)] {
            assert_eq!(taken(wanted, at), expected, "after {at} ms");
        }
    }

    #[test]
    fn a_quota_counts_within_its_period_and_begins_again_with_the_next() {
        let room = |period, offset, first: OffsetDateTime, second: OffsetDateTime| {
            let count = QuotaCount::new(Quota {
                limit: 2,
                period,
                offset,
            });
            let (first, second) = (SystemTime::from(first), SystemTime::from(second));
            assert!(count.take(first) && count.take(first) && !count.take(first));
            count.take(second)
        };
        let saturday = datetime!(2026-10-31 23:59:59 UTC);
        let sunday = datetime!(2026-11-01 00:00 UTC);
        assert!(room(QuotaPeriod::Day, 0, saturday, sunday));
        assert!(!room(
            QuotaPeriod::Day,
            0,
            sunday,
            datetime!(2026-11-01 23:59 UTC)
        ));
        assert!(room(QuotaPeriod::Week, 0, saturday, sunday));
        assert!(!room(
            QuotaPeriod::Week,
            0,
            sunday,
            datetime!(2026-11-07 23:59 UTC)
        ));
        assert!(!room(QuotaPeriod::Week, 1, saturday, sunday));
        assert!(room(
            QuotaPeriod::Week,
            1,
            sunday,
            datetime!(2026-11-02 0:00 UTC)
        ));
        assert!(room(QuotaPeriod::Month, 0, saturday, sunday));
        assert!(!room(
            QuotaPeriod::Month,
            0,
            sunday,
            datetime!(2026-11-30 23:59 UTC)
        ));
        assert!(!room(QuotaPeriod::Month, 1, saturday, sunday));
    }
}
