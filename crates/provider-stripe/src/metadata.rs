//! [`UserMetadataKey`]: the metadata key that names the owner of a Stripe object.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use billing_domain::NamedOwner;

/// A metadata key: 1 to 40 characters without brackets (<https://docs.stripe.com/metadata>) and
/// control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserMetadataKey(String);

/// An object's metadata.
pub(crate) type Metadata = BTreeMap<String, String>;

impl UserMetadataKey {
    /// Returns the form field `metadata[<key>]`, nested in `within`, if given.
    pub(crate) fn field(&self, within: Option<&str>) -> String {
        match within {
            Some(within) => format!("{within}[metadata][{}]", self.0),
            None => format!("metadata[{}]", self.0),
        }
    }

    /// Returns the owner in the metadata.
    pub(crate) fn owner(&self, metadata: Option<&Metadata>) -> NamedOwner {
        owner_in_text(metadata.and_then(|metadata| metadata.get(&self.0)).map(String::as_str))
    }
}

/// Parses the owner in a text. An invalid user id is ambiguous.
pub(crate) fn owner_in_text(text: Option<&str>) -> NamedOwner {
    match text.map(str::parse) {
        None => NamedOwner::None,
        Some(Ok(user)) => NamedOwner::User(user),
        Some(Err(_)) => NamedOwner::Ambiguous,
    }
}

/// Merges the owners that two sources name. Different owners are ambiguous.
pub(crate) fn merge_owners(one: NamedOwner, other: NamedOwner) -> NamedOwner {
    match (one, other) {
        (NamedOwner::None, owner) | (owner, NamedOwner::None) => owner,
        (one, other) if one == other => one,
        _ => NamedOwner::Ambiguous,
    }
}

impl Default for UserMetadataKey {
    fn default() -> Self {
        Self("user_id".to_owned())
    }
}

impl FromStr for UserMetadataKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let has_valid_length = (1..=40).contains(&text.chars().count());
        if has_valid_length && !text.chars().any(|c| c.is_control() || matches!(c, '[' | ']')) {
            Ok(Self(text.to_owned()))
        } else {
            Err("it must be a Stripe metadata key: 1 to 40 characters without square brackets")
        }
    }
}

impl fmt::Display for UserMetadataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str) -> NamedOwner {
        NamedOwner::User(id.parse().unwrap())
    }

    #[test]
    fn key_follows_the_rules_of_stripe() {
        assert_eq!(UserMetadataKey::default().field(None), "metadata[user_id]");
        let key: UserMetadataKey = "사용자".parse().unwrap();
        assert_eq!(key.field(Some("subscription_data")), "subscription_data[metadata][사용자]");
        assert!("k".repeat(40).parse::<UserMetadataKey>().is_ok());
        for bad in ["", "a[b]", "a]", "a\n", &"k".repeat(41)] {
            assert!(bad.parse::<UserMetadataKey>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn metadata_owner_is_none_a_user_or_ambiguous() {
        let owner = |pairs: &[(&str, &str)]| {
            let metadata =
                pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            UserMetadataKey::default().owner(Some(&metadata))
        };
        assert_eq!(owner(&[("userId", "ann")]), NamedOwner::None);
        assert_eq!(owner(&[("user_id", "ann"), ("x", "y")]), user("ann"));
        assert_eq!(owner(&[("user_id", "a\u{7}")]), NamedOwner::Ambiguous);
        assert_eq!(UserMetadataKey::default().owner(None), NamedOwner::None);
    }

    #[test]
    fn different_owners_are_ambiguous() {
        assert_eq!(merge_owners(NamedOwner::None, user("ann")), user("ann"));
        assert_eq!(merge_owners(user("ann"), user("ann")), user("ann"));
        assert_eq!(merge_owners(user("ann"), user("bob")), NamedOwner::Ambiguous);
        assert_eq!(merge_owners(NamedOwner::Ambiguous, NamedOwner::None), NamedOwner::Ambiguous);
        assert_eq!(merge_owners(user("ann"), NamedOwner::Ambiguous), NamedOwner::Ambiguous);
    }
}
