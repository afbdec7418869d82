//! The forms of `POST /v1/customers` and `POST /v1/checkout/sessions`.

use billing_domain::{CheckoutOrder, NewCustomer, ReturnUrl, UserId};
use url::form_urlencoded::Serializer;

use crate::metadata::UserMetadataKey;

/// Maximum length of `client_reference_id`, in characters, from the published schema.
const MAX_REFERENCE: usize = 200;
/// Placeholder that Stripe replaces with the session id
/// (<https://docs.stripe.com/payments/checkout/custom-success-page>).
const PLACEHOLDER: &str = "{CHECKOUT_SESSION_ID}";
/// The placeholder in a normalised URL: braces are escaped in a path, but not in a query.
const ESCAPED_PLACEHOLDER: &str = "%7BCHECKOUT_SESSION_ID%7D";

/// Encodes a new customer as a form body.
pub(crate) fn customer(order: &NewCustomer, key: &UserMetadataKey) -> String {
    Serializer::new(String::new()).append_pair(&key.field(None), order.owner.as_str()).finish()
}

/// Encodes a checkout order as a form body. The session and the subscription both name the owner,
/// so that the subscription has an owner without a look at the session.
pub(crate) fn session(order: &CheckoutOrder, key: &UserMetadataKey) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair("mode", "subscription");
    form.append_pair("customer", order.customer.as_str());
    form.append_pair("line_items[0][price]", order.price.as_str());
    form.append_pair("line_items[0][quantity]", "1");
    if let Some(reference) = reference(&order.owner) {
        form.append_pair("client_reference_id", reference);
    }
    form.append_pair(&key.field(None), order.owner.as_str());
    form.append_pair(&key.field(Some("subscription_data")), order.owner.as_str());
    form.append_pair("success_url", &with_placeholder(&order.success_url));
    form.append_pair("cancel_url", order.cancel_url.as_str());
    form.finish()
}

/// Returns the owner as a `client_reference_id`, unless it is too long. A truncated id could name
/// another user.
fn reference(owner: &UserId) -> Option<&str> {
    Some(owner.as_str()).filter(|id| id.chars().count() <= MAX_REFERENCE)
}

fn with_placeholder(url: &ReturnUrl) -> String {
    url.as_str().replace(ESCAPED_PLACEHOLDER, PLACEHOLDER)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use billing_domain::Deadline;
    use url::form_urlencoded::parse;

    use super::*;

    fn order(owner: &str, success_url: &str) -> CheckoutOrder {
        CheckoutOrder {
            customer: "cus_1".parse().unwrap(),
            owner: owner.parse().unwrap(),
            price: "price_1".parse().unwrap(),
            success_url: ReturnUrl::configured(success_url).unwrap(),
            cancel_url: ReturnUrl::configured("https://a.example/pricing").unwrap(),
            key: "key-1".parse().unwrap(),
            deadline: Deadline::at(Instant::now()),
        }
    }

    fn fields(body: &str) -> Vec<(String, String)> {
        parse(body.as_bytes()).into_owned().collect()
    }

    #[test]
    fn session_names_its_owner_in_three_fields() {
        let key: UserMetadataKey = "user id".parse().unwrap();
        let body = session(
            &order("auth0|1&x=[y]", "https://a.example/done?s={CHECKOUT_SESSION_ID}"),
            &key,
        );
        let expected = [
            ("mode", "subscription"),
            ("customer", "cus_1"),
            ("line_items[0][price]", "price_1"),
            ("line_items[0][quantity]", "1"),
            ("client_reference_id", "auth0|1&x=[y]"),
            ("metadata[user id]", "auth0|1&x=[y]"),
            ("subscription_data[metadata][user id]", "auth0|1&x=[y]"),
            ("success_url", "https://a.example/done?s={CHECKOUT_SESSION_ID}"),
            ("cancel_url", "https://a.example/pricing"),
        ];
        assert_eq!(
            fields(&body),
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn too_long_reference_is_omitted() {
        let key = UserMetadataKey::default();
        for (length, expected_present) in [(200, true), (201, false), (255, false)] {
            let body = session(&order(&"é".repeat(length), "https://a.example/"), &key);
            assert_eq!(body.contains("client_reference_id"), expected_present, "{length}");
            assert!(fields(&body).iter().any(|(name, _)| name == "metadata[user_id]"));
        }
    }

    #[test]
    fn placeholder_is_sent_unescaped() {
        for place in
            ["done/{CHECKOUT_SESSION_ID}/x", "?id={CHECKOUT_SESSION_ID}", "#{CHECKOUT_SESSION_ID}"]
        {
            let url = format!("https://a.example/{place}");
            let body = session(&order("ann", &url), &UserMetadataKey::default());
            assert!(fields(&body).contains(&("success_url".to_owned(), url)), "{body}");
        }
        let other = "https://a.example/%7BID%7D?x=%7B";
        assert_eq!(with_placeholder(&order("ann", other).success_url), other);
    }

    #[test]
    fn customer_form_has_only_the_owner() {
        let order = NewCustomer {
            owner: "김하늘".parse().unwrap(),
            key: "k".parse().unwrap(),
            deadline: Deadline::at(Instant::now()),
        };
        let body = customer(&order, &UserMetadataKey::default());
        assert_eq!(fields(&body), [("metadata[user_id]".to_owned(), "김하늘".to_owned())]);
    }
}
