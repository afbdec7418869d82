//! Stripe's customers.

use billing_domain::ports::ListedCustomer;
use billing_domain::{CustomerId, Mode, NamedOwner};
use serde::Deserialize;

use crate::metadata::{Metadata, UserMetadataKey};
use crate::object;

/// The endpoint's path.
pub(crate) const PATH: &str = "/v1/customers";

/// The fields of Stripe's objects `customer` and `deleted_customer` that count.
#[derive(Deserialize)]
pub(crate) struct Customer {
    object: String,
    pub(crate) id: String,
    /// A deleted customer says no more than that.
    #[serde(default)]
    deleted: bool,
    livemode: Option<bool>,
    metadata: Option<Metadata>,
    email: Option<String>,
}

impl Customer {
    /// Holds it against what was asked for.
    fn check(&self, mode: Mode) -> Result<(), String> {
        match self.livemode {
            Some(livemode) => object::check(&self.object, "customer", livemode, mode),
            None if self.deleted => {
                object::check(&self.object, "customer", mode == Mode::Live, mode)
            }
            None => Err("the customer says no mode".to_owned()),
        }
    }
}

/// Reads the id of a fresh customer from the body of a 200.
///
/// # Errors
/// Why it is none.
pub(crate) fn parse_fresh(
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
    // Under a key that was used for somebody else, Stripe would give that customer.
    if key.owner(customer.metadata.as_ref()) != *owner {
        return Err("the customer is somebody else's".to_owned());
    }
    object::id(&customer.id, "customer")
}

/// Reads this customer from the body of a 200: whom its metadata name, or `None` where it was deleted.
///
/// # Errors
/// Why it is another one, or none.
pub(crate) fn parse_owner(
    body: &[u8],
    asked_for: &CustomerId,
    key: &UserMetadataKey,
    mode: Mode,
) -> Result<Option<NamedOwner>, String> {
    let customer: Customer = object::read(body, "customer")?;
    customer.check(mode)?;
    if customer.id != asked_for.as_str() {
        return Err("the customer is another one".to_owned());
    }
    Ok((!customer.deleted).then(|| key.owner(customer.metadata.as_ref())))
}

/// A customer of a list.
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
    fn a_deleted_customer_is_none() {
        assert_eq!(read(r#"{"object":"customer","id":"cus_1","deleted":true}"#), Ok(None));
    }

    #[test]
    fn p4_another_customer_or_mode_does_not_count() {
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
    fn a_fresh_customer_is_the_orders_owners() {
        let fresh = |body: &str| {
            let ann = NamedOwner::User("ann".parse().unwrap());
            parse_fresh(body.as_bytes(), &ann, &UserMetadataKey::default(), Mode::Test)
        };
        let good =
            r#"{"object":"customer","id":"cus_1","livemode":false,"metadata":{"user_id":"ann"}}"#;
        assert_eq!(fresh(good), Ok("cus_1".parse().unwrap()));
        assert!(fresh(&good.replace("ann", "bob")).is_err());
        assert!(fresh(r#"{"object":"customer","id":"cus_1","deleted":true}"#).is_err());
    }
}
