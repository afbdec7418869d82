//! `/v1/products`.

use serde_json::json;

use super::call::{Call, Reply};
use super::error::{ApiError, excerpt};
use super::list::{self, PAGE_PARAMS, Page};
use super::params::{Params, Patch};
use super::price_terms;
use crate::ids::{self, IdKind};
use crate::model::{Price, Product};
use crate::state::{Change, State};
use crate::view;

const KNOWN: &[&str] = &[
    "active",
    "description",
    "images",
    "marketing_features",
    "metadata",
    "name",
    "statement_descriptor",
    "unit_label",
    "url",
];

/// Ids with these prefixes are looked up in other tables.
const OTHER_PREFIXES: &[&str] = &["bpc_", "cus_", "evt_", "in_", "pm_", "price_", "sub_"];

const UNSIMULATED: &[&str] = &["package_dimensions", "shippable", "tax_code"];

/// `POST /v1/products`
pub(crate) fn create(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(&[KNOWN, &["default_price_data", "id"]].concat(), UNSIMULATED)?;
    let now = call.transaction.now();
    let id = new_id(call.transaction.state(), &mut call.params)?;
    let params = &mut call.params;
    let name = params.required_text("name", 5_000)?;
    let mut product =
        Product { id: id.clone(), created: now, active: true, name, ..Product::default() };
    change(&mut product, params, now)?;
    if let Some(mut data) = params.object("default_price_data")? {
        data.expect(price_terms::INLINE, &["currency_options", "custom_unit_amount"])?;
        let price = Price { product: id.clone(), ..price_terms::read_terms(&mut data, now)? };
        product.default_price = Some(price.id.clone());
        // Events follow the order of the changes: the product must exist before its price.
        call.transaction.put(product);
        call.transaction.put(price);
    } else {
        call.transaction.put(product);
    }
    Ok(Reply::Object(id))
}

/// Returns the id that the client chose, or a generated one.
pub(super) fn new_id(state: &State, params: &mut Params) -> Result<String, ApiError> {
    let Some(id) = params.text("id", 5_000)? else { return Ok(ids::generate(IdKind::Product)?) };
    let plain = id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if !plain || OTHER_PREFIXES.iter().any(|prefix| id.starts_with(prefix)) {
        let message = format!(
            "Invalid id: {}. A product id may contain letters, digits, - and _, and must not have \
            the prefix of another kind of object.",
            excerpt(&id)
        );
        return Err(ApiError::invalid(None, params.name("id"), message));
    }
    if state.products.get(&id).is_some() {
        let message = format!("Product already exists: {}", excerpt(&id));
        return Err(ApiError {
            code: Some("resource_already_exists"),
            ..ApiError::conflicts(None, message)
        });
    }
    Ok(id)
}

/// `POST /v1/products/{id}`
pub(crate) fn update(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    let mut product = find(call)?;
    call.params.expect(&[KNOWN, &["default_price"]].concat(), UNSIMULATED)?;
    if let Some(id) = call.params.text("default_price", 5_000)? {
        let own = call.state().prices.get(&id).filter(|price| price.product == product.id);
        let price = own.ok_or_else(|| ApiError::missing("price", &id, "default_price"))?;
        product.default_price = Some(price.id.clone());
    }
    if let Some(name) = call.params.text("name", 5_000)? {
        product.name = name;
    }
    change(&mut product, &mut call.params, call.transaction.now())?;
    let id = product.id.clone();
    call.transaction.put(product);
    Ok(Reply::Object(id))
}

/// `DELETE /v1/products/{id}`: only if the product never had a price.
pub(crate) fn delete(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(&[], &[])?;
    let product = find(call)?;
    if call.state().prices.of(&product.id).next().is_some() {
        let message =
            "This product cannot be deleted because it has one or more user-created prices.";
        return Err(ApiError::conflicts(None, message));
    }
    let answer = json!({ "id": product.id, "object": "product", "deleted": true });
    call.transaction.put(Change::ProductGone(product.id));
    Ok(Reply::Value(answer))
}

fn change(product: &mut Product, params: &mut Params, now: i64) -> Result<(), ApiError> {
    if let Some(active) = params.boolean("active")? {
        product.active = active;
    }
    params.patch("description", 40_000)?.apply(&mut product.description);
    params.patch("statement_descriptor", 22)?.apply(&mut product.statement_descriptor);
    params.patch("unit_label", 12)?.apply(&mut product.unit_label);
    params.patch("url", 5_000)?.apply(&mut product.url);
    match params.texts_patch("images")? {
        Patch::Keep => {}
        Patch::Clear => product.images.clear(),
        Patch::Set(images) => product.images = images,
    }
    if let Patch::Set(features) = params.objects_patch("marketing_features")? {
        let name = |mut feature: Params| feature.required_text("name", 5_000);
        product.marketing_features = features.into_iter().map(name).collect::<Result<_, _>>()?;
    }
    product.updated = now;
    params.metadata(&mut product.metadata)
}

fn find(call: &Call<'_, '_>) -> Result<Product, ApiError> {
    let id = call.argument("id");
    call.state().products.get(id).cloned().ok_or_else(|| ApiError::not_found("product", id, "id"))
}

/// `GET /v1/products/{id}`
pub(crate) fn read(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(&[], &[])?;
    call.reply((&call.state().products, "product"), "id", "id")
}

/// `GET /v1/products`
pub(crate) fn list(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    let params = &mut call.params;
    params.expect(
        &[&PAGE_PARAMS[..], &["active", "created", "ids"]].concat(),
        &["shippable", "url"],
    )?;
    let page = Page::read(params)?;
    let active = params.boolean("active")?;
    let created = params.time_range("created")?;
    let ids = params.texts("ids")?;
    let keep = |product: &Product| {
        active.is_none_or(|active| product.active == active)
            && created.contains(product.created)
            && ids.as_ref().is_none_or(|ids| ids.contains(&product.id))
    };
    let table = (&call.state().products, "product");
    Ok(Reply::Value(list::page(table, None, &page, "/v1/products", keep, view::product)?))
}
