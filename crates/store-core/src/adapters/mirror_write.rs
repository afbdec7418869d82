//! Applies an update of the mirror and its effects inside a transaction.

use std::collections::BTreeSet;

use billing_domain::ports::LinkChange;
use billing_domain::{ClaimedEvents, Effect, InboxState, MirrorOutcome, MirrorUpdate, UserId};
use store_core::audit_rows::AuditRow;
use store_core::error::StoreError;
use store_core::mirror_rows::{NewSubscriptionRow, state_text, version};

use super::customer_repo;
use crate::engine::Connection;
use crate::statements;

/// Applies an update and its effects. The caller commits [`MirrorOutcome::Applied`] and rolls back
/// otherwise. Audit records are written last, because readers of the log wait for its writers.
pub(crate) async fn apply(
    connection: &mut Connection,
    update: &MirrorUpdate,
    effects: &[Effect],
) -> Result<MirrorOutcome, StoreError> {
    if !write_customer(connection, update).await? {
        return Ok(MirrorOutcome::Outdated);
    }
    replace_subscriptions(connection, update).await?;
    let mut records = Vec::new();
    for effect in effects {
        match effect {
            Effect::Link(owner) | Effect::Unlink(owner) => {
                let link = update.link_for(owner);
                let change = match effect {
                    Effect::Link(_) => LinkChange::Add(link),
                    _ => LinkChange::Remove(link),
                };
                if !customer_repo::apply(connection, &change, update.read_at).await? {
                    return Ok(MirrorOutcome::LinksChanged);
                }
            }
            Effect::FulfilClaim(owner) => fulfil_claim(connection, update, owner).await?,
            Effect::DropClaims => drop_claims(connection, update).await?,
            Effect::SettleEvents(claimed) => {
                if !settle(connection, update, claimed).await? {
                    return Ok(MirrorOutcome::ClaimLost);
                }
            }
            Effect::Audit(event) => records.push(AuditRow::from(event)),
        }
    }
    statements::insert_audit_rows(connection, &records).await?;
    Ok(MirrorOutcome::Applied)
}

/// Writes and locks the customer's row. Returns `false` if its version is not the expected one.
async fn write_customer(
    connection: &mut Connection,
    update: &MirrorUpdate,
) -> Result<bool, StoreError> {
    let (provider, mode) = (update.account.provider().as_str(), update.account.mode().as_str());
    let state = state_text(&update.state);
    let statement = if update.expected_version == 0 {
        sqlx::query!(
            "INSERT INTO customer_mirror (provider, mode, customer_id, version, state, read_at)
             VALUES ($1, $2, $3, 1, $4, $5)
             ON CONFLICT (provider, mode, customer_id) DO NOTHING",
            provider,
            mode,
            update.customer.as_str(),
            state,
            update.read_at.as_millis(),
        )
    } else {
        sqlx::query!(
            "UPDATE customer_mirror SET version = version + 1, state = $5, read_at = $6
             WHERE provider = $1 AND mode = $2 AND customer_id = $3 AND version = $4",
            provider,
            mode,
            update.customer.as_str(),
            version(update.expected_version),
            state,
            update.read_at.as_millis(),
        )
    };
    Ok(statement.execute(connection).await?.rows_affected() == 1)
}

/// Replaces the customer's subscriptions. Takes them over from other customers.
async fn replace_subscriptions(
    connection: &mut Connection,
    update: &MirrorUpdate,
) -> Result<(), StoreError> {
    let (provider, mode) = (update.account.provider().as_str(), update.account.mode().as_str());
    let own: Vec<NewSubscriptionRow> =
        update.state.subscriptions().iter().map(Into::into).collect();
    sqlx::query!(
        "DELETE FROM subscription_mirror WHERE provider = $1 AND mode = $2 AND customer_id = $3",
        provider,
        mode,
        update.customer.as_str(),
    )
    .execute(&mut *connection)
    .await?;
    statements::insert_subscriptions(connection, update, &own).await
}

/// Sets the customer in the user's claim, if the claim has none.
async fn fulfil_claim(
    connection: &mut Connection,
    update: &MirrorUpdate,
    owner: &UserId,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE customer_claims SET customer_id = $4
         WHERE user_id = $1 AND provider = $2 AND mode = $3 AND customer_id IS NULL",
        owner.as_str(),
        update.account.provider().as_str(),
        update.account.mode().as_str(),
        update.customer.as_str(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Deletes all claims to the customer.
async fn drop_claims(connection: &mut Connection, update: &MirrorUpdate) -> Result<(), StoreError> {
    sqlx::query!(
        "DELETE FROM customer_claims WHERE provider = $1 AND mode = $2 AND customer_id = $3",
        update.account.provider().as_str(),
        update.account.mode().as_str(),
        update.customer.as_str(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Marks the events as applied. Returns `false` if the claim no longer has all of them.
async fn settle(
    connection: &mut Connection,
    update: &MirrorUpdate,
    claimed: &ClaimedEvents,
) -> Result<bool, StoreError> {
    let events = claimed.events.iter().collect::<BTreeSet<_>>().len();
    let applied = InboxState::Applied(update.read_at);
    let settled =
        statements::end_claim(connection, &update.account, claimed, applied, None).await?;
    Ok(usize::try_from(settled).is_ok_and(|settled| settled == events))
}
