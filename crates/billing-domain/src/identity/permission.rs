//! What a credential may do.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// `area:action`, for instance `subscriptions:portal`. Any text of that form is stored; routes ask for those they know.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Permission(String);

/// Why a permission was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a permission is `area:action`, each of A-Z a-z 0-9 . _ -, at most 100 characters together"
)]
pub struct PermissionError;

/// What a principal may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permissions {
    /// Everything that its owner may: an access token is the owner.
    All,
    /// These and no others; an empty set is a credential that may do nothing.
    Only(BTreeSet<Permission>),
}

impl Permission {
    /// Opening the customer portal.
    #[must_use]
    pub fn portal() -> Self {
        Self("subscriptions:portal".to_owned())
    }

    /// Starting a checkout.
    #[must_use]
    pub fn checkout() -> Self {
        Self("subscriptions:checkout".to_owned())
    }

    /// Reading the current subscription.
    #[must_use]
    pub fn read_subscription() -> Self {
        Self("subscriptions:read".to_owned())
    }

    /// Managing API keys. For access tokens: routes that ask for it take no key.
    #[must_use]
    pub fn manage_api_keys() -> Self {
        Self("api-keys:manage".to_owned())
    }

    /// All permissions of this version that a key can use: what one gets that is created without a list.
    #[must_use]
    pub fn all_for_keys() -> BTreeSet<Self> {
        BTreeSet::from([Self::checkout(), Self::portal(), Self::read_subscription()])
    }

    /// The permission as text.
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
    /// Whether `permission` is among them. Permissions are compared as text; nothing implies another.
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
    fn a_permission_is_two_parts_and_one_colon() {
        assert!("subscriptions:portal".parse::<Permission>().is_ok());
        assert!("reports.v2:read_all".parse::<Permission>().is_ok());
        for bad in
            ["", ":", "a:", ":b", "a", "a:b:c", "a b:c", "a:ü", &format!("a:{}", "b".repeat(99))]
        {
            assert_eq!(bad.parse::<Permission>(), Err(PermissionError), "{bad}");
        }
    }

    #[test]
    fn an_empty_set_allows_nothing() {
        assert!(!Permissions::Only(BTreeSet::new()).contains(&Permission::portal()));
        assert!(Permissions::All.contains(&Permission::portal()));
    }
}
