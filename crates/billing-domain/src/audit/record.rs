//! What the audit log holds: who did what, to whom, in which request, from where.

use std::fmt;
use std::str::FromStr;

use crate::{ApiKeyId, AuthMethod, CustomerId, ProviderAccount, Timestamp, UserId};

/// One thing that was done. Never a secret, never a portal URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub action: AuditAction,
    /// Who did it.
    pub actor: Actor,
    /// Whose account or key it is about.
    pub owner: Option<UserId>,
    /// Which key it is about, or was used.
    pub key: Option<ApiKeyId>,
    /// Which customer it is about, and where.
    pub customer: Option<(ProviderAccount, CustomerId)>,
    /// Where it came from.
    pub origin: RequestOrigin,
}

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The owner, with an access token.
    User,
    /// The owner's API key.
    ApiKey,
    /// An operator, on the command line.
    Operator,
    /// The payment provider: its state was read, and this followed.
    Provider,
}

/// Which request did it, and from which address. Both are absent on the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestOrigin {
    /// The request's id, as the answer carries it.
    pub request_id: Option<String>,
    /// The source address.
    pub source: Option<String>,
}

/// A minute's denied attempts of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denials {
    /// The beginning of the minute.
    pub at: Timestamp,
    /// Why, as an error code: `invalid_api_key`.
    pub cause: String,
    /// The source address, or `None` for all those that were too many to tell apart.
    pub source: Option<String>,
    /// The key id that was tried, if there was one.
    pub key: Option<ApiKeyId>,
    /// How many.
    pub count: u64,
}

/// One row of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// The row's place in the log: ascending, the cursor of the next page.
    pub sequence: i64,
    /// What it says.
    pub entry: AuditEntry,
}

/// What a row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditEntry {
    /// Something was done.
    Event(AuditEvent),
    /// Attempts were denied.
    Denials(Denials),
}

/// Which records to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only records about this user.
    pub owner: Option<UserId>,
    /// Only records of this moment or later.
    pub since: Option<Timestamp>,
    /// Only records after this place.
    pub after: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

macro_rules! actions {
    ($($variant:ident $text:literal $meaning:literal;)*) => {
        /// What was done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum AuditAction {
            $(#[doc = $meaning] $variant,)*
        }

        impl AuditAction {
            /// Every action.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The action's name in the log.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}

actions! {
    PortalOpened "portal.opened" "A portal session was minted.";
    CheckoutStarted "checkout.started" "A checkout session was made.";
    KeyCreated "api_key.created" "An API key was made.";
    KeyRotated "api_key.rotated" "An API key got a successor.";
    KeyRevoked "api_key.revoked" "An API key was revoked.";
    CustomerLinked "customer.linked" "A user was linked to a customer.";
    CustomerUnlinked "customer.unlinked" "A user's link to a customer was removed.";
    UserForgotten "user.forgotten" "What names a user was erased.";
}

/// Why a stored word is none of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such word in the audit log")]
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
    /// Who a caller is, and the key that it came with.
    #[must_use]
    pub fn from_auth_method(method: &AuthMethod) -> (Self, Option<ApiKeyId>) {
        match method {
            AuthMethod::AccessToken => (Self::User, None),
            AuthMethod::ApiKey(id) => (Self::ApiKey, Some(id.clone())),
        }
    }

    /// The word for it in the log.
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
