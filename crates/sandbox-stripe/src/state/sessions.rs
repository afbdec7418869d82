//! Portal sessions by digest of their link's secret, with removal some time after expiry.

use std::collections::{BTreeSet, HashMap};

use crate::model::{PortalSession, Timestamp};

/// Open and recently expired sessions.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    by_digest: HashMap<String, PortalSession>,
    by_end: BTreeSet<(Timestamp, String)>,
}

impl Sessions {
    /// Returns the session whose link has this digest. Looking up a digest avoids a timing leak of
    /// the secret.
    pub(crate) fn get(&self, digest: &str) -> Option<&PortalSession> {
        self.by_digest.get(digest)
    }

    pub(crate) fn len(&self) -> usize {
        self.by_digest.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &PortalSession> {
        self.by_digest.values()
    }

    pub(crate) fn put(&mut self, session: PortalSession) {
        if let Some(before) = self.by_digest.get(&session.digest) {
            self.by_end.remove(&(before.forget_at(), before.digest.clone()));
        }
        self.by_end.insert((session.forget_at(), session.digest.clone()));
        self.by_digest.insert(session.digest.clone(), session);
    }

    /// Removes the sessions that expired long ago.
    pub(crate) fn forget(&mut self, now: Timestamp) {
        while let Some((end, _)) = self.by_end.first()
            && *end <= now
            && let Some((_, digest)) = self.by_end.pop_first()
        {
            self.by_digest.remove(&digest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(digest: &str, expires_at: Timestamp) -> PortalSession {
        PortalSession {
            id: format!("bps_{digest}"),
            digest: digest.to_owned(),
            created: 0,
            expires_at,
            customer: "cus_1".to_owned(),
            configuration: "bpc_1".to_owned(),
            return_url: None,
            locale: None,
            flow: None,
            flow_done: false,
            challenge: None,
        }
    }

    #[test]
    fn a_session_is_removed_some_time_after_its_end_and_a_longer_one_stays() {
        let mut sessions = Sessions::default();
        sessions.put(session("a", 300));
        sessions.put(session("b", 300));
        sessions.put(session("b", 4_000));
        sessions.forget(899);
        assert_eq!(sessions.len(), 2);
        sessions.forget(900);
        assert!(sessions.get("a").is_none());
        assert_eq!(sessions.get("b").map(|s| s.expires_at), Some(4_000));
        sessions.forget(100_000);
        assert_eq!((sessions.len(), sessions.by_end.len()), (0, 0));
    }
}
