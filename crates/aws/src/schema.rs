//! The versions of the inventory's schema that this build works with; see `ddl/` and `docs/extending.md`.

use thiserror::Error;

/// The newest migration that this build knows. A later one with `-- contract: N`, where `N` is above this, has removed
/// something that this build needs.
pub const KNOWN: u32 = 3;

/// The oldest schema version that has everything that this build's statements require.
///
/// It is raised, along with the code that needs it, after a migration has expanded the schema everywhere. Migration 3
/// is only an index, without which a list is slower.
pub const NEEDED: u32 = 2;

/// Why a database's schema does not fit.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SchemaMismatch {
    /// Migrations are missing.
    #[error(
        "the database schema is version {found}, and version {NEEDED} or later is required: run deploy_scripts/create_schema.sh"
    )]
    Old {
        /// Its newest applied migration; 0 if none.
        found: u32,
    },
    /// A later migration is incompatible with this build.
    #[error(
        "the database schema is version {found}, which requires functions that know version {needed} or later, and these know only {KNOWN}: deploy newer ones"
    )]
    New {
        /// Its newest applied migration.
        found: u32,
        /// The version that functions must know.
        needed: u32,
    },
    /// A table or column is missing, whatever version the database reports.
    #[error(
        "a table or column is missing ({0}); the schema must be version {NEEDED} or later: run deploy_scripts/create_schema.sh"
    )]
    Missing(String),
}

/// Whether this build works with schema version `found`, which requires functions that know `needed`.
pub(crate) fn check(found: u32, needed: u32) -> Result<(), SchemaMismatch> {
    if found < NEEDED {
        return Err(SchemaMismatch::Old { found });
    }
    if needed > KNOWN {
        return Err(SchemaMismatch::New { found, needed });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_does_from_what_is_needed_on_until_a_contract_beyond_what_is_known() {
        assert_eq!(
            check(NEEDED - 1, 0),
            Err(SchemaMismatch::Old { found: NEEDED - 1 })
        );
        for (found, needed) in [(NEEDED, 0), (KNOWN, 0), (KNOWN + 7, 0), (KNOWN + 7, KNOWN)] {
            assert_eq!(check(found, needed), Ok(()));
        }
        let new = SchemaMismatch::New {
            found: KNOWN + 2,
            needed: KNOWN + 1,
        };
        assert_eq!(check(KNOWN + 2, KNOWN + 1), Err(new));
    }

    #[test]
    fn each_mismatch_names_the_version_that_is_needed() {
        assert_eq!(
            SchemaMismatch::Old { found: 1 }.to_string(),
            "the database schema is version 1, and version 2 or later is required: run deploy_scripts/create_schema.sh"
        );
        assert_eq!(
            SchemaMismatch::New {
                found: 9,
                needed: 8
            }
            .to_string(),
            "the database schema is version 9, which requires functions that know version 8 or later, and these know only 3: deploy newer ones"
        );
    }
}
