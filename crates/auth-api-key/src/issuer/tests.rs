//! The clauses of C6, C7 and C8 that concern a new key.

use std::sync::Mutex;

use secrecy::ExposeSecret;

use super::*;
use crate::key_text::KeyText;
use crate::testing::{CountingRepo, Desk, START, limits, new_key, settings};
use crate::{OsRandom, PoolLimits};

/// Fills each request with one byte value, the next one of a list.
#[derive(Debug)]
struct Scripted(Mutex<Vec<u8>>);

impl Scripted {
    fn new(values: &[u8]) -> Arc<Self> {
        Arc::new(Self(Mutex::new(values.iter().rev().copied().collect())))
    }
}

impl RandomSource for Scripted {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
        let next = self.0.lock().unwrap().pop().ok_or_else(|| RandomError("used up".to_owned()))?;
        bytes.fill(next);
        Ok(())
    }
}

fn desk(random: Arc<dyn RandomSource>, repo: Arc<CountingRepo>) -> Desk {
    Desk::with(&settings(&"p".repeat(32)), repo, random, limits())
}

#[tokio::test]
async fn c6_an_issued_key_has_the_form_and_its_id_inside() {
    let issued = Desk::new().issue().await;
    let text = issued.text.expose_secret();
    let parsed = KeyText::parse(text, &KeyPrefix::default()).ok().unwrap();
    assert_eq!(parsed.id, issued.key.id);
    assert_eq!((parsed.id.as_str().len(), parsed.secret.len()), (16, 43));
}

#[tokio::test]
async fn c7_neither_the_secret_nor_a_plain_hash_of_it_is_stored() {
    let desk = Desk::new();
    let issued = desk.issue().await;
    let KeyVerifier { gate, hash } = desk.repo.row(&issued.key.id).verifier;
    let parsed = KeyText::parse(issued.text.expose_secret(), &KeyPrefix::default()).ok().unwrap();
    assert!(hash.expose_secret().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert_eq!(gate.expose_secret().len(), 64);
    assert!(!hash.expose_secret().contains(parsed.secret) && !gate.expose_secret().contains(parsed.secret));
}

#[tokio::test]
async fn c7_no_two_keys_share_an_id_a_secret_or_a_salt() {
    let desk = Desk::new();
    let (one, two) = (desk.issue().await, desk.issue().await);
    assert_ne!(one.key.id, two.key.id);
    let secret = |issued: &IssuedKey| issued.text.expose_secret().rsplit_once('_').unwrap().1.to_owned();
    assert_ne!(secret(&one), secret(&two));
    let salt = |issued: &IssuedKey| {
        let hash = desk.repo.row(&issued.key.id).verifier.hash;
        hash.expose_secret().split('$').nth(4).unwrap().to_owned()
    };
    assert_ne!(salt(&one), salt(&two));
}

#[tokio::test]
async fn c8_a_key_created_without_a_list_gets_all_permissions_of_that_day() {
    assert_eq!(Desk::new().issue().await.key.permissions, Permission::known());
}

#[tokio::test]
async fn c8_any_permission_is_stored_and_an_empty_list_stays_empty() {
    let desk = Desk::new();
    for list in [BTreeSet::new(), BTreeSet::from(["anything:else".parse().unwrap()])] {
        let issued = desk.issuer.issue(NewApiKey { permissions: Some(list.clone()), ..new_key() }).await.unwrap();
        assert_eq!(desk.repo.row(&issued.key.id).key.permissions, list);
    }
}

#[tokio::test]
async fn what_was_wanted_is_what_is_kept() {
    let desk = Desk::new();
    let expires_at = Some(Timestamp::from_millis(START + 1));
    let wanted = NewApiKey { return_origins: vec!["https://a.example".parse().unwrap()], expires_at, ..new_key() };
    let issued = desk.issuer.issue(wanted.clone()).await.unwrap();
    let expected = ApiKey {
        id: issued.key.id.clone(),
        owner: wanted.owner,
        name: wanted.name,
        permissions: Permission::known(),
        return_origins: wanted.return_origins,
        created_at: Timestamp::from_millis(START),
        expires_at,
        revoked_at: None,
    };
    assert_eq!((&issued.key, &desk.repo.row(&issued.key.id).key), (&expected, &expected));
}

#[tokio::test]
async fn an_expiry_that_has_passed_is_refused_before_any_work() {
    let desk = Desk::new();
    for millis in [START, START - 1, 0] {
        let expires_at = Some(Timestamp::from_millis(millis));
        let refused = desk.issuer.issue(NewApiKey { expires_at, ..new_key() }).await;
        assert!(matches!(refused, Err(IssueError::AlreadyExpired)), "{millis}");
    }
    assert_eq!((desk.repo.len(), desk.pool.runs()), (0, 0));
}

#[tokio::test]
async fn a_taken_id_is_drawn_again_and_the_key_works() {
    let repo = Arc::<CountingRepo>::default();
    // Secret, salt, id.
    let first = desk(Scripted::new(&[1, 2, 3]), repo.clone()).issue().await;
    assert_eq!(first.key.id.as_str(), "3".repeat(16));
    let desk = desk(Scripted::new(&[4, 5, 3, 3, 6]), repo);
    let second = desk.issue().await;
    assert_eq!(second.key.id.as_str(), "6".repeat(16));
    desk.present(second.text.expose_secret()).await.unwrap();
    desk.present(first.text.expose_secret()).await.unwrap();
}

#[tokio::test]
async fn ids_that_are_always_taken_end_it() {
    let repo = Arc::<CountingRepo>::default();
    desk(Scripted::new(&[1, 2, 3]), repo.clone()).issue().await;
    let again = desk(Scripted::new(&[4, 5, 3, 3, 3]), repo.clone()).issuer.issue(new_key()).await;
    assert!(matches!(again, Err(IssueError::NoFreeId)));
    assert_eq!(repo.len(), 1);
}

#[tokio::test]
async fn without_randomness_there_is_no_key() {
    for script in [&[][..], &[1], &[1, 2]] {
        let desk = desk(Scripted::new(script), Arc::default());
        assert!(matches!(desk.issuer.issue(new_key()).await, Err(IssueError::Random(_))), "{script:?}");
        assert_eq!(desk.repo.len(), 0);
    }
}

#[tokio::test]
async fn a_pool_without_room_or_a_store_that_is_down_makes_no_key() {
    let full = PoolLimits { queue: 0, ..limits() };
    let desk = Desk::with(&settings(&"p".repeat(32)), Arc::default(), Arc::new(OsRandom), full);
    assert!(matches!(desk.issuer.issue(new_key()).await, Err(IssueError::Overloaded { .. })));
    let desk = Desk::new();
    desk.repo.down.store(true, std::sync::atomic::Ordering::SeqCst);
    assert!(matches!(desk.issuer.issue(new_key()).await, Err(IssueError::Store(RepoError::Unavailable(_)))));
    assert_eq!(desk.repo.len(), 0);
}
