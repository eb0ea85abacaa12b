//! Character sets, collations and storage engines in definitions: which of them the embedded engine supports.

use crate::engine::{EngineError, EngineResult, kinds::Collation};

fn bare(name: &str) -> String {
    name.trim_matches(['`', '\'', '"']).to_ascii_lowercase()
}

/// Refuses a character set other than utf8mb4.
pub(crate) fn charset(name: &str) -> EngineResult<()> {
    match bare(name).as_str() {
        "utf8mb4" => Ok(()),
        other => Err(EngineError::unsupported(&format!(
            "the character set {other}"
        ))),
    }
}

/// The collation with this name.
pub(crate) fn collation(name: &str) -> EngineResult<Collation> {
    match bare(name).as_str() {
        "utf8mb4_bin" => Ok(Collation::Binary),
        "utf8mb4_0900_ai_ci" => Ok(Collation::Default),
        other => Err(EngineError::unsupported(&format!("the collation {other}"))),
    }
}

/// MySQL's name for a collation.
pub(crate) fn name(collation: Collation) -> &'static str {
    match collation {
        Collation::Default => "utf8mb4_0900_ai_ci",
        Collation::Binary => "utf8mb4_bin",
    }
}

/// Refuses a storage engine other than InnoDB.
pub(crate) fn engine(name: &str) -> EngineResult<()> {
    match bare(name).as_str() {
        "innodb" => Ok(()),
        other => Err(EngineError::unsupported(&format!(
            "the storage engine {other}"
        ))),
    }
}
