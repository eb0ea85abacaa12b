//! How a store fails, in terms that matter to a caller.
//!
//! Use [`StoreError::Unavailable`] when a later retry may work, and [`StoreError::Fault`] when it cannot until
//! an operator fixes the set-up or the code; [`StoreError::Schema`] is a fault that migrations fix. The details are
//! in the `source`, which goes to the log, never to a client.

use std::{error::Error as StdError, fmt, time::Duration};

use thiserror::Error;

/// The cause of a failure, kept whole for the log.
pub type Cause = Box<dyn StdError + Send + Sync>;

/// The store that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// The EC2 inventory: Aurora MySQL behind the RDS Data API.
    Inventory,
    /// The scalable target dimensions: a DynamoDB table.
    Dimensions,
    /// The database's credentials: Secrets Manager.
    Secret,
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inventory => "the inventory database",
            Self::Dimensions => "the dimensions table",
            Self::Secret => "the database secret",
        })
    }
}

/// A store that failed, or whose response was lost. Either way a write is stored in full or not at all; which of the
/// two is unknown if the response to it was lost.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The store is temporarily unavailable: throttled, resuming, unreachable or too busy.
    #[error("{store} is unavailable")]
    Unavailable {
        /// The store.
        store: Store,
        /// How long a caller should wait before it tries again.
        retry_after: Duration,
        /// The cause.
        source: Cause,
    },
    /// The store refused, or returned something that it never should: an operator's or a programmer's error.
    #[error("{store} is misconfigured, or gave an unexpected answer")]
    Fault {
        /// The store.
        store: Store,
        /// The cause.
        source: Cause,
    },
    /// The store's schema does not fit this program: migrations are missing, or newer ones are incompatible.
    #[error("{store} has a schema that this version does not know")]
    Schema {
        /// The store.
        store: Store,
        /// The version that is needed, and the one that was found.
        source: Cause,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_its_store() {
        for (store, error) in [
            (Store::Inventory, "the inventory database is unavailable"),
            (Store::Dimensions, "the dimensions table is unavailable"),
            (Store::Secret, "the database secret is unavailable"),
        ] {
            let failure = StoreError::Unavailable {
                store,
                retry_after: Duration::from_secs(1),
                source: "no answer".into(),
            };
            assert_eq!(failure.to_string(), error);
        }
    }
}
