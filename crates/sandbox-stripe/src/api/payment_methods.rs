//! `/v1/payment_methods`, and the same under a customer.

use super::customers;
use super::error::ApiError;
use super::list::{self, PAGE_PARAMS, Page};
use super::operations::{Call, Reply};
use super::view;
use crate::model::PaymentMethod;

/// Of the many types in Stripe's schema, those that a filter is likely to name. All cards here are `card`.
const TYPES: &[&str] = &["card", "kr_card", "link", "sepa_debit", "us_bank_account"];

/// `GET /v1/payment_methods/{payment_method}`
pub(crate) fn read(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(&[], &[])?;
    let id = call.argument("payment_method");
    let found = call.state().payment_methods.get(id).map(|method| Reply::Object(method.id.clone()));
    found.ok_or_else(|| ApiError::not_found("PaymentMethod", id, "payment_method"))
}

/// `GET /v1/customers/{customer}/payment_methods/{payment_method}`
pub(crate) fn read_of_customer(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(&[], &[])?;
    let (customer, id) = (call.argument("customer"), call.argument("payment_method"));
    let customer = call.state().live_customer(customer).ok_or_else(|| not_found(customer))?;
    let method = call.state().payment_methods.get(id).filter(|method| method.customer.as_ref() == Some(&customer.id));
    method
        .map(|method| Reply::Object(method.id.clone()))
        .ok_or_else(|| ApiError::not_found("PaymentMethod", id, "payment_method"))
}

/// `GET /v1/payment_methods`: a customer's; without one there is nothing to list.
pub(crate) fn list(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    let own = ["customer", "type"];
    call.params.expect(&[&PAGE_PARAMS[..], &own].concat(), &["allow_redisplay", "customer_account"])?;
    let customer = customers::filter(&mut call.params, call.transaction.state())?;
    page(call, &customer.unwrap_or_default(), "/v1/payment_methods")
}

/// `GET /v1/customers/{customer}/payment_methods`
pub(crate) fn list_of_customer(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(&[&PAGE_PARAMS[..], &["type"]].concat(), &["allow_redisplay"])?;
    let customer = call.argument("customer");
    let customer = call.state().live_customer(customer).ok_or_else(|| not_found(customer))?.id.clone();
    page(call, &customer, &format!("/v1/customers/{customer}/payment_methods"))
}

fn page(call: &mut Call<'_, '_>, customer: &str, url: &str) -> Result<Reply, ApiError> {
    let page = Page::read(&mut call.params)?;
    let kind = call.params.choice("type", TYPES)?;
    let keep = |_: &PaymentMethod| kind.is_none_or(|kind| kind == "card");
    let table = (&call.state().payment_methods, "PaymentMethod");
    Ok(Reply::Value(list::page(table, Some(customer), &page, url, keep, view::payment_method)?))
}

fn not_found(customer: &str) -> ApiError {
    ApiError::not_found("customer", customer, "customer")
}
