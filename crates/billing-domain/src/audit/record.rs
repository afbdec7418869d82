//! The values of the audit log: events, counted denials and records.

use std::fmt;
use std::str::FromStr;

use crate::{ApiKeyId, AuthMethod, CustomerId, ProviderAccount, Timestamp, UserId};

/// An action in the audit log. It contains no secrets and no portal URLs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// The time.
    pub at: Timestamp,
    /// The action.
    pub action: AuditAction,
    /// The actor.
    pub actor: Actor,
    /// The owner of the account or key.
    pub owner: Option<UserId>,
    /// The key that was used or changed.
    pub key: Option<ApiKeyId>,
    /// The customer, with its provider and mode.
    pub customer: Option<(ProviderAccount, CustomerId)>,
    /// The request's origin.
    pub origin: RequestOrigin,
}

/// The actor of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The owner, with an access token.
    User,
    /// The owner, with an API key.
    ApiKey,
    /// An operator, on the command line.
    Operator,
    /// The payment provider: a reading of its state caused the action.
    Provider,
}

/// The request and the source address of an action. Both are absent on the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestOrigin {
    /// The request id, also in the response.
    pub request_id: Option<String>,
    /// The source address.
    pub source: Option<String>,
}

/// The number of denied attempts of one kind in one minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denials {
    /// The start of the minute.
    pub at: Timestamp,
    /// The error code, for example `invalid_api_key`.
    pub cause: String,
    /// The source address; `None` after the counter reached its capacity.
    pub source: Option<String>,
    /// The presented key id, if there was one.
    pub key: Option<ApiKeyId>,
    /// The number of attempts.
    pub count: u64,
}

/// A row of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// The ascending sequence number: the cursor of the next page.
    pub sequence: i64,
    /// The content.
    pub entry: AuditEntry,
}

/// The content of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditEntry {
    /// An action.
    Event(AuditEvent),
    /// Denied attempts.
    Denials(Denials),
}

/// A query for records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only records about this user.
    pub owner: Option<UserId>,
    /// Only records at or after this time.
    pub since: Option<Timestamp>,
    /// Only records after this sequence number.
    pub after: Option<i64>,
    /// Maximum number of records.
    pub limit: u32,
}

macro_rules! actions {
    ($($variant:ident $text:literal $meaning:literal;)*) => {
        /// An action of the audit log.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum AuditAction {
            $(#[doc = $meaning] $variant,)*
        }

        impl AuditAction {
            /// Every action.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Returns the action's name in the log.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}

actions! {
    PortalOpened "portal.opened" "A portal session was created.";
    CheckoutStarted "checkout.started" "A checkout session was created.";
    KeyCreated "api_key.created" "An API key was created.";
    KeyRotated "api_key.rotated" "An API key got a successor.";
    KeyRevoked "api_key.revoked" "An API key was revoked.";
    CustomerLinked "customer.linked" "A user was linked to a customer.";
    CustomerUnlinked "customer.unlinked" "A user's link to a customer was removed.";
    UserForgotten "user.forgotten" "A user's data were erased.";
}

/// The text is not the name of an action or an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown name in the audit log")]
pub struct AuditNameError;

impl FromStr for AuditAction {
    type Err = AuditNameError;

    fn from_str(text: &str) -> Result<Self, AuditNameError> {
        Self::ALL.iter().copied().find(|action| action.as_str() == text).ok_or(AuditNameError)
    }
}

impl fmt::Display for AuditAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Actor {
    /// Returns the actor of an authenticated request, and the API key that it used.
    #[must_use]
    pub fn from_auth_method(method: &AuthMethod) -> (Self, Option<ApiKeyId>) {
        match method {
            AuthMethod::AccessToken => (Self::User, None),
            AuthMethod::ApiKey(id) => (Self::ApiKey, Some(id.clone())),
        }
    }

    /// Returns the actor's name in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::ApiKey => "api_key",
            Self::Operator => "operator",
            Self::Provider => "provider",
        }
    }
}

impl FromStr for Actor {
    type Err = AuditNameError;

    fn from_str(text: &str) -> Result<Self, AuditNameError> {
        [Self::User, Self::ApiKey, Self::Operator, Self::Provider]
            .into_iter()
            .find(|actor| actor.as_str() == text)
            .ok_or(AuditNameError)
    }
}
