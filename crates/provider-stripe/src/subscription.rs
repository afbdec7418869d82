//! Stripe's subscriptions.

use billing_domain::ports::ListedSubscription;
use billing_domain::{CustomerId, Mode, PriceId, Subscription, SubscriptionId, Timestamp};
use serde::Deserialize;

use crate::object;
use crate::price::Price;

/// The endpoint's path.
pub(crate) const PATH: &str = "/v1/subscriptions";

/// The relevant fields of Stripe's object `subscription`.
#[derive(Deserialize)]
pub(crate) struct SubscriptionObject {
    object: String,
    pub(crate) id: String,
    customer: String,
    livemode: bool,
    status: String,
    created: i64,
    cancel_at_period_end: bool,
    cancel_at: Option<i64>,
    items: Items,
}

/// The first items of the subscription. They determine the plan.
#[derive(Deserialize)]
struct Items {
    data: Vec<Item>,
}

/// Since version 2025-03-31 (basil) each item has its own period
/// (<https://docs.stripe.com/changelog/basil/2025-03-31/deprecate-subscription-current-period-start-and-end>).
#[derive(Deserialize)]
struct Item {
    price: Price,
    current_period_start: Option<i64>,
    current_period_end: Option<i64>,
}

/// Parses the customer of the requested subscription from the body of a 200.
///
/// # Errors
/// Why the body is not this subscription.
pub(crate) fn parse_customer(
    body: &[u8],
    requested: &SubscriptionId,
    mode: Mode,
) -> Result<CustomerId, String> {
    let subscription: SubscriptionObject = object::read(body, "subscription")?;
    object::check(&subscription.object, "subscription", subscription.livemode, mode)?;
    if subscription.id != requested.as_str() {
        return Err("the response has another subscription".to_owned());
    }
    object::id(&subscription.customer, "customer")
}

impl SubscriptionObject {
    /// Converts the subscription of a list.
    ///
    /// # Errors
    /// Why it is invalid.
    pub(crate) fn listed(self, mode: Mode) -> Result<ListedSubscription, String> {
        object::check(&self.object, "subscription", self.livemode, mode)?;
        let items = self.items.data;
        let prices = items.iter().map(|item| item.price(mode)).collect::<Result<_, _>>()?;
        let first = items.first();
        let seconds = |moment: Option<i64>| moment.map(Timestamp::from_seconds);
        let subscription = Subscription {
            id: object::id(&self.id, "subscription")?,
            status: self
                .status
                .parse()
                .map_err(|_| "the status of a subscription is unknown".to_owned())?,
            prices,
            cycle: first.and_then(|item| item.price.cycle()),
            created: Timestamp::from_seconds(self.created),
            period_start: seconds(first.and_then(|item| item.current_period_start)),
            period_end: seconds(first.and_then(|item| item.current_period_end)),
            cancel_at_period_end: self.cancel_at_period_end,
            cancel_at: seconds(self.cancel_at),
        };
        Ok(ListedSubscription { customer: object::id(&self.customer, "customer")?, subscription })
    }
}

impl Item {
    fn price(&self, mode: Mode) -> Result<PriceId, String> {
        self.price.check(mode)?;
        object::id(&self.price.id, "price")
    }
}

#[cfg(test)]
mod tests {
    use billing_domain::{BillingCycle, SubscriptionStatus};

    use super::*;

    const PRICE: &str = r#"{"object":"price","id":"price_1","livemode":false,"active":true,"currency":"usd",
        "billing_scheme":"per_unit","unit_amount":900,"recurring":{"interval":"year","interval_count":1,"usage_type":"licensed"}}"#;

    fn body(rest: &str) -> String {
        format!(
            r#"{{"object":"subscription","id":"sub_1","customer":"cus_1","livemode":false,"status":"trialing","created":5,
            "cancel_at_period_end":true,"cancel_at":9,"items":{{"data":[
            {{"price":{PRICE},"current_period_start":6,"current_period_end":8}},
            {{"price":{},"current_period_start":1,"current_period_end":2}}]}}{rest}}}"#,
            PRICE.replace("price_1", "price_2")
        )
    }

    fn read(body: &str) -> Result<ListedSubscription, String> {
        object::read::<SubscriptionObject>(body.as_bytes(), "subscription")?.listed(Mode::Test)
    }

    #[test]
    fn period_and_cycle_come_from_the_first_item() {
        let read = read(&body("")).unwrap();
        let expected = Subscription {
            id: "sub_1".parse().unwrap(),
            status: SubscriptionStatus::Trialing,
            prices: vec!["price_1".parse().unwrap(), "price_2".parse().unwrap()],
            cycle: Some(BillingCycle::Yearly),
            created: Timestamp::from_seconds(5),
            period_start: Some(Timestamp::from_seconds(6)),
            period_end: Some(Timestamp::from_seconds(8)),
            cancel_at_period_end: true,
            cancel_at: Some(Timestamp::from_seconds(9)),
        };
        assert_eq!((read.customer.as_str(), read.subscription), ("cus_1", expected));
    }

    #[test]
    fn exactly_the_statuses_of_the_schema_are_accepted() {
        for status in SubscriptionStatus::ALL {
            let read = read(&body("").replace("trialing", status.as_str())).unwrap();
            assert_eq!(read.subscription.status, *status);
        }
        assert!(read(&body("").replace("trialing", "ended")).is_err());
    }

    #[test]
    fn p4_other_subscription_or_mode_is_rejected() {
        let customer_of =
            |body: &str| parse_customer(body.as_bytes(), &"sub_1".parse().unwrap(), Mode::Test);
        assert_eq!(customer_of(&body("")), Ok("cus_1".parse().unwrap()));
        for (from, to) in [("sub_1", "sub_2"), ("false", "true"), ("\"subscription\"", "\"list\"")]
        {
            assert!(customer_of(&body("").replacen(from, to, 1)).is_err(), "{from}");
        }
        assert!(
            read(&body("").replacen(
                "\"livemode\":false,\"active\"",
                "\"livemode\":true,\"active\"",
                1
            ))
            .is_err()
        );
    }
}
