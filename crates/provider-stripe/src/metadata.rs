//! [`UserMetadataKey`]: under which name Stripe's objects say whose they are.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use billing_domain::NamedOwner;

/// A metadata key: 1 to 40 characters, no brackets (<https://docs.stripe.com/metadata>), no control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserMetadataKey(String);

/// An object's metadata.
pub(crate) type Metadata = BTreeMap<String, String>;

impl UserMetadataKey {
    /// `metadata[<key>]`, as a form's field within this one, if any.
    pub(crate) fn field(&self, within: Option<&str>) -> String {
        match within {
            Some(within) => format!("{within}[metadata][{}]", self.0),
            None => format!("metadata[{}]", self.0),
        }
    }

    /// Whom these metadata name.
    pub(crate) fn owner(&self, metadata: Option<&Metadata>) -> NamedOwner {
        named(metadata.and_then(|metadata| metadata.get(&self.0)).map(String::as_str))
    }
}

/// Whom a text names. One that can be no user's is somebody nonetheless, only nobody knows who.
pub(crate) fn named(text: Option<&str>) -> NamedOwner {
    match text.map(str::parse) {
        None => NamedOwner::None,
        Some(Ok(user)) => NamedOwner::User(user),
        Some(Err(_)) => NamedOwner::Ambiguous,
    }
}

/// Whom two sources name together.
pub(crate) fn agreed(one: NamedOwner, other: NamedOwner) -> NamedOwner {
    match (one, other) {
        (NamedOwner::None, whoever) | (whoever, NamedOwner::None) => whoever,
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
        let fits = (1..=40).contains(&text.chars().count());
        if fits && !text.chars().any(|c| c.is_control() || matches!(c, '[' | ']')) {
            Ok(Self(text.to_owned()))
        } else {
            Err(
                "it must be a metadata key as Stripe takes them: 1 to 40 characters without square brackets",
            )
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
    fn a_key_has_the_form_that_stripe_takes() {
        assert_eq!(UserMetadataKey::default().field(None), "metadata[user_id]");
        let key: UserMetadataKey = "사용자".parse().unwrap();
        assert_eq!(key.field(Some("subscription_data")), "subscription_data[metadata][사용자]");
        assert!("k".repeat(40).parse::<UserMetadataKey>().is_ok());
        for bad in ["", "a[b]", "a]", "a\n", &"k".repeat(41)] {
            assert!(bad.parse::<UserMetadataKey>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn metadata_name_one_user_or_nobody_or_nobody_knows_whom() {
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
    fn two_who_differ_are_ambiguous() {
        assert_eq!(agreed(NamedOwner::None, user("ann")), user("ann"));
        assert_eq!(agreed(user("ann"), user("ann")), user("ann"));
        assert_eq!(agreed(user("ann"), user("bob")), NamedOwner::Ambiguous);
        assert_eq!(agreed(NamedOwner::Ambiguous, NamedOwner::None), NamedOwner::Ambiguous);
        assert_eq!(agreed(user("ann"), NamedOwner::Ambiguous), NamedOwner::Ambiguous);
    }
}
