//! `/v1/prices`.

use super::error::ApiError;
use super::list::{self, PAGE_PARAMS, Page};
use super::operations::{Call, Reply};
use super::view;
use crate::model::Price;

/// `GET /v1/prices/{price}`
pub(crate) fn read(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(&[], &[])?;
    let id = call.argument("price");
    let found = call.state().prices.get(id).map(|price| Reply::Object(price.id.clone()));
    found.ok_or_else(|| ApiError::not_found("price", id, "price"))
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
            && lookup_keys.as_ref().is_none_or(|keys| price.lookup_key.as_ref().is_some_and(|key| keys.contains(key)))
            && product.as_ref().is_none_or(|product| price.product == *product)
            && kind.is_none_or(|kind| (kind == "recurring") == price.recurring.is_some())
    };
    let table = (&call.state().prices, "price");
    Ok(Reply::Value(list::page(table, None, &page, "/v1/prices", keep, view::price)?))
}
