//! What a reading changes, inside the transaction that writes it.

use std::collections::BTreeSet;

use billing_domain::ports::RepoError;
use billing_domain::{
    Claimed, CustomerLink, CustomerState, InboxState, MirrorEffect, MirrorOutcome, MirrorUpdate,
    UserId,
};
use sqlx::SqliteConnection;

use crate::error::StoreError;
use crate::mirror_rows::{NewSubscriptionRow, audit_rows, state_text, version};
use crate::rows::user_id;
use crate::{audit_log, customer_repo, statements};

/// All of it, for the caller to commit if it is [`MirrorOutcome::Written`], in a transaction that holds the right to write from
/// its beginning.
pub(crate) async fn write(
    connection: &mut SqliteConnection,
    update: &MirrorUpdate,
) -> Result<MirrorOutcome, StoreError> {
    if !write_customer(connection, update).await? {
        return Ok(MirrorOutcome::Outdated);
    }
    replace_subscriptions(connection, update).await?;
    let effect = match &update.reading.state {
        CustomerState::Present(_) => attach(connection, update).await?,
        CustomerState::Gone => detach(connection, update).await?,
    };
    if let Some(claimed) = &update.settles
        && !settle(connection, update, claimed).await?
    {
        return Ok(MirrorOutcome::ClaimLost);
    }
    audit_log::add(connection, &audit_rows(update, &effect)).await?;
    Ok(MirrorOutcome::Written(effect))
}

/// Whether the customer's row was as it was expected, and now is this reading's.
async fn write_customer(
    connection: &mut SqliteConnection,
    update: &MirrorUpdate,
) -> Result<bool, StoreError> {
    let (provider, mode) = (update.at.provider().as_str(), update.at.mode().as_str());
    let state = state_text(&update.reading.state);
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
    for row in update.reading.state.subscriptions().iter().map(NewSubscriptionRow::from) {
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

/// Links the owner, where there was a purchase, and fulfils the owner's claim.
async fn attach(
    connection: &mut SqliteConnection,
    update: &MirrorUpdate,
) -> Result<MirrorEffect, StoreError> {
    let mut effect = MirrorEffect::default();
    if let Some(owner) = update.links() {
        let link = CustomerLink {
            owner: owner.clone(),
            at: update.at.clone(),
            customer: update.customer.clone(),
        };
        loop {
            if customer_repo::insert(connection, &link, update.read_at).await? {
                effect.linked = Some(link.owner);
                break;
            }
            // Removed meanwhile, it stands in nobody's way any more.
            let Some(existing) = customer_repo::find(connection, owner, &update.at).await? else {
                continue;
            };
            effect.conflict = Some(existing).filter(|existing| *existing != update.customer);
            break;
        }
    }
    if let Some(owner) = update.fulfils() {
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
    }
    Ok(effect)
}

/// Removes what leads to a customer who is gone.
async fn detach(
    connection: &mut SqliteConnection,
    update: &MirrorUpdate,
) -> Result<MirrorEffect, StoreError> {
    let (provider, mode) = (update.at.provider().as_str(), update.at.mode().as_str());
    let removed = sqlx::query_scalar!(
        "DELETE FROM billing_customers WHERE provider = ?1 AND mode = ?2 AND customer_id = ?3 RETURNING user_id",
        provider,
        mode,
        update.customer.as_str(),
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut unlinked =
        removed.iter().map(|text| user_id(text)).collect::<Result<Vec<UserId>, RepoError>>()?;
    unlinked.sort_unstable();
    sqlx::query!(
        "DELETE FROM customer_claims WHERE provider = ?1 AND mode = ?2 AND customer_id = ?3",
        provider,
        mode,
        update.customer.as_str(),
    )
    .execute(connection)
    .await?;
    Ok(MirrorEffect { unlinked, ..MirrorEffect::default() })
}

/// Whether all the events were still the claim's, and now are applied.
async fn settle(
    connection: &mut SqliteConnection,
    update: &MirrorUpdate,
    claimed: &Claimed,
) -> Result<bool, StoreError> {
    let events = claimed.events.iter().collect::<BTreeSet<_>>().len();
    let applied = InboxState::Applied(update.read_at);
    let settled = statements::end_claim(connection, &update.at, claimed, applied, None).await?;
    Ok(usize::try_from(settled).is_ok_and(|settled| settled == events))
}
