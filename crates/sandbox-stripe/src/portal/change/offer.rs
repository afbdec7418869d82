//! The plans that a customer may change to.

use crate::model::{
    AdjustableQuantity, AllowedUpdate, Price, Product, Subscription, SubscriptionItem,
};

use super::super::sessions::Visit;

/// An offered price.
pub(in crate::portal) struct Offer<'a> {
    pub(in crate::portal) product: &'a Product,
    pub(in crate::portal) price: &'a Price,
    /// The bounds of the quantity; None if the quantity may not change.
    pub(in crate::portal) quantity: Option<AdjustableQuantity>,
}

/// Returns the item that the pages may change. The subscription must be paid, not about to end,
/// and have one item (<https://docs.stripe.com/api/customer_portal/sessions/create>:
/// "subscriptions with multiple items are not updatable").
pub(in crate::portal) fn changeable(subscription: &Subscription) -> Option<&SubscriptionItem> {
    use crate::model::SubscriptionStatus::{Active, PastDue, Trialing};
    let running = matches!(subscription.status, Active | PastDue | Trialing)
        && subscription.ends_at().is_none();
    match subscription.items.as_slice() {
        [item] if running => Some(item),
        _ => None,
    }
}

/// Returns the offers of the configuration for the subscription, sorted by price.
pub(in crate::portal) fn offers<'a>(
    visit: &Visit<'a>,
    subscription: &Subscription,
) -> Vec<Offer<'a>> {
    let update = &visit.configuration.features.subscription_update;
    let allows = |what| update.allowed.contains(&what);
    let state = visit.state;
    let current = subscription.items.first().map(|item| item.price.as_str());
    let any = AdjustableQuantity { enabled: true, ..AdjustableQuantity::default() };
    let quantity = |price: &Price| match &update.products {
        _ if !allows(AllowedUpdate::Quantity) => None,
        None => Some(any),
        Some(products) => {
            let offered = products.iter().find(|offered| offered.product == price.product);
            offered.map(|offered| offered.quantity).filter(|quantity| quantity.enabled)
        }
    };
    let listed = |price: &Price| match &update.products {
        None => true,
        Some(products) => products.iter().any(|offered| offered.prices.contains(&price.id)),
    };
    let fits = |price: &&Price| {
        let is_current = current == Some(price.id.as_str());
        price.active
            && price.recurring.is_some()
            && price.currency == subscription.currency
            && listed(price)
            && (is_current || allows(AllowedUpdate::Price))
    };
    let mut offers: Vec<Offer<'a>> = state
        .prices
        .oldest_first()
        .filter(fits)
        .filter_map(|price| {
            let product = state.products.get(&price.product).filter(|product| product.active)?;
            Some(Offer { product, price, quantity: quantity(price) })
        })
        .collect();
    offers.sort_by_key(|offer| (offer.price.unit_amount, offer.product.name.as_str()));
    offers
}
