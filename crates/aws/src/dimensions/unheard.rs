//! Whether an attempt of a call may have taken effect without a response that confirms it.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept,
            context::{BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef},
            dyn_dispatch_hint,
        },
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;

/// The status of DynamoDB's refusals: a refused call had no effect.
const REFUSED: u16 = 400;

/// Counts the attempts that ended without a response, or with one that leaves open whether the call took effect: a
/// server error, say. An interceptor for the calls in question; clones share one count.
#[derive(Clone, Debug, Default)]
pub(super) struct Attempts {
    unheard: Arc<AtomicU32>,
}

impl Attempts {
    /// Whether one of them may have taken effect, or still may.
    pub(super) fn has_unheard(&self) -> bool {
        self.unheard.load(Relaxed) > 0
    }

    /// Resets the count.
    pub(super) fn forget(&self) {
        self.unheard.store(0, Relaxed);
    }
}

#[dyn_dispatch_hint]
impl Intercept for Attempts {
    fn name(&self) -> &'static str {
        "Attempts"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.unheard.fetch_add(1, Relaxed);
        Ok(())
    }

    // Runs after every attempt, including one that timed out.
    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context
            .response()
            .is_some_and(|response| response.status().as_u16() == REFUSED)
        {
            self.unheard.fetch_sub(1, Relaxed);
        }
        Ok(())
    }
}
