//! The authenticator for access tokens.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use billing_domain::ports::{AuthError, Authenticator, Clock};
use billing_domain::{AuthMethod, Credential, Permissions, Principal};

use crate::json::parse_object;
use crate::settings::JwtSettings;
use crate::{claims, compact, header};

/// Judges access tokens by the configured key and policy. It needs no I/O; a token of the greatest size costs one signature.
#[derive(Debug)]
pub struct JwtAuthenticator {
    settings: JwtSettings,
    clock: Arc<dyn Clock>,
}

impl JwtAuthenticator {
    /// An authenticator with these settings that tells the time by `clock`.
    #[must_use]
    pub fn new(settings: JwtSettings, clock: Arc<dyn Clock>) -> Self {
        Self { settings, clock }
    }

    fn judge(&self, token: &str) -> Result<Principal, AuthError> {
        let JwtSettings { keys, policy, required } = &self.settings;
        let token = compact::parse(token)?;
        header::check(&parse_object("header", &token.header)?, keys.algorithm())?;
        if !keys.verify(token.signing_input, &token.signature) {
            return Err(AuthError::invalid("the signature does not hold"));
        }
        let claims = parse_object("claims", &token.claims)?;
        let owner = claims::check(&claims, policy, self.clock.now())?;
        let permissions =
            if required.are_met_by(&claims) { Permissions::All } else { Permissions::Only(BTreeSet::new()) };
        Ok(Principal { owner, method: AuthMethod::AccessToken, permissions, return_origins: Vec::new() })
    }
}

#[async_trait]
impl Authenticator for JwtAuthenticator {
    async fn authenticate(&self, credential: &Credential) -> Result<Principal, AuthError> {
        self.judge(credential.expose())
    }
}
