//! Token settings for our authenticator, the oracle and PyJWT.

use std::sync::Arc;

use auth_jwt::{JwtAuthenticator, JwtSettings};
use billing_domain::ports::{AuthError, Authenticator};
use billing_domain::{Credential, Permissions, Timestamp};
use billing_testkit::FixedClock;
use serde_json::{Value, json};

use crate::tokens::pem;

/// The current time for all tokens, in seconds since 1970. The corpus of `auth-jwt` uses the same.
pub const NOW: i64 = 1_800_000_000;
/// The HS256 secret of the same corpus.
pub const SECRET: &str = "a secret of the tests with 32 bytes or more";
/// The second secret of profile `rotating`.
pub const OLD_SECRET: &str = "the secret before that has 32 bytes or more too";

const ISSUER: &str = "https://issuer.test";
const AUDIENCE: &str = "billing";

/// Named settings. The first four match the corpus of `auth-jwt`.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// The profile's name.
    pub name: &'static str,
    /// `HS256`, `RS256`, `ES256` or `EdDSA`.
    pub algorithm: &'static str,
    /// The configured issuer.
    pub issuer: Option<&'static str>,
    /// The configured audience.
    pub audience: Option<&'static str>,
    /// Clock leeway in seconds.
    pub leeway: i64,
    /// Maximum token lifetime in seconds.
    pub max_lifetime: i64,
    /// The claim with the owner of the billing account.
    pub subject_claim: &'static str,
    /// Required claims with their allowed values.
    pub required: &'static [(&'static str, &'static [&'static str])],
    /// HS256 secrets.
    pub secrets: &'static [&'static str],
}

const PLAIN: Profile = Profile {
    name: "plain",
    algorithm: "HS256",
    issuer: None,
    audience: None,
    leeway: 30,
    max_lifetime: 86_400,
    subject_claim: "sub",
    required: &[],
    secrets: &[SECRET],
};
const STRICT: Profile =
    Profile { name: "strict", issuer: Some(ISSUER), audience: Some(AUDIENCE), ..PLAIN };

/// All profiles. Profiles with a shared secret come first.
pub const PROFILES: [Profile; 9] = [
    PLAIN,
    STRICT,
    Profile { name: "org", subject_claim: "org_id", ..PLAIN },
    Profile {
        name: "roles",
        required: &[("role", &["owner", "admin"]), ("tier", &["gold"])],
        ..PLAIN
    },
    Profile { name: "tuned", leeway: 0, max_lifetime: 600, ..PLAIN },
    Profile { name: "rotating", secrets: &[SECRET, OLD_SECRET], ..STRICT },
    Profile { name: "rs256", algorithm: "RS256", secrets: &[], ..STRICT },
    Profile { name: "es256", algorithm: "ES256", secrets: &[], ..STRICT },
    Profile { name: "eddsa", algorithm: "EdDSA", secrets: &[], ..STRICT },
];
/// Number of [`PROFILES`] with a shared secret.
pub const SHARED: usize = 6;

/// The result for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The token is valid, with this subject.
    Accept(String),
    /// The token is valid but lacks a required claim.
    Forbid(String),
    /// The token is invalid.
    Refuse,
}

impl Profile {
    /// Returns the profile with this name.
    ///
    /// # Panics
    /// When the name is unknown.
    #[must_use]
    pub fn named(name: &str) -> &'static Self {
        const ALL: &[Profile] = &PROFILES;
        ALL.iter()
            .find(|profile| profile.name == name)
            .unwrap_or_else(|| panic!("no profile is called {name}"))
    }

    /// Creates our authenticator with these settings, at [`NOW`].
    ///
    /// # Panics
    /// When the settings are invalid.
    #[must_use]
    pub fn authenticator(&self) -> JwtAuthenticator {
        let required =
            self.required.iter().map(|(name, values)| format!("{name}={}", values.join("|")));
        let required = required.collect::<Vec<_>>().join(",");
        let settings = JwtSettings::read(&mut |name| match name {
            "JWT_HS256_SECRET" if self.algorithm == "HS256" => Some(self.secrets.join(",")),
            "JWT_PUBLIC_KEY" if self.algorithm != "HS256" => {
                Some(pem(self.algorithm, "own.public"))
            }
            "JWT_ISSUER" => self.issuer.map(str::to_owned),
            "JWT_AUDIENCE" => self.audience.map(str::to_owned),
            "JWT_LEEWAY_SECONDS" => Some(self.leeway.to_string()),
            "JWT_MAX_LIFETIME_SECONDS" => Some(self.max_lifetime.to_string()),
            "JWT_SUBJECT_CLAIM" => Some(self.subject_claim.to_owned()),
            "JWT_REQUIRED_CLAIMS" if !required.is_empty() => Some(required.clone()),
            _ => None,
        });
        let settings = settings.unwrap_or_else(|faults| panic!("{}: {faults:?}", self.name));
        let clock = Arc::new(FixedClock::at(Timestamp::from_seconds(NOW)));
        let (authenticator, _no_key_set_to_refresh) =
            JwtAuthenticator::start(settings, clock).unwrap();
        authenticator
    }

    /// Returns the settings as JSON for the Python program.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let keys = match self.algorithm {
            "HS256" => self.secrets.iter().map(|secret| (*secret).to_owned()).collect(),
            other => vec![pem(other, "own.public")],
        };
        let required: Vec<Value> =
            self.required.iter().map(|(name, values)| json!([name, values])).collect();
        json!({
            "name": self.name, "algorithm": self.algorithm, "keys": keys, "issuer": self.issuer, "now": NOW,
            "audience": self.audience, "leeway": self.leeway, "max_lifetime": self.max_lifetime,
            "subject_claim": self.subject_claim, "required": required,
        })
    }
}

/// Returns our authenticator's result for a token.
///
/// # Panics
/// When authentication fails for a reason outside of the token. These profiles need no key set.
#[must_use]
pub fn authenticate(authenticator: &JwtAuthenticator, token: &str) -> Answer {
    match crate::runtime::wait(authenticator.authenticate(&Credential::new(token))) {
        Ok(principal) if principal.permissions == Permissions::All => {
            Answer::Accept(principal.owner.as_str().to_owned())
        }
        Ok(principal) => Answer::Forbid(principal.owner.as_str().to_owned()),
        Err(AuthError::Invalid { .. } | AuthError::Expired) => Answer::Refuse,
        Err(other) => panic!("{other:?}"),
    }
}
