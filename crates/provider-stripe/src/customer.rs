//! Stripe's customers.

use billing_domain::ports::ListedCustomer;
use billing_domain::{CustomerId, Mode, NamedOwner};
use serde::Deserialize;

use crate::metadata::{Metadata, UserMetadataKey};
use crate::object;

/// The endpoint's path.
pub(crate) const PATH: &str = "/v1/customers";

/// The relevant fields of Stripe's objects `customer` and `deleted_customer`.
#[derive(Deserialize)]
pub(crate) struct Customer {
    object: String,
    pub(crate) id: String,
    /// A deleted customer has no further fields.
    #[serde(default)]
    deleted: bool,
    livemode: Option<bool>,
    metadata: Option<Metadata>,
    email: Option<String>,
}

impl Customer {
    /// Checks the type and the mode.
    fn check(&self, mode: Mode) -> Result<(), String> {
        match self.livemode {
            Some(livemode) => object::check(&self.object, "customer", livemode, mode),
            None if self.deleted => {
                object::check(&self.object, "customer", mode == Mode::Live, mode)
            }
            None => Err("the customer has no mode".to_owned()),
        }
    }
}

/// Parses the id of a new customer from the body of a 200.
///
/// # Errors
/// Why the body is not this customer.
pub(crate) fn parse_new(
    body: &[u8],
    owner: &NamedOwner,
    key: &UserMetadataKey,
    mode: Mode,
) -> Result<CustomerId, String> {
    let customer: Customer = object::read(body, "customer")?;
    customer.check(mode)?;
    if customer.deleted {
        return Err("the customer is deleted".to_owned());
    }
    // If the idempotency key was used for another user, Stripe returns the customer of that user.
    if key.owner(customer.metadata.as_ref()) != *owner {
        return Err("the customer belongs to another user".to_owned());
    }
    object::id(&customer.id, "customer")
}

/// Parses the requested customer from the body of a 200. Returns the owner in its metadata, or
/// `None` for a deleted customer.
///
/// # Errors
/// Why the body is not this customer.
pub(crate) fn parse_owner(
    body: &[u8],
    requested: &CustomerId,
    key: &UserMetadataKey,
    mode: Mode,
) -> Result<Option<NamedOwner>, String> {
    let customer: Customer = object::read(body, "customer")?;
    customer.check(mode)?;
    if customer.id != requested.as_str() {
        return Err("the response has another customer".to_owned());
    }
    Ok((!customer.deleted).then(|| key.owner(customer.metadata.as_ref())))
}

/// Converts a customer of a list.
pub(crate) fn listed(
    customer: Customer,
    key: &UserMetadataKey,
    mode: Mode,
) -> Result<ListedCustomer, String> {
    customer.check(mode)?;
    if customer.deleted {
        return Err("a deleted customer is in the list".to_owned());
    }
    let email = customer.email.filter(|email| !email.is_empty());
    Ok(ListedCustomer {
        id: object::id(&customer.id, "customer")?,
        owner: key.owner(customer.metadata.as_ref()),
        email,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Option<NamedOwner>, String> {
        parse_owner(
            body.as_bytes(),
            &"cus_1".parse().unwrap(),
            &UserMetadataKey::default(),
            Mode::Test,
        )
    }

    #[test]
    fn deleted_customer_has_no_owner() {
        assert_eq!(read(r#"{"object":"customer","id":"cus_1","deleted":true}"#), Ok(None));
    }

    #[test]
    fn p4_other_customer_or_mode_is_rejected() {
        let good =
            r#"{"object":"customer","id":"cus_1","livemode":false,"metadata":{"user_id":"ann"}}"#;
        assert_eq!(read(good), Ok(Some(NamedOwner::User("ann".parse().unwrap()))));
        for (from, to) in [
            ("cus_1", "cus_2"),
            ("false", "true"),
            ("\"customer\"", "\"list\""),
            ("\"livemode\":false,", ""),
        ] {
            assert!(read(&good.replacen(from, to, 1)).is_err(), "{from}");
        }
    }

    #[test]
    fn new_customer_must_belong_to_the_requested_owner() {
        let fresh = |body: &str| {
            let ann = NamedOwner::User("ann".parse().unwrap());
            parse_new(body.as_bytes(), &ann, &UserMetadataKey::default(), Mode::Test)
        };
        let good =
            r#"{"object":"customer","id":"cus_1","livemode":false,"metadata":{"user_id":"ann"}}"#;
        assert_eq!(fresh(good), Ok("cus_1".parse().unwrap()));
        assert!(fresh(&good.replace("ann", "bob")).is_err());
        assert!(fresh(r#"{"object":"customer","id":"cus_1","deleted":true}"#).is_err());
    }
}
