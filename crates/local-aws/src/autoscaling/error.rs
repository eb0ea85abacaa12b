//! The service's refusals.

/// A refusal: AWS's name for its type, and a sentence.
#[derive(Debug)]
pub(super) struct ScalingError(pub(super) &'static str, pub(super) String);

impl ScalingError {
    pub(super) fn invalid(sentence: impl Into<String>) -> Self {
        Self("ValidationException", sentence.into())
    }

    pub(super) fn unknown(sentence: impl Into<String>) -> Self {
        Self("ObjectNotFoundException", sentence.into())
    }
}
