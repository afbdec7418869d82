//! Idempotency keys: the first outcome under a key is the answer to every repetition
//! (<https://docs.stripe.com/api/idempotent_requests>).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::auth::Caller;
use super::error::{ApiError, ErrorType, excerpt};
use crate::model::Timestamp;

/// Stripe may drop a key after a day.
const KEPT_SECONDS: i64 = 24 * 60 * 60;

/// So many outcomes are kept at most: they live in memory only, because they hold portal links.
const MOST_KEPT: usize = 100_000;

/// The longest key that Stripe takes.
const LONGEST_KEY: usize = 255;

/// An answer that can be given again.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    /// The request that was answered first.
    pub(crate) request_id: String,
}

/// What distinguishes one request from another: where it goes, and with which parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    pub(crate) path: String,
    pub(crate) params: [u8; 32],
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Slot {
    caller: Caller,
    key: Arc<str>,
}

struct Entry {
    fingerprint: Fingerprint,
    since: Timestamp,
    /// None while the first request is under way.
    outcome: Option<Outcome>,
}

#[derive(Default)]
struct Inner {
    entries: HashMap<Slot, Entry>,
    oldest_first: VecDeque<(Timestamp, Slot)>,
}

/// The keys of the last day.
#[derive(Clone, Default)]
pub(crate) struct IdempotencyKeys(Arc<Mutex<Inner>>);

/// What to do with a request that carries a key.
pub(crate) enum Begun {
    /// It is the first: do it, and tell the claim.
    First(Claim),
    /// It was done before.
    Again(Outcome),
}

/// A key in use; dropped without an outcome, it is free again.
pub(crate) struct Claim {
    keys: IdempotencyKeys,
    slot: Option<Slot>,
}

impl IdempotencyKeys {
    /// Begins a request under a key.
    pub(crate) fn begin(
        &self,
        caller: Caller,
        key: &str,
        fingerprint: Fingerprint,
        now: Timestamp,
    ) -> Result<Begun, ApiError> {
        if key.is_empty() || key.chars().count() > LONGEST_KEY {
            let message = format!("An idempotency key has 1 to {LONGEST_KEY} characters.");
            return Err(ApiError::refused(400, None, message));
        }
        let slot = Slot { caller, key: key.into() };
        let mut inner = self.lock();
        inner.forget(now);
        if let Some(entry) = inner.entries.get(&slot) {
            return match &entry.outcome {
                _ if entry.fingerprint != fingerprint => {
                    Err(misused(key, &entry.fingerprint, &fingerprint))
                }
                Some(outcome) => Ok(Begun::Again(outcome.clone())),
                None => Err(ApiError::refused(
                    409,
                    Some("idempotency_key_in_use"),
                    format!(
                        "Another request with the idempotency key '{}' is still in progress. Try again later.",
                        excerpt(key)
                    ),
                )),
            };
        }
        inner.entries.insert(slot.clone(), Entry { fingerprint, since: now, outcome: None });
        inner.oldest_first.push_back((now, slot.clone()));
        Ok(Begun::First(Claim { keys: self.clone(), slot: Some(slot) }))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn forget(&mut self, now: Timestamp) {
        while let Some((since, _)) = self.oldest_first.front()
            && (self.oldest_first.len() > MOST_KEPT || since.saturating_add(KEPT_SECONDS) <= now)
            && let Some((since, slot)) = self.oldest_first.pop_front()
        {
            // A key that was freed and taken again is a younger one.
            if self.entries.get(&slot).is_some_and(|entry| entry.since == since) {
                self.entries.remove(&slot);
            }
        }
    }
}

impl Claim {
    /// Keeps the outcome for repetitions.
    pub(crate) fn finish(mut self, outcome: Outcome) {
        if let Some(slot) = self.slot.take()
            && let Some(entry) = self.keys.lock().entries.get_mut(&slot)
        {
            entry.outcome = Some(outcome);
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            self.keys.lock().entries.remove(&slot);
        }
    }
}

fn misused(key: &str, first: &Fingerprint, now: &Fingerprint) -> ApiError {
    let key = excerpt(key);
    let reason = if first.path == now.path {
        "Keys for idempotent requests can only be used with the same parameters they were first used with.".to_owned()
    } else {
        format!(
            "Keys for idempotent requests can only be used for the same endpoint they were first used for ('{}' vs \
             '{}').",
            excerpt(&now.path),
            excerpt(&first.path)
        )
    };
    let message = format!(
        "{reason} Try using a key other than '{key}' if you meant to execute a different request."
    );
    ApiError { kind: ErrorType::Idempotency, ..ApiError::refused(400, None, message) }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::*;

    fn caller(key: &str) -> Caller {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", format!("Bearer {key}").parse().expect("header"));
        super::super::auth::authenticate(&headers).expect("caller")
    }

    fn print(path: &str, params: u8) -> Fingerprint {
        Fingerprint { path: path.to_owned(), params: [params; 32] }
    }

    fn outcome() -> Outcome {
        Outcome { status: 200, body: Bytes::from_static(b"{}"), request_id: "req_1".to_owned() }
    }

    fn first(begun: Result<Begun, ApiError>) -> Claim {
        match begun {
            Ok(Begun::First(claim)) => claim,
            _ => panic!("not the first"),
        }
    }

    #[test]
    fn a_repetition_while_the_first_is_under_way_is_a_conflict() {
        let keys = IdempotencyKeys::default();
        let me = caller("sk_test_1");
        let claim = first(keys.begin(me, "k", print("/v1/a", 1), 0));
        let error = keys.begin(me, "k", print("/v1/a", 1), 0).err().expect("conflict");
        assert_eq!((error.status, error.code), (409, Some("idempotency_key_in_use")));
        claim.finish(outcome());
        assert!(matches!(keys.begin(me, "k", print("/v1/a", 1), 0), Ok(Begun::Again(_))));
    }

    #[test]
    fn a_dropped_claim_frees_its_key() {
        let keys = IdempotencyKeys::default();
        let me = caller("sk_test_1");
        drop(first(keys.begin(me, "k", print("/v1/a", 1), 0)));
        first(keys.begin(me, "k", print("/v1/a", 2), 0)).finish(outcome());
        assert!(matches!(keys.begin(me, "k", print("/v1/a", 2), 0), Ok(Begun::Again(_))));
    }

    #[test]
    fn a_key_serves_one_request_of_one_caller_for_a_day() {
        let keys = IdempotencyKeys::default();
        let me = caller("sk_test_1");
        first(keys.begin(me, "k", print("/v1/a", 1), 0)).finish(outcome());
        for (other, words) in
            [(print("/v1/a", 2), "same parameters"), (print("/v1/b", 1), "same endpoint")]
        {
            let error = keys.begin(me, "k", other, 10).err().expect("misused");
            assert_eq!((error.status, error.kind), (400, ErrorType::Idempotency));
            assert!(error.message.contains(words), "{}", error.message);
        }
        first(keys.begin(caller("sk_test_2"), "k", print("/v1/b", 1), 10)).finish(outcome());
        first(keys.begin(me, "k", print("/v1/b", 1), KEPT_SECONDS)).finish(outcome());
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many() {
        let keys = IdempotencyKeys::default();
        let me = caller("sk_test_1");
        for n in 0..=MOST_KEPT {
            first(keys.begin(me, &format!("k{n}"), print("/v1/a", 1), 0)).finish(outcome());
        }
        drop(first(keys.begin(me, "last", print("/v1/a", 1), 0)));
        drop(first(keys.begin(me, "k0", print("/v1/a", 1), 0)));
        assert!(keys.lock().entries.len() <= MOST_KEPT + 1);
    }
}
