//! [`DecisionSlot`] carries a rate-limit decision from the handler to the final response.

use std::sync::{Arc, OnceLock};

use http::{Extensions, HeaderMap};

use super::rate::Decision;

/// Request extension with the decision. It outlives the request, so responses to later errors and
/// panics also have the headers.
#[derive(Clone, Debug, Default)]
pub(crate) struct DecisionSlot(Arc<OnceLock<Decision>>);

impl DecisionSlot {
    /// Writes the headers of the attached decision, if there is one.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        if let Some(decision) = self.0.get() {
            decision.write(headers);
        }
    }
}

impl Decision {
    /// Attaches the decision to the request. [`edge_layers`](crate::edge_layers) then writes
    /// `X-RateLimit-Limit`, `-Remaining` and `-Reset` on any response, including problems and
    /// panics. The first decision is kept. The caller sets `Retry-After` on a refusal.
    pub fn attach_to(self, request: &Extensions) {
        if let Some(slot) = request.get::<DecisionSlot>() {
            // The caller already acted on the first decision, so ignore a second one.
            let _ = slot.0.set(self);
        }
    }
}
