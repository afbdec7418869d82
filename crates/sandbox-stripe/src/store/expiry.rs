//! What time does to checkout sessions.

use crate::model::CheckoutSession;
use crate::transaction::Transaction;

/// So many sessions are looked after at once.
const BATCH: usize = 500;

/// Ends the sessions whose time is over: the next batch of them.
pub(crate) fn expire(transaction: &mut Transaction<'_>) {
    let over: Vec<CheckoutSession> =
        transaction.state().expiring(transaction.now()).take(BATCH).cloned().collect();
    for mut session in over {
        session.expire();
        transaction.put(session);
    }
}
