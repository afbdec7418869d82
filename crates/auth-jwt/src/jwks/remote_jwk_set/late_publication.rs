//! Tests a key that is published while a fetch runs.

use std::sync::Mutex;

use async_trait::async_trait;

use super::*;
use crate::jwks::published_key::{PublishedKey, set_of};
use crate::jwks::state::UNKNOWN_KEY_INTERVAL;
use billing_testkit::FixedClock;

/// An issuer that responds when the test allows it, with the keys published at the request.
#[derive(Debug)]
struct Issuer {
    published: Mutex<String>,
    requests: watch::Sender<usize>,
    responds: watch::Sender<bool>,
}

#[async_trait]
impl JwkSetSource for Arc<Issuer> {
    async fn fetch(&self) -> Result<Vec<u8>, FetchFault> {
        let published = self.published.lock().unwrap().clone();
        self.requests.send_modify(|requests| *requests += 1);
        self.responds.subscribe().wait_for(|responds| *responds).await.unwrap();
        Ok(published.into_bytes())
    }
}

#[tokio::test]
async fn a_token_waits_for_another_fetch_when_the_running_one_predates_its_key() {
    let (old, new) = (PublishedKey::new("old"), PublishedKey::new("new"));
    let clock = Arc::new(FixedClock::at(Timestamp::from_seconds(1_800_000_000)));
    let issuer = Arc::new(Issuer {
        published: Mutex::new(set_of(&[&old])),
        requests: watch::Sender::new(0),
        responds: watch::Sender::new(true),
    });
    let (shared, refresher) = prepare(Arc::clone(&issuer), Arc::clone(&clock) as Arc<dyn Clock>);
    let refreshing = tokio::spawn(refresher.run());
    shared.state.subscribe().wait_for(|state| state.usable(clock.now()).is_ok()).await.unwrap();

    // A made-up id starts a fetch of the set before the rotation.
    issuer.responds.send_replace(false);
    let find = |id: &'static str| {
        let (shared, clock) = (Arc::clone(&shared), Arc::clone(&clock));
        tokio::spawn(async move { shared.find(Some(id), clock.as_ref()).await.map(drop) })
    };
    let forged = find("forged");
    issuer.requests.subscribe().wait_for(|requests| *requests == 2).await.unwrap();

    // The issuer publishes the key. Its first token arrives while that fetch still runs.
    *issuer.published.lock().unwrap() = set_of(&[&old, &new]);
    clock.advance(UNKNOWN_KEY_INTERVAL);
    let genuine = find("new");
    tokio::task::yield_now().await;
    issuer.responds.send_replace(true);
    assert!(genuine.await.unwrap().is_ok());
    assert!(forged.await.unwrap().is_err());
    refreshing.abort();
}
