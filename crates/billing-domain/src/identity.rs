//! Identity: users, principals, credentials and permissions.

mod credential;
mod operation;
mod permission;
mod principal;
mod user;

pub use credential::{Credential, CredentialKind, KeyPrefix, KeyPrefixError};
pub use operation::Operation;
pub use permission::{Permission, PermissionError, Permissions};
pub use principal::{AuthMethod, Principal};
pub use user::{UserId, UserIdError};
