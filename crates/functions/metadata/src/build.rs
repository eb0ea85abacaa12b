//! The values recorded by the build script.

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
pub(crate) const RUST_VERSION: &str = env!("METADATA_RUST_VERSION");

/// The commit's full hash; `unknown` for a build outside a git checkout without `FLEET_COMMIT`.
pub(crate) fn commit() -> &'static str {
    let commit = env!("METADATA_COMMIT");
    if commit.is_empty() { "unknown" } else { commit }
}

/// The commit's time as RFC 3339 in UTC, instead of the time of the build, so that the build is reproducible.
pub(crate) fn built_at() -> Option<String> {
    rfc3339(env!("METADATA_BUILT_AT_EPOCH"))
}

fn rfc3339(epoch_seconds: &str) -> Option<String> {
    let seconds = epoch_seconds.parse().ok()?;
    OffsetDateTime::from_unix_timestamp(seconds)
        .ok()?
        .format(&Rfc3339)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commits_time_is_written_as_rfc_3339() {
        assert_eq!(
            rfc3339("1774000000").as_deref(),
            Some("2026-03-20T09:46:40Z")
        );
        assert_eq!(rfc3339(""), None);
    }
}
