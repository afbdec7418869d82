//! The embedded default's demo user: linked to a customer of the sandbox, with credentials that are printed at every start.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use auth_jwt::{JwtSettings, MintError};
use billing_domain::ports::{AuthError, Authenticator, RepoError};
use billing_domain::{Actor, ApiKeyError, ApiKeyIssuer, NewApiKey, OnConflict, RequestOrigin};
use billing_domain::{
    Credential, CustomerId, CustomerLink, CustomerService, KeyName, ProviderAccount, UserId,
};
use secrecy::{ExposeSecret, SecretString};

use crate::data_folder;
use crate::wiring::clock::clock;
use crate::wiring::store::Stores;

pub(crate) const USER: &str = "demo-user";
/// Who has bought nothing yet.
const NEWCOMER: &str = "newcomer";
const KEY_FILE: &str = "demo-api-key.secret";
const TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// What the demo is made of.
#[derive(Debug)]
pub(crate) struct Demo {
    pub(crate) base: String,
    pub(crate) sandbox: String,
    pub(crate) folder: PathBuf,
    pub(crate) tokens: JwtSettings,
    pub(crate) keys: Arc<dyn Authenticator>,
    pub(crate) issuer: ApiKeyIssuer,
    pub(crate) stores: Stores,
    pub(crate) account: ProviderAccount,
}

/// Why there is no demo. The service runs all the same.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    #[error("a value of the demo is wrong: {0}")]
    Value(String),
    #[error("the store failed")]
    Store(#[from] RepoError),
    #[error("no API key was made")]
    Key(#[from] ApiKeyError),
    #[error("the demo key cannot be judged")]
    Judge(#[from] AuthError),
    #[error("the data folder or standard output failed")]
    Io(#[from] io::Error),
}

impl Demo {
    /// Links the demo user, finds or makes its key, and prints what to paste.
    pub(crate) async fn prepare(self, customer: String) -> Result<(), DemoError> {
        let owner: UserId = parsed(USER)?;
        let link = CustomerLink {
            owner: owner.clone(),
            account: self.account.clone(),
            customer: parsed::<CustomerId>(&customer)?,
        };
        let customers = CustomerService::new(self.stores.customers.clone(), clock());
        customers.link(&link, OnConflict::Replace).await?;
        let key = self.key(&owner).await?;
        let lifetime = TOKEN_LIFETIME.min(self.tokens.max_lifetime());
        let (token, newcomer) =
            (self.token(&owner, lifetime)?, self.token(&parsed(NEWCOMER)?, lifetime)?);
        let tokens = token.as_ref().zip(newcomer.as_ref());
        self.print(
            tokens.map(|(token, newcomer)| (token.expose_secret(), newcomer.expose_secret())),
            lifetime,
            &key,
        )
    }

    /// A token for a user; `None` where the service holds no secret to sign it with.
    fn token(&self, user: &UserId, lifetime: Duration) -> Result<Option<SecretString>, DemoError> {
        match auth_jwt::mint(&self.tokens, user, lifetime, clock().now()) {
            Ok(token) => Ok(Some(token)),
            Err(MintError::NoSecret) => Ok(None),
            Err(error @ MintError::LifetimeOutOfRange { .. }) => {
                Err(DemoError::Value(error.to_string()))
            }
        }
    }

    /// The key of the last start, where it still holds.
    async fn key(&self, owner: &UserId) -> Result<String, DemoError> {
        if let Some(text) = data_folder::read(&self.folder, KEY_FILE)? {
            match self.keys.authenticate(&Credential::new(text.as_str())).await {
                Ok(principal) if principal.owner == *owner => return Ok(text),
                // Revoked, or made for another database or pepper.
                Ok(_) | Err(AuthError::Invalid { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let name: KeyName = parsed("demo")?;
        let order = NewApiKey {
            owner: owner.clone(),
            name,
            description: None,
            permissions: None,
            return_origins: Vec::new(),
            expires_at: None,
        };
        let issued =
            self.issuer.create(order, None, Actor::Operator, RequestOrigin::default()).await?;
        data_folder::replace(&self.folder, KEY_FILE, issued.text.expose_secret())?;
        Ok(issued.text.expose_secret().to_owned())
    }

    /// At most 14 lines, on standard output whatever the log does. A closed pipe is nobody's loss.
    fn print(
        &self,
        tokens: Option<(&str, &str)>,
        lifetime: Duration,
        key: &str,
    ) -> Result<(), DemoError> {
        use api_http::routes::{CHECKOUT, PORTAL, PORTAL_BY_API_KEY};
        let Self { base, sandbox, .. } = self;
        let mut out = io::stdout().lock();
        writeln!(
            out,
            "billing-portal listens on {base} (docs: {base}/docs), its sandbox of Stripe on {sandbox}."
        )?;
        writeln!(
            out,
            "The demo user `{USER}` has a subscription, two invoices and a card there; nothing of it is real."
        )?;
        writeln!(out)?;
        if let Some((token, _)) = tokens {
            writeln!(out, "Access token ({} h): {token}", lifetime.as_secs() / 3600)?;
        }
        writeln!(out, "API key: {key}")?;
        writeln!(out)?;
        writeln!(
            out,
            "Open the portal: paste a line, then open the URL of the answer in a browser."
        )?;
        if let Some((token, _)) = tokens {
            writeln!(out, "curl -sS -X POST {base}{PORTAL} -H 'Authorization: Bearer {token}'")?;
        }
        writeln!(
            out,
            "curl -sS -X POST {base}{PORTAL_BY_API_KEY} -H 'Authorization: Bearer {key}'"
        )?;
        if let Some((_, newcomer)) = tokens {
            writeln!(
                out,
                "Or buy a plan first, as `{NEWCOMER}` who has none, with the card 4242 4242 4242 4242:"
            )?;
            writeln!(
                out,
                "  curl -sS {base}{CHECKOUT} -H 'Authorization: Bearer {newcomer}' -H 'Content-Type: application/json' \
                 -d '{{\"planId\":\"starter\"}}'"
            )?;
        }
        out.flush()?;
        Ok(())
    }
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, DemoError> {
    text.parse().map_err(|error: T::Err| DemoError::Value(error.to_string()))
}
