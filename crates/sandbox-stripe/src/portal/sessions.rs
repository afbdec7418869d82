//! Opening a session by the secret in its link.

use std::io;

use super::page::Refusal;
use crate::ids;
use crate::model::{Customer, OPENED_SECONDS, PortalSession};
use crate::state::{State, Store};

/// A view puts a session's end off; by less than this it is not worth a line in the journal.
const WORTH_WRITING_SECONDS: i64 = 60;

/// A session that is open, with its customer.
pub(super) struct Visit<'a> {
    pub(super) session: &'a PortalSession,
    pub(super) customer: &'a Customer,
    pub(super) state: &'a State,
}

/// Opens the session of this token, keeps it open for another hour, and looks at what its customer may see.
pub(super) fn visit<R>(store: &Store, token: &str, look: impl FnOnce(&Visit<'_>) -> R) -> Result<R, Refusal> {
    let digest = ids::digest(token);
    let now = store.now();
    let outcome = store.read(|state| {
        let session = state.portal_sessions.get(&digest).ok_or(Refusal::Unknown)?;
        if !session.is_open(now) {
            return Err(Refusal::Expired);
        }
        let customer = state.live_customer(&session.customer).ok_or(Refusal::Expired)?;
        let late = now + OPENED_SECONDS - session.expires_at >= WORTH_WRITING_SECONDS;
        Ok((look(&Visit { session, customer, state }), late))
    });
    let (seen, late) = outcome?;
    if late && let Err(error) = prolong(store, &digest) {
        tracing::error!(%error, "a portal session could not be prolonged");
        return Err(Refusal::Failed);
    }
    Ok(seen)
}

fn prolong(store: &Store, digest: &str) -> io::Result<()> {
    store.transact(|transaction| {
        let now = transaction.now();
        let open = transaction.state().portal_sessions.get(digest).filter(|session| session.is_open(now));
        if let Some(session) = open {
            let mut session = session.clone();
            session.expires_at = now + OPENED_SECONDS;
            transaction.put(session);
        }
        Ok(())
    })
}
