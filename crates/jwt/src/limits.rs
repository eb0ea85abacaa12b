//! Every limit of time and size, in one place.

use std::time::Duration;

/// How far the issuer's clock and this one may differ when `exp` and `nbf` are checked.
pub const CLOCK_SKEW: Duration = Duration::from_secs(60);

/// The longest value of the `authorization` header, in bytes. API Gateway accepts 10,240 bytes of headers in all.
pub const AUTHORIZATION_BYTES: usize = 8192;

/// The age at which keys are fetched again. Until that succeeds, the old ones are used.
pub const REFRESH_AFTER: Duration = Duration::from_secs(15 * 60);

/// The age at which keys are no longer used, so that a withdrawn key expires even if the issuer cannot be reached.
pub const KEYS_AGE: Duration = Duration::from_secs(60 * 60);

/// The shortest time between two fetches, however many tokens with an unknown key id arrive.
pub const FETCH_INTERVAL: Duration = Duration::from_secs(30);

/// The same after a failed fetch.
pub const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// The time limit of a whole fetch: the issuer's configuration and its keys.
pub const FETCH_TIME: Duration = Duration::from_secs(4);

/// The largest response of an issuer that is read, in bytes.
pub const ANSWER_BYTES: usize = 256 * 1024;

/// The most keys used: the first ones of the issuer's set.
pub const KEYS: usize = 100;
