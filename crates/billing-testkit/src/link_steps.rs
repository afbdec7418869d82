//! Steps that the contract suites for links share.

use billing_domain::Mode::Test;
use billing_domain::ports::{CustomerRepo, LinkChange};
use billing_domain::{LinkOutcome, OnConflict, ProviderAccount, Timestamp};

use crate::samples::{account, customer, link, user};

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

pub(crate) fn stripe() -> ProviderAccount {
    account("stripe", Test)
}

pub(crate) async fn keep(
    repo: &dyn CustomerRepo,
    owner: &str,
    at: &ProviderAccount,
    id: &str,
) -> LinkOutcome {
    link_with(OnConflict::Keep, repo, owner, at, id).await
}

pub(crate) async fn replace(
    repo: &dyn CustomerRepo,
    owner: &str,
    at: &ProviderAccount,
    id: &str,
) -> LinkOutcome {
    link_with(OnConflict::Replace, repo, owner, at, id).await
}

/// Reads and changes a link, and retries until no concurrent change intervenes.
async fn link_with(
    on_conflict: OnConflict,
    repo: &dyn CustomerRepo,
    owner: &str,
    at: &ProviderAccount,
    id: &str,
) -> LinkOutcome {
    let new = link(&user(owner), at, &customer(id));
    loop {
        let (change, outcome) = match repo.find(&new.owner, at).await.unwrap() {
            None => (LinkChange::Add(new.clone()), LinkOutcome::Created),
            Some(old) if old == new.customer => return LinkOutcome::Unchanged,
            Some(old) if on_conflict == OnConflict::Keep => return LinkOutcome::Conflict(old),
            Some(old) => (
                LinkChange::Replace { old: old.clone(), new: new.clone() },
                LinkOutcome::Replaced(old),
            ),
        };
        if repo.change(&change, NOW, &[]).await.unwrap() {
            return outcome;
        }
    }
}

pub(crate) async fn found(
    repo: &dyn CustomerRepo,
    owner: &str,
    at: &ProviderAccount,
) -> Option<String> {
    repo.find(&user(owner), at).await.unwrap().map(|id| id.to_string())
}
