//! The permissions of credentials.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// A permission of the form `area:action`, for example `subscriptions:portal`. Keys may have
/// unknown permissions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Permission(String);

/// The text is not a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a permission must be `area:action`, each of A-Z a-z 0-9 . _ -, in at most 100 characters")]
pub struct PermissionError;

/// The permissions of a principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permissions {
    /// All permissions of the owner. Access tokens have them.
    All,
    /// Only these permissions.
    Only(BTreeSet<Permission>),
}

impl Permission {
    /// Returns the permission to open the customer portal.
    #[must_use]
    pub fn portal() -> Self {
        Self("subscriptions:portal".to_owned())
    }

    /// Returns the permission to start a checkout.
    #[must_use]
    pub fn checkout() -> Self {
        Self("subscriptions:checkout".to_owned())
    }

    /// Returns the permission to read the current subscription.
    #[must_use]
    pub fn read_subscription() -> Self {
        Self("subscriptions:read".to_owned())
    }

    /// Returns the permission to manage API keys. Only access tokens have it.
    #[must_use]
    pub fn manage_api_keys() -> Self {
        Self("api-keys:manage".to_owned())
    }

    /// Returns all permissions that API keys can use in this version. Keys get them by default.
    #[must_use]
    pub fn all_for_keys() -> BTreeSet<Self> {
        BTreeSet::from([Self::checkout(), Self::portal(), Self::read_subscription()])
    }

    /// Returns the permission as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Permission {
    type Err = PermissionError;

    fn from_str(text: &str) -> Result<Self, PermissionError> {
        let part = |s: &str| {
            !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        };
        match text.split_once(':') {
            Some((area, action)) if text.len() <= 100 && part(area) && part(action) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(PermissionError),
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Permissions {
    /// Returns whether the permissions include `permission`. No permission implies another.
    #[must_use]
    pub fn contains(&self, permission: &Permission) -> bool {
        match self {
            Self::All => true,
            Self::Only(set) => set.contains(permission),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permission_has_two_parts_and_one_colon() {
        assert!("subscriptions:portal".parse::<Permission>().is_ok());
        assert!("reports.v2:read_all".parse::<Permission>().is_ok());
        for bad in
            ["", ":", "a:", ":b", "a", "a:b:c", "a b:c", "a:ü", &format!("a:{}", "b".repeat(99))]
        {
            assert_eq!(bad.parse::<Permission>(), Err(PermissionError), "{bad}");
        }
    }

    #[test]
    fn empty_set_contains_no_permission() {
        assert!(!Permissions::Only(BTreeSet::new()).contains(&Permission::portal()));
        assert!(Permissions::All.contains(&Permission::portal()));
    }
}
