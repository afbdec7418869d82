//! `/v1/products`.

use super::error::ApiError;
use super::list::{self, PAGE_PARAMS, Page};
use super::operations::{Call, Reply};
use super::view;
use crate::model::Product;

/// `GET /v1/products/{id}`
pub(crate) fn read(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(&[], &[])?;
    let id = call.argument("id");
    let found = call.state().products.get(id).map(|product| Reply::Object(product.id.clone()));
    found.ok_or_else(|| ApiError::not_found("product", id, "id"))
}

/// `GET /v1/products`
pub(crate) fn list(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    let params = &mut call.params;
    params.expect(&[&PAGE_PARAMS[..], &["active", "created", "ids"]].concat(), &["shippable", "url"])?;
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
