//! [`FakeAuthenticator`].

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use billing_domain::ports::{AuthError, Authenticator};
use billing_domain::{ApiKeyId, Credential, Principal};

/// Accepts registered credentials.
#[derive(Default)]
pub struct FakeAuthenticator(Mutex<BTreeMap<String, Principal>>);

impl FakeAuthenticator {
    /// Registers a credential of this caller.
    pub fn accept(&self, credential: impl Into<String>, principal: Principal) {
        self.0.lock().unwrap().insert(credential.into(), principal);
    }
}

impl std::fmt::Debug for FakeAuthenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FakeAuthenticator([REDACTED])")
    }
}

#[async_trait]
impl Authenticator for FakeAuthenticator {
    async fn authenticate(&self, credential: &Credential) -> Result<Principal, AuthError> {
        let known = self.0.lock().unwrap();
        known
            .get(credential.expose())
            .cloned()
            .ok_or_else(|| AuthError::invalid("the fake has no such credential"))
    }

    fn presented_key_id(&self, _credential: &Credential) -> Option<ApiKeyId> {
        None
    }
}
