//! [`Demo`]: the demo user of the embedded default, with a customer of the sandbox and credentials.

mod banner;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use auth_jwt::{JwtSettings, MintError};
use billing_domain::ports::{AuthError, Authenticator, RepoError};
use billing_domain::{Actor, ApiKeyError, ApiKeyIssuer, NewApiKey, OnConflict, RequestOrigin};
use billing_domain::{
    BillingAccounts, Credential, CustomerId, CustomerLink, CustomerService, Deadline, KeyName,
    ProviderAccount, UserId, error_chain,
};
use secrecy::{ExposeSecret, SecretString};

use banner::Banner;

use crate::data_folder;
use crate::wiring::clock::clock;
use crate::wiring::store::Stores;

pub(crate) const USER: &str = "demo-user";
/// A user without a purchase.
const NEWCOMER: &str = "newcomer";
const KEY_FILE: &str = "demo-api-key.secret";
const READ_BUDGET: Duration = Duration::from_secs(2);
const TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Everything that the demo uses.
#[derive(Debug)]
pub(crate) struct Demo {
    pub(crate) base: String,
    pub(crate) sandbox: String,
    pub(crate) admin: SocketAddr,
    pub(crate) folder: PathBuf,
    pub(crate) tokens: JwtSettings,
    pub(crate) keys: Arc<dyn Authenticator>,
    pub(crate) issuer: ApiKeyIssuer,
    pub(crate) stores: Stores,
    pub(crate) accounts: BillingAccounts,
    pub(crate) account: ProviderAccount,
}

/// Why the demo cannot be prepared. The service runs without it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    #[error("a value of the demo is invalid: {0}")]
    Value(String),
    #[error("the database failed")]
    Store(#[from] RepoError),
    #[error("the API key was not created")]
    Key(#[from] ApiKeyError),
    #[error("the demo key cannot be verified")]
    Verify(#[from] AuthError),
    #[error("the data folder or standard output failed")]
    Io(#[from] io::Error),
}

impl Demo {
    /// Links the demo user, reads or creates its API key, and prints the banner.
    pub(crate) async fn prepare(self, customer: String) -> Result<(), DemoError> {
        let owner: UserId = parsed(USER)?;
        let link = CustomerLink {
            owner: owner.clone(),
            account: self.account.clone(),
            customer: parsed::<CustomerId>(&customer)?,
        };
        let customers = CustomerService::new(self.stores.customers.clone(), clock());
        customers.link(&link, OnConflict::Replace).await?;
        // No event reports the demo customer, so the mirror reads it here. A failed reading is
        // repeated by the next request.
        let read = self.accounts.state(&link.customer, Deadline::after(READ_BUDGET)).await;
        if let Err(error) = read {
            tracing::debug!(cause = error_chain(&error), "the demo customer was not read");
        }
        let key = self.key(&owner).await?;
        let lifetime = TOKEN_LIFETIME.min(self.tokens.max_lifetime());
        let (token, newcomer) =
            (self.token(&owner, lifetime)?, self.token(&parsed(NEWCOMER)?, lifetime)?);
        let banner = Banner {
            base: &self.base,
            sandbox: &self.sandbox,
            admin: self.admin,
            folder: &self.folder,
            users: (USER, NEWCOMER),
            tokens: token
                .as_ref()
                .zip(newcomer.as_ref())
                .map(|(token, newcomer)| (token.expose_secret(), newcomer.expose_secret())),
            lifetime,
            key: &key,
        };
        // Standard output, so that log settings do not affect the banner.
        let mut out = io::stdout().lock();
        write!(out, "{banner}")?;
        out.flush()?;
        Ok(())
    }

    /// Creates a token for a user. Returns `None` if the service has no secret to sign it.
    fn token(&self, user: &UserId, lifetime: Duration) -> Result<Option<SecretString>, DemoError> {
        match auth_jwt::mint(&self.tokens, user, lifetime, clock().now()) {
            Ok(token) => Ok(Some(token)),
            Err(MintError::NoSecret) => Ok(None),
            Err(error @ MintError::LifetimeOutOfRange { .. }) => {
                Err(DemoError::Value(error.to_string()))
            }
        }
    }

    /// Returns the key of the previous start if it is still valid, else a new one.
    async fn key(&self, owner: &UserId) -> Result<String, DemoError> {
        if let Some(text) = data_folder::read(&self.folder, KEY_FILE)? {
            match self.keys.authenticate(&Credential::new(text.as_str())).await {
                Ok(principal) if principal.owner == *owner => return Ok(text),
                // Revoked, or created for another database or pepper.
                Ok(_) | Err(AuthError::Invalid { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let name: KeyName = parsed("demo")?;
        let new_key = NewApiKey {
            owner: owner.clone(),
            name,
            description: None,
            permissions: None,
            return_origins: Vec::new(),
            expires_at: None,
        };
        let issued =
            self.issuer.create(new_key, None, Actor::Operator, RequestOrigin::default()).await?;
        data_folder::replace(&self.folder, KEY_FILE, issued.text.expose_secret())?;
        Ok(issued.text.expose_secret().to_owned())
    }
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, DemoError> {
    text.parse().map_err(|error: T::Err| DemoError::Value(error.to_string()))
}
