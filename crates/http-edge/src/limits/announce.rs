//! How a decision gets from where it was made onto the answer, whichever answer that is.

use std::sync::{Arc, OnceLock};

use http::{Extensions, HeaderMap};

use super::rate::Decision;

/// Extension of a request: what the edge writes on its answer. It outlives the request, so that errors of any later
/// step, and panics, carry the headers, too.
#[derive(Clone, Debug, Default)]
pub(crate) struct Announced(Arc<OnceLock<Decision>>);

impl Announced {
    /// Writes what was announced, if anything was.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        if let Some(decision) = self.0.get() {
            decision.write(headers);
        }
    }
}

impl Decision {
    /// Has [`edge_layers`](crate::edge_layers) write `X-RateLimit-Limit`, `-Remaining` and `-Reset` on the answer to the
    /// request with these extensions, be it a success, a problem or a panic. The first announcement counts. `Retry-After`
    /// on a refusal is the caller's.
    pub fn announce(self, request: &Extensions) {
        if let Some(announced) = request.get::<Announced>() {
            // A second decision on one request is a mistake of the caller's; the first one has been acted upon.
            let _ = announced.0.set(self);
        }
    }
}
