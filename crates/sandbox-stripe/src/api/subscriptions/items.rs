//! Reads the items of a subscription from a request.

use crate::api::call::Call;
use crate::api::error::ApiError;
use crate::api::params::{MAX_QUANTITY, Params};
use crate::api::price_terms;
use crate::billing::{ChangeError, ItemChange, NewItem, PlanChange, Planned, plan};
use crate::model::{Metadata, Price, Recurring, Subscription};
use crate::transaction::Transaction;

/// Stripe's maximum of items (<https://docs.stripe.com/api/subscriptions/create>, `items`).
const MAX_ITEMS: usize = 20;

const UNSIMULATED: &[&str] = &["billing_thresholds", "clear_usage", "discounts", "tax_rates"];

/// Reads the items of a new subscription and their common billing period.
pub(super) fn read_new(call: &mut Call<'_, '_>) -> Result<(Vec<NewItem>, Recurring), ApiError> {
    let list = call.params.objects("items")?.ok_or_else(|| call.params.absent("items"))?;
    check_count(&list)?;
    let mut items = NewItems::default();
    for mut item in list {
        item.expect(&["metadata", "price", "price_data", "quantity"], UNSIMULATED)?;
        let name = item.name("price");
        let price = price(call.transaction, &mut item)?.ok_or_else(|| item.absent("price"))?;
        let mut metadata = Metadata::new();
        item.metadata(&mut metadata)?;
        let quantity = item.amount("quantity", MAX_QUANTITY)?.unwrap_or(1);
        items.add(NewItem { price, quantity, metadata }, name)?;
    }
    items.finish().ok_or_else(|| call.params.absent("items"))
}

/// The items of a new subscription. They share a currency and a billing period.
#[derive(Default)]
pub(crate) struct NewItems {
    items: Vec<NewItem>,
    recurring: Option<Recurring>,
}

impl NewItems {
    /// Adds an item. `name` is the parameter that named its price.
    pub(crate) fn add(&mut self, item: NewItem, name: String) -> Result<(), ApiError> {
        let price = &item.price;
        let terms = price.recurring.ok_or_else(|| not_recurring(name.clone()))?;
        if !price.active {
            return Err(inactive(name));
        }
        match self.items.first() {
            Some(first) if first.price.currency != price.currency => {
                return Err(other_currency(name));
            }
            Some(_) if self.items.iter().any(|item| item.price.id == price.id) => {
                return Err(same_price_twice());
            }
            Some(_) if self.recurring != Some(terms) => return Err(different_intervals()),
            _ => self.recurring = Some(terms),
        }
        self.items.push(item);
        Ok(())
    }

    /// Returns the items and their billing period, or None without items.
    pub(crate) fn finish(self) -> Option<(Vec<NewItem>, Recurring)> {
        self.recurring.map(|recurring| (self.items, recurring))
    }
}

/// Reads changes to items.
pub(crate) fn read_changes(
    params: &mut Params,
    transaction: &mut Transaction<'_>,
    subscription: &Subscription,
) -> Result<Vec<ItemChange>, ApiError> {
    let Some(list) = params.objects("items")? else { return Ok(Vec::new()) };
    check_count(&list)?;
    let mut changes = Vec::with_capacity(list.len());
    for mut item in list {
        item.expect(
            &["deleted", "id", "metadata", "price", "price_data", "quantity"],
            UNSIMULATED,
        )?;
        let id = item.text("id", 5_000)?;
        let before = subscription.items.iter().find(|known| id.as_ref() == Some(&known.id));
        let mut metadata = before.map(|item| item.metadata.clone()).unwrap_or_default();
        item.metadata(&mut metadata)?;
        let inline = item.has("price_data");
        changes.push(ItemChange {
            price: price(transaction, &mut item)?.map(|price| price.id),
            inline,
            quantity: item.amount("quantity", MAX_QUANTITY)?,
            deleted: item.boolean("deleted")?.unwrap_or(false),
            metadata: Some(metadata),
            id,
        });
    }
    Ok(changes)
}

/// Computes the change, with Stripe's errors. `prefix` is the object that contains the items.
pub(crate) fn change_items(
    transaction: &Transaction<'_>,
    before: &Subscription,
    change: &PlanChange,
    prefix: &Params,
) -> Result<Planned, ApiError> {
    plan(transaction, before, change).map_err(|error| change_refused(error, change, prefix))
}

/// Returns Stripe's error for a refused change.
fn change_refused(error: ChangeError, change: &PlanChange, prefix: &Params) -> ApiError {
    let items = prefix.name("items");
    let name = |index: usize, field: &str| format!("{items}[{index}][{field}]");
    let asked = |index: usize, pick: fn(&ItemChange) -> Option<&String>| {
        change.items.get(index).and_then(pick).cloned().unwrap_or_default()
    };
    match error {
        ChangeError::NoSuchItem(index) => ApiError::missing(
            "subscription item",
            &asked(index, |item| item.id.as_ref()),
            name(index, "id"),
        ),
        ChangeError::NoSuchPrice(index) => ApiError::missing(
            "price",
            &asked(index, |item| item.price.as_ref()),
            name(index, "price"),
        ),
        ChangeError::NoPrice(index) => {
            let name = name(index, "price");
            ApiError::invalid(
                Some("parameter_missing"),
                name.clone(),
                format!("Missing required param: {name}."),
            )
        }
        ChangeError::InactivePrice(index) => inactive(name(index, "price")),
        ChangeError::NotRecurring(index) => not_recurring(name(index, "price")),
        ChangeError::OtherCurrency(index) => other_currency(name(index, "price")),
        ChangeError::BadQuantity(index) => ApiError::invalid(
            Some("parameter_invalid_integer"),
            name(index, "quantity"),
            "Invalid quantity",
        ),
        ChangeError::SamePriceTwice => same_price_twice(),
        ChangeError::DifferentIntervals => different_intervals(),
        ChangeError::NoItems => {
            ApiError::conflicts(Some(items), "A subscription must have at least one active item.")
        }
        ChangeError::OutsidePeriod => {
            let message = "Cannot specify a proration date outside of the current billing period.";
            ApiError::conflicts(Some(prefix.name("proration_date")), message)
        }
        ChangeError::NotChangeable => ApiError::conflicts(
            None,
            "The items of a subscription cannot be changed while it is canceled or its first \
            payment is missing.",
        ),
        ChangeError::Failed(error) => error.into(),
    }
}

/// Reads the price of an item: an existing price or an inline one.
fn price(transaction: &mut Transaction<'_>, item: &mut Params) -> Result<Option<Price>, ApiError> {
    let id = item.text("price", 5_000)?;
    match (id, item.object("price_data")?) {
        (None, None) => Ok(None),
        (Some(id), None) => {
            let found = transaction.get::<Price>(&id).cloned();
            found.map(Some).ok_or_else(|| ApiError::missing("price", &id, item.name("price")))
        }
        (None, Some(mut data)) => {
            data.expect(price_terms::INLINE, &[])?;
            let mut price = price_terms::read_terms(&mut data, transaction.now())?;
            let product = data.required_text("product", 5_000)?;
            if transaction.state().products.get(&product).is_none() {
                return Err(ApiError::missing("product", &product, data.name("product")));
            }
            price.product = product;
            // As in Stripe, an inline price cannot be used again.
            price.active = false;
            transaction.put(price.clone());
            Ok(Some(Price { active: true, ..price }))
        }
        (Some(_), Some(_)) => {
            let message = "You may only specify one of these parameters: price, price_data.";
            Err(ApiError::invalid(None, item.name("price"), message))
        }
    }
}

fn check_count(list: &[Params]) -> Result<(), ApiError> {
    match list.len() {
        0..=MAX_ITEMS => Ok(()),
        _ => Err(ApiError::invalid(
            None,
            "items",
            format!("A subscription has at most {MAX_ITEMS} items."),
        )),
    }
}

fn not_recurring(name: String) -> ApiError {
    let message = "The price specified is set to `type=one_time` but this field only accepts \
    prices with `type=recurring`.";
    ApiError::conflicts(Some(name), message)
}

fn inactive(name: String) -> ApiError {
    ApiError::conflicts(
        Some(name),
        "The price specified is inactive. This field only accepts active prices.",
    )
}

fn other_currency(name: String) -> ApiError {
    ApiError::conflicts(Some(name), "All prices of a subscription must have the same currency.")
}

fn same_price_twice() -> ApiError {
    ApiError::conflicts(None, "A subscription cannot have two items with the same price.")
}

fn different_intervals() -> ApiError {
    ApiError::conflicts(
        None,
        "This sandbox requires one billing period for all items of a subscription.",
    )
}
