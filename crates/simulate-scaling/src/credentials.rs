//! Explains missing AWS credentials to people at a terminal.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;

/// Why a provider has no credentials: a clause of one line, without the sources that the SDK tried and did not find.
#[must_use]
pub fn reason(error: &CredentialsError) -> String {
    let causes = std::iter::successors(Some(error as &dyn Error), |error| (*error).source());
    let mut reasons: Vec<_> = causes.map(ToString::to_string).collect();
    reasons.dedup();
    let reason = reasons.join(": ");
    let reason = match error {
        // The SDK lists everything that it tried, one per line. Only a profile can exist and be wrong.
        CredentialsError::CredentialsNotLoaded(_) => reason
            .lines()
            .find_map(|line| {
                line.trim()
                    .strip_prefix("Profile: the credential provider was not enabled: ")
            })
            .unwrap_or(
                "neither the environment, nor the profile, nor a role of this machine has any",
            ),
        _ => &reason,
    };
    // The output of a credential_process may have several lines.
    reason.split_whitespace().collect::<Vec<_>>().join(" ")
}
