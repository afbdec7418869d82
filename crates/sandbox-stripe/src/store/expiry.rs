//! Expires checkout sessions.

use crate::model::CheckoutSession;
use crate::transaction::Transaction;

/// Sessions processed per batch.
const BATCH: usize = 500;

/// Expires the next batch of overdue sessions.
pub(crate) fn expire(transaction: &mut Transaction<'_>) {
    let over: Vec<CheckoutSession> =
        transaction.state().expiring(transaction.now()).take(BATCH).cloned().collect();
    for mut session in over {
        session.expire();
        transaction.put(session);
    }
}
