//! Idempotency keys: a repeated key gets the first request's outcome
//! (<https://docs.stripe.com/api/idempotent_requests>).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::auth::Caller;
use super::error::{ApiError, ErrorType, excerpt};
use crate::model::Timestamp;

/// Stripe may delete a key after a day.
const RETENTION_SECONDS: i64 = 24 * 60 * 60;

/// Maximum outcomes in memory. They contain portal links and are not written to disk.
const MAX_OUTCOMES: usize = 100_000;

/// Stripe's maximum key length.
const MAX_KEY_LENGTH: usize = 255;

/// A stored response.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    /// The id of the first request.
    pub(crate) request_id: String,
}

/// Identifies a request: its path and a digest of its parameters.
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
    /// None while the first request is in progress.
    outcome: Option<Outcome>,
}

#[derive(Default)]
struct Inner {
    entries: HashMap<Slot, Entry>,
    oldest_first: VecDeque<(Timestamp, Slot)>,
}

/// The keys of the last 24 hours.
#[derive(Clone, Default)]
pub(crate) struct IdempotencyKeys(Arc<Mutex<Inner>>);

/// The decision for a request with a key.
pub(crate) enum KeyDecision {
    /// The first request: run it and finish the claim.
    First(Claim),
    /// A repetition: return the stored outcome.
    Replay(Outcome),
}

/// A key in use. Dropping it without an outcome frees the key.
pub(crate) struct Claim {
    keys: IdempotencyKeys,
    slot: Option<Slot>,
}

impl IdempotencyKeys {
    /// Claims the key, or returns its stored outcome.
    pub(crate) fn begin(
        &self,
        caller: Caller,
        key: &str,
        fingerprint: Fingerprint,
        now: Timestamp,
    ) -> Result<KeyDecision, ApiError> {
        if key.is_empty() || key.chars().count() > MAX_KEY_LENGTH {
            let message = format!("An idempotency key has 1 to {MAX_KEY_LENGTH} characters.");
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
                Some(outcome) => Ok(KeyDecision::Replay(outcome.clone())),
                None => Err(ApiError::refused(
                    409,
                    Some("idempotency_key_in_use"),
                    format!(
                        "Another request with the idempotency key '{}' is still in progress. Try \
                        again later.",
                        excerpt(key)
                    ),
                )),
            };
        }
        inner.entries.insert(slot.clone(), Entry { fingerprint, since: now, outcome: None });
        inner.oldest_first.push_back((now, slot.clone()));
        Ok(KeyDecision::First(Claim { keys: self.clone(), slot: Some(slot) }))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn forget(&mut self, now: Timestamp) {
        while let Some((since, _)) = self.oldest_first.front()
            && (self.oldest_first.len() > MAX_OUTCOMES
                || since.saturating_add(RETENTION_SECONDS) <= now)
            && let Some((since, slot)) = self.oldest_first.pop_front()
        {
            // A freed key that was claimed again has a newer entry.
            if self.entries.get(&slot).is_some_and(|entry| entry.since == since) {
                self.entries.remove(&slot);
            }
        }
    }
}

impl Claim {
    /// Stores the outcome for repetitions.
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
        "Keys for idempotent requests can only be used with the same parameters they were first \
        used with."
            .to_owned()
    } else {
        format!(
            "Keys for idempotent requests can only be used for the same endpoint they were first \
            used for ('{}' vs '{}').",
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

    fn fingerprint(path: &str, params: u8) -> Fingerprint {
        Fingerprint { path: path.to_owned(), params: [params; 32] }
    }

    fn outcome() -> Outcome {
        Outcome { status: 200, body: Bytes::from_static(b"{}"), request_id: "req_1".to_owned() }
    }

    fn first(decision: Result<KeyDecision, ApiError>) -> Claim {
        match decision {
            Ok(KeyDecision::First(claim)) => claim,
            _ => panic!("not the first"),
        }
    }

    #[test]
    fn a_repetition_during_the_first_request_is_a_conflict() {
        let keys = IdempotencyKeys::default();
        let me = caller("sk_test_1");
        let claim = first(keys.begin(me, "k", fingerprint("/v1/a", 1), 0));
        let error = keys.begin(me, "k", fingerprint("/v1/a", 1), 0).err().expect("conflict");
        assert_eq!((error.status, error.code), (409, Some("idempotency_key_in_use")));
        claim.finish(outcome());
        assert!(matches!(
            keys.begin(me, "k", fingerprint("/v1/a", 1), 0),
            Ok(KeyDecision::Replay(_))
        ));
    }

    #[test]
    fn a_dropped_claim_frees_its_key() {
        let keys = IdempotencyKeys::default();
        let me = caller("sk_test_1");
        drop(first(keys.begin(me, "k", fingerprint("/v1/a", 1), 0)));
        first(keys.begin(me, "k", fingerprint("/v1/a", 2), 0)).finish(outcome());
        assert!(matches!(
            keys.begin(me, "k", fingerprint("/v1/a", 2), 0),
            Ok(KeyDecision::Replay(_))
        ));
    }

    #[test]
    fn a_key_serves_one_request_of_one_caller_for_a_day() {
        let keys = IdempotencyKeys::default();
        let me = caller("sk_test_1");
        first(keys.begin(me, "k", fingerprint("/v1/a", 1), 0)).finish(outcome());
        for (other, words) in [
            (fingerprint("/v1/a", 2), "same parameters"),
            (fingerprint("/v1/b", 1), "same endpoint"),
        ] {
            let error = keys.begin(me, "k", other, 10).err().expect("misused");
            assert_eq!((error.status, error.kind), (400, ErrorType::Idempotency));
            assert!(error.message.contains(words), "{}", error.message);
        }
        first(keys.begin(caller("sk_test_2"), "k", fingerprint("/v1/b", 1), 10)).finish(outcome());
        first(keys.begin(me, "k", fingerprint("/v1/b", 1), RETENTION_SECONDS)).finish(outcome());
    }

    #[test]
    fn the_oldest_keys_are_dropped_at_the_limit() {
        let keys = IdempotencyKeys::default();
        let me = caller("sk_test_1");
        for n in 0..=MAX_OUTCOMES {
            first(keys.begin(me, &format!("k{n}"), fingerprint("/v1/a", 1), 0)).finish(outcome());
        }
        drop(first(keys.begin(me, "last", fingerprint("/v1/a", 1), 0)));
        drop(first(keys.begin(me, "k0", fingerprint("/v1/a", 1), 0)));
        assert!(keys.lock().entries.len() <= MAX_OUTCOMES + 1);
    }
}
