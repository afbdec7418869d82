//! C6, C7 and C8 for new keys.

use std::sync::Mutex;

use std::num::NonZeroUsize;

use billing_domain::{KeyPrefix, KeyVerifier};
use secrecy::ExposeSecret;

use super::*;
use crate::key_text::KeyText;
use crate::testing::{Setup, limits, settings};
use crate::{OsRandom, PoolLimits};

/// Fills each buffer with the next byte value of a list.
#[derive(Debug)]
struct Scripted(Mutex<Vec<u8>>);

impl Scripted {
    fn new(values: &[u8]) -> Arc<Self> {
        Arc::new(Self(Mutex::new(values.iter().rev().copied().collect())))
    }
}

impl RandomSource for Scripted {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
        let next =
            self.0.lock().unwrap().pop().ok_or_else(|| RandomError("no values left".to_owned()))?;
        bytes.fill(next);
        Ok(())
    }
}

fn minter(random: Arc<dyn RandomSource>, limits: PoolLimits) -> ApiKeyMinter {
    ApiKeyMinter::new(&settings("p"), random, Arc::new(Argon2Pool::new(limits)))
}

async fn mint() -> MintedKey {
    minter(Arc::new(OsRandom), limits()).mint().await.unwrap()
}

#[tokio::test]
async fn c6_a_minted_key_has_the_format_and_contains_its_id() {
    let minted = mint().await;
    let parsed = KeyText::parse(minted.text.expose_secret(), &KeyPrefix::default()).ok().unwrap();
    assert_eq!(parsed.id, minted.id);
    assert_eq!((parsed.id.as_str().len(), parsed.secret.len()), (16, 43));
}

#[tokio::test]
async fn c7_a_verifier_contains_neither_the_secret_nor_a_plain_hash_of_it() {
    let MintedKey { text, verifier: KeyVerifier { pepper, gate, hash }, .. } = mint().await;
    let parsed = KeyText::parse(text.expose_secret(), &KeyPrefix::default()).ok().unwrap();
    assert!(hash.expose_secret().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert_eq!(gate.expose_secret().len(), 64);
    assert!(
        !hash.expose_secret().contains(parsed.secret)
            && !gate.expose_secret().contains(parsed.secret)
    );
    assert_eq!(pepper.as_ref(), settings("p").gate().pepper_ids().next());
}

#[tokio::test]
async fn c7_no_two_keys_share_an_id_a_secret_or_a_salt() {
    let (one, two) = (mint().await, mint().await);
    assert_ne!(one.id, two.id);
    let secret =
        |minted: &MintedKey| minted.text.expose_secret().rsplit_once('_').unwrap().1.to_owned();
    assert_ne!(secret(&one), secret(&two));
    let salt = |minted: &MintedKey| {
        minted.verifier.hash.expose_secret().split('$').nth(4).unwrap().to_owned()
    };
    assert_ne!(salt(&one), salt(&two));
}

#[tokio::test]
async fn mint_draws_secret_salt_and_id_in_this_order() {
    let minted = minter(Scripted::new(&[1, 2, 3]), limits()).mint().await.unwrap();
    assert_eq!(minted.id.as_str(), "3".repeat(16));
}

#[tokio::test]
async fn mint_fails_without_random_bytes() {
    for script in [&[][..], &[1], &[1, 2], &[0xff]] {
        let error = minter(Scripted::new(script), limits()).mint().await.unwrap_err();
        assert!(matches!(error, MintError::Failed { .. }) && !error.is_transient(), "{script:?}");
    }
}

#[tokio::test]
async fn mint_is_overloaded_when_the_pool_is_full() {
    let full = PoolLimits { threads: NonZeroUsize::MIN, queue: 0, ..limits() };
    let error = minter(Arc::new(OsRandom), full).mint().await.unwrap_err();
    assert!(matches!(error, MintError::Overloaded { .. }) && error.is_transient());
}

#[tokio::test]
async fn a_preview_shows_the_prefix_and_the_id() {
    let id: ApiKeyId = "0123456789AB".parse().unwrap();
    assert_eq!(minter(Arc::new(OsRandom), limits()).preview(&id), "llmgen_0123456789AB_…");
}

#[tokio::test]
async fn after_a_reload_new_keys_have_the_new_prefix_and_pepper() {
    let setup = Setup::new();
    let renamed = ApiKeySettings::read(&mut |name| match name {
        "API_KEY_PREFIX" => Some("acme".to_owned()),
        "API_KEY_PEPPER" => Some("q".repeat(32)),
        _ => None,
    });
    let renamed = renamed.unwrap();
    setup.keys.reload(&renamed);
    let issued = setup.issue().await;
    assert!(issued.text().starts_with("acme_"));
    assert!(setup.keys.minter().preview(&issued.key.id).starts_with("acme_"));
    assert_eq!(
        setup.repo.keys.stored(&issued.key.id).verifier.pepper.as_ref(),
        renamed.gate().pepper_ids().next()
    );
    setup.present(issued.text()).await.unwrap();
}
