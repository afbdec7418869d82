//! A key that is published while a fetch runs which began before.

use std::sync::Mutex;

use async_trait::async_trait;

use super::*;
use crate::jwks::published_key::{PublishedKey, set_of};
use crate::jwks::state::ASKED_AT_MOST_EVERY;
use billing_testkit::FixedClock;

/// An issuer whose answer is what was published when it was asked, and comes when it may.
#[derive(Debug)]
struct Issuer {
    published: Mutex<String>,
    asked: watch::Sender<usize>,
    answers: watch::Sender<bool>,
}

#[async_trait]
impl JwkSetSource for Arc<Issuer> {
    async fn fetch(&self) -> Result<Vec<u8>, FetchFault> {
        let published = self.published.lock().unwrap().clone();
        self.asked.send_modify(|asked| *asked += 1);
        self.answers.subscribe().wait_for(|answers| *answers).await.unwrap();
        Ok(published.into_bytes())
    }
}

#[tokio::test]
async fn a_token_that_met_a_fetch_from_before_its_key_waits_for_the_next() {
    let (old, new) = (PublishedKey::new("old"), PublishedKey::new("new"));
    let clock = Arc::new(FixedClock::at(Timestamp::from_seconds(1_800_000_000)));
    let issuer = Arc::new(Issuer {
        published: Mutex::new(set_of(&[&old])),
        asked: watch::Sender::new(0),
        answers: watch::Sender::new(true),
    });
    let (shared, refresher) = prepare(Arc::clone(&issuer), Arc::clone(&clock) as Arc<dyn Clock>);
    let refreshing = tokio::spawn(refresher.run());
    shared.state.subscribe().wait_for(|state| state.usable(clock.now()).is_ok()).await.unwrap();

    // A made-up id has the set fetched, as it was before the rotation.
    issuer.answers.send_replace(false);
    let find = |id: &'static str| {
        let (shared, clock) = (Arc::clone(&shared), Arc::clone(&clock));
        tokio::spawn(async move { shared.find(Some(id), clock.as_ref()).await.map(drop) })
    };
    let forged = find("forged");
    issuer.asked.subscribe().wait_for(|asked| *asked == 2).await.unwrap();

    // Then the key is published, and its first token comes while that fetch still runs.
    *issuer.published.lock().unwrap() = set_of(&[&old, &new]);
    clock.advance(ASKED_AT_MOST_EVERY);
    let genuine = find("new");
    tokio::task::yield_now().await;
    issuer.answers.send_replace(true);
    assert!(genuine.await.unwrap().is_ok());
    assert!(forged.await.unwrap().is_err());
    refreshing.abort();
}
