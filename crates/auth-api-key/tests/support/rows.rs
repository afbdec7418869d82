//! Issues keys into the testkit's store, for tests and examples of the public API.

use billing_domain::ports::{ApiKeyRepo, KeyMinter};
use billing_domain::{StoredApiKey, Timestamp};
use billing_testkit::{InMemoryApiKeyRepo, samples};
use secrecy::SecretString;

/// Creates and stores a key without expiry, and returns its text.
pub(crate) async fn issue(
    repo: &InMemoryApiKeyRepo,
    minter: &dyn KeyMinter,
    owner: &str,
) -> SecretString {
    let minted = minter.mint().await.unwrap();
    let created = Timestamp::from_millis(0);
    let key = samples::stored_key(minted.id.as_str(), &samples::user(owner), created);
    let key = StoredApiKey { verifier: minted.verifier, ..key };
    repo.insert(&key, None, samples::record()).await.unwrap();
    minted.text
}
