//! A new version of a customer and its effects, applied inside one transaction.

use std::collections::BTreeSet;

use billing_domain::ports::LinkChange;
use billing_domain::{Claimed, Effect, InboxState, MirrorOutcome, MirrorUpdate, UserId};
use sqlx::SqliteConnection;

use crate::audit_rows::AuditRow;
use crate::error::StoreError;
use crate::mirror_rows::{NewSubscriptionRow, state_text, version};
use crate::{audit_log, customer_repo, event_inbox};

/// Applies all of it, for the caller to commit if it is [`MirrorOutcome::Applied`], in a transaction that holds the right to
/// write from its beginning.
pub(crate) async fn apply(
    connection: &mut SqliteConnection,
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
            Effect::Link(owner) => {
                let change = LinkChange::Add(update.link_of(owner));
                if !customer_repo::apply(connection, &change, update.read_at).await? {
                    return Ok(MirrorOutcome::LinksChanged);
                }
            }
            Effect::Unlink(owner) => {
                let change = LinkChange::Remove(update.link_of(owner));
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
    audit_log::add(connection, &records).await?;
    Ok(MirrorOutcome::Applied)
}

/// Whether the customer's row was as it was expected, and now is this reading's.
async fn write_customer(
    connection: &mut SqliteConnection,
    update: &MirrorUpdate,
) -> Result<bool, StoreError> {
    let (provider, mode) = (update.at.provider().as_str(), update.at.mode().as_str());
    let state = state_text(&update.state);
    let written = if update.expected == 0 {
        sqlx::query!(
            "INSERT INTO customer_mirror (provider, mode, customer_id, version, state, read_at)
             VALUES (?1, ?2, ?3, 1, ?4, ?5)
             ON CONFLICT (provider, mode, customer_id) DO NOTHING",
            provider,
            mode,
            update.customer.as_str(),
            state,
            update.read_at.as_millis(),
        )
        .execute(connection)
        .await?
    } else {
        sqlx::query!(
            "UPDATE customer_mirror SET version = version + 1, state = ?5, read_at = ?6
             WHERE provider = ?1 AND mode = ?2 AND customer_id = ?3 AND version = ?4",
            provider,
            mode,
            update.customer.as_str(),
            version(update.expected),
            state,
            update.read_at.as_millis(),
        )
        .execute(connection)
        .await?
    };
    Ok(written.rows_affected() == 1)
}

/// Where another customer is on record as having one of them, the newer reading is right.
async fn replace_subscriptions(
    connection: &mut SqliteConnection,
    update: &MirrorUpdate,
) -> Result<(), StoreError> {
    let (provider, mode) = (update.at.provider().as_str(), update.at.mode().as_str());
    sqlx::query!(
        "DELETE FROM subscription_mirror WHERE provider = ?1 AND mode = ?2 AND customer_id = ?3",
        provider,
        mode,
        update.customer.as_str(),
    )
    .execute(&mut *connection)
    .await?;
    for row in update.state.subscriptions().iter().map(NewSubscriptionRow::from) {
        sqlx::query!(
            "INSERT INTO subscription_mirror (provider, mode, subscription_id, customer_id, status, prices, cycle,
                                              created_at, period_start, period_end, cancel_at_period_end, cancel_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
             ON CONFLICT (provider, mode, subscription_id)
                 DO UPDATE SET customer_id = excluded.customer_id, status = excluded.status, prices = excluded.prices,
                               cycle = excluded.cycle, created_at = excluded.created_at,
                               period_start = excluded.period_start, period_end = excluded.period_end,
                               cancel_at_period_end = excluded.cancel_at_period_end, cancel_at = excluded.cancel_at",
            provider,
            mode,
            row.subscription_id,
            update.customer.as_str(),
            row.status,
            row.prices,
            row.cycle,
            row.created_at,
            row.period_start,
            row.period_end,
            row.cancel_at_period_end,
            row.cancel_at,
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Notes the customer in the user's claim, if that is open.
async fn fulfil_claim(
    connection: &mut SqliteConnection,
    update: &MirrorUpdate,
    owner: &UserId,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE customer_claims SET customer_id = ?4
         WHERE user_id = ?1 AND provider = ?2 AND mode = ?3 AND customer_id IS NULL",
        owner.as_str(),
        update.at.provider().as_str(),
        update.at.mode().as_str(),
        update.customer.as_str(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Deletes all claims that have the customer.
async fn drop_claims(
    connection: &mut SqliteConnection,
    update: &MirrorUpdate,
) -> Result<(), StoreError> {
    sqlx::query!(
        "DELETE FROM customer_claims WHERE provider = ?1 AND mode = ?2 AND customer_id = ?3",
        update.at.provider().as_str(),
        update.at.mode().as_str(),
        update.customer.as_str(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether all the events were still the claim's, and now are applied.
async fn settle(
    connection: &mut SqliteConnection,
    update: &MirrorUpdate,
    claimed: &Claimed,
) -> Result<bool, StoreError> {
    let events = claimed.events.iter().collect::<BTreeSet<_>>().len();
    let applied = InboxState::Applied(update.read_at);
    let settled = event_inbox::end_claim(connection, &update.at, claimed, applied, None).await?;
    Ok(usize::try_from(settled).is_ok_and(|settled| settled == events))
}
