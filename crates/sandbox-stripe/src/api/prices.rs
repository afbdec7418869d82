//! `/v1/prices`.

use super::call::{Call, Reply};
use super::error::ApiError;
use super::list::{self, PAGE_PARAMS, Page};
use super::price_terms::{INLINE, TAX_BEHAVIORS, read_terms};
use super::products;
use crate::model::{Price, Product};
use crate::view;

const UNSIMULATED: &[&str] = &[
    "currency_options",
    "custom_unit_amount",
    "tiers",
    "tiers_mode",
    "transfer_lookup_key",
    "transform_quantity",
];

/// `POST /v1/prices`
pub(crate) fn create(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    let own = ["active", "billing_scheme", "lookup_key", "nickname", "product_data"];
    call.params.expect(&[INLINE, &own].concat(), UNSIMULATED)?;
    let now = call.transaction.now();
    let mut price = read_terms(&mut call.params, now)?;
    if call.params.choice("billing_scheme", &["per_unit", "tiered"])? == Some("tiered") {
        return Err(ApiError::invalid(
            None,
            "billing_scheme",
            "This sandbox supports prices per unit only.",
        ));
    }
    price.active = call.params.boolean("active")?.unwrap_or(true);
    price.nickname = call.params.text("nickname", 5_000)?;
    price.lookup_key = lookup_key(call, &price.id)?;
    price.product = match (call.params.text("product", 5_000)?, call.params.object("product_data")?)
    {
        (Some(id), None) => {
            let found = call.state().products.get(&id).map(|product| product.id.clone());
            found.ok_or_else(|| ApiError::missing("product", &id, "product"))?
        }
        (None, Some(mut data)) => {
            data.expect(
                &["active", "id", "metadata", "name"],
                &["statement_descriptor", "tax_code", "unit_label"],
            )?;
            let id = products::new_id(call.state(), &mut data)?;
            let name = data.required_text("name", 5_000)?;
            let mut product = Product {
                id: id.clone(),
                created: now,
                updated: now,
                active: true,
                name,
                ..Product::default()
            };
            product.active = data.boolean("active")?.unwrap_or(true);
            data.metadata(&mut product.metadata)?;
            call.transaction.put(product);
            id
        }
        (Some(_), Some(_)) => {
            let message = "You may only specify one of these parameters: product, product_data.";
            return Err(ApiError::invalid(None, "product", message));
        }
        (None, None) => return Err(call.params.absent("product")),
    };
    let id = price.id.clone();
    call.transaction.put(price);
    Ok(Reply::Object(id))
}

/// `POST /v1/prices/{price}`
pub(crate) fn update(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    let id = call.argument("price");
    let mut price = call
        .state()
        .prices
        .get(id)
        .cloned()
        .ok_or_else(|| ApiError::not_found("price", id, "price"))?;
    let known = ["active", "lookup_key", "metadata", "nickname", "tax_behavior"];
    call.params.expect(&known, &["currency_options", "transfer_lookup_key"])?;
    price.active = call.params.boolean("active")?.unwrap_or(price.active);
    call.params.patch("nickname", 5_000)?.apply(&mut price.nickname);
    if let Some(key) = lookup_key(call, &price.id)? {
        price.lookup_key = Some(key);
    }
    if let Some(behavior) = call.params.choice("tax_behavior", TAX_BEHAVIORS)? {
        price.tax_behavior = behavior.to_owned();
    }
    call.params.metadata(&mut price.metadata)?;
    let id = price.id.clone();
    call.transaction.put(price);
    Ok(Reply::Object(id))
}

/// Reads a lookup key; refuses one that another price uses.
fn lookup_key(call: &mut Call<'_, '_>, own: &str) -> Result<Option<String>, ApiError> {
    let Some(key) = call.params.text("lookup_key", 200)? else { return Ok(None) };
    match call.state().price_by_lookup_key(&key).filter(|price| price.id != own) {
        Some(other) => {
            let message = format!("A price (`{}`) already uses that lookup key.", other.id);
            Err(ApiError::conflicts(Some("lookup_key".to_owned()), message))
        }
        None => Ok(Some(key)),
    }
}

/// `GET /v1/prices/{price}`
pub(crate) fn read(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(&[], &[])?;
    call.reply((&call.state().prices, "price"), "price", "price")
}

/// `GET /v1/prices`
pub(crate) fn list(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    let params = &mut call.params;
    let own = ["active", "created", "currency", "lookup_keys", "product", "type"];
    params.expect(&[&PAGE_PARAMS[..], &own].concat(), &["recurring"])?;
    let page = Page::read(params)?;
    let active = params.boolean("active")?;
    let created = params.time_range("created")?;
    let currency = params.text("currency", 3)?;
    let lookup_keys = params.texts("lookup_keys")?;
    let product = params.text("product", 5_000)?;
    let kind = params.choice("type", &["one_time", "recurring"])?;
    let keep = |price: &Price| {
        active.is_none_or(|active| price.active == active)
            && created.contains(price.created)
            && currency.as_ref().is_none_or(|currency| price.currency == *currency)
            && lookup_keys
                .as_ref()
                .is_none_or(|keys| price.lookup_key.as_ref().is_some_and(|key| keys.contains(key)))
            && kind.is_none_or(|kind| (kind == "recurring") == price.recurring.is_some())
    };
    let table = (&call.state().prices, "price");
    Ok(Reply::Value(list::page(table, product.as_deref(), &page, "/v1/prices", keep, view::price)?))
}
