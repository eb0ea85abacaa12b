//! How a store fails, in terms that matter to a caller.
//!
//! Use [`StoreError::Unavailable`] when a later retry may work, and [`StoreError::Fault`] when it will not until
//! an operator fixes the set-up or the code; [`StoreError::Schema`] is the fault that
//! migrations fix. What exactly happened is the `source`: it goes to the log, never to a client.

use std::{error::Error as StdError, fmt, time::Duration};

use thiserror::Error;

/// The cause of a failure, kept whole for the log.
pub type Cause = Box<dyn StdError + Send + Sync>;

/// Which store failed.
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

/// A store that failed, or whose answer was lost. After either variant it holds all of a write or
/// nothing of it; which of the two is unknown if the answer to the write was lost.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The store is temporarily unavailable: throttled, resuming, unreachable or too busy.
    #[error("{store} is unavailable")]
    Unavailable {
        /// Which store.
        store: Store,
        /// How long a caller should wait before it tries again.
        retry_after: Duration,
        /// What happened.
        source: Cause,
    },
    /// The store refused, or gave an answer that it never should: an operator's or a programmer's error.
    #[error("{store} is misconfigured, or gave an unexpected answer")]
    Fault {
        /// Which store.
        store: Store,
        /// What happened.
        source: Cause,
    },
    /// The store's schema is not one that this program works with: migrations are missing, or it has left the program
    /// behind.
    #[error("{store} has a schema that this version does not know")]
    Schema {
        /// Which store.
        store: Store,
        /// Which version is needed, and what was found.
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
