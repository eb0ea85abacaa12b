//! Every limit of time and size, in one place.

use std::time::Duration;

/// How far the issuer's clock and this one may differ when `exp` and `nbf` are compared with the time.
pub const CLOCK_SKEW: Duration = Duration::from_secs(60);

/// The longest value of the header `authorization`, in bytes. API Gateway takes 10,240 bytes of headers in all.
pub const AUTHORIZATION_BYTES: usize = 8192;

/// The age from which keys are fetched again. Until that succeeds, the old ones are used.
pub const REFRESH_AFTER: Duration = Duration::from_secs(15 * 60);

/// The age from which keys are no longer used, so that a key which the issuer has withdrawn ends even if it cannot be reached.
pub const KEYS_AGE: Duration = Duration::from_secs(60 * 60);

/// The shortest time between two fetches. A token with an unknown key id causes one fetch, and any number of them no more.
pub const FETCH_INTERVAL: Duration = Duration::from_secs(30);

/// The same after a fetch that failed.
pub const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// The time for a whole fetch: the issuer's configuration and its keys.
pub const FETCH_TIME: Duration = Duration::from_secs(4);

/// The largest answer of an issuer that is read, in bytes.
pub const ANSWER_BYTES: usize = 256 * 1024;

/// The most keys that are kept, the first ones of the issuer's set.
pub const KEYS: usize = 100;
