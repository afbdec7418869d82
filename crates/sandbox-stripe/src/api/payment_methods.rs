//! `/v1/payment_methods`, and the payment methods of a customer.

use super::address;
use super::call::{Call, Reply};
use super::error::{ApiError, excerpt};
use super::list::{self, PAGE_PARAMS, Page};
use super::params::{Params, Patch};
use crate::billing;
use crate::cards::{self, CheckError, TypedCard};
use crate::model::{CardBehaviour, Customer, Decline, PaymentMethod};
use crate::transaction::Transaction;
use crate::view;

/// The accepted values of the `type` filter. The sandbox has cards only.
const TYPES: &[&str] = &["card", "kr_card", "link", "sepa_debit", "us_bank_account"];

/// `GET /v1/payment_methods/{payment_method}`
pub(crate) fn read(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(&[], &[])?;
    call.reply((&call.state().payment_methods, "PaymentMethod"), "payment_method", "payment_method")
}

/// `GET /v1/customers/{customer}/payment_methods/{payment_method}`
pub(crate) fn read_of_customer(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(&[], &[])?;
    let customer = call.argument("customer");
    let id = call.argument("payment_method");
    let customer = call.state().live_customer(customer).ok_or_else(|| not_found(customer))?;
    let method = call
        .state()
        .payment_methods
        .get(id)
        .filter(|method| method.customer.as_ref() == Some(&customer.id));
    method
        .map(|method| Reply::Object(method.id.clone()))
        .ok_or_else(|| ApiError::not_found("PaymentMethod", id, "payment_method"))
}

/// `GET /v1/payment_methods`: a customer's payment methods; empty without a customer.
pub(crate) fn list(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    let own = ["customer", "type"];
    call.params
        .expect(&[&PAGE_PARAMS[..], &own].concat(), &["allow_redisplay", "customer_account"])?;
    let customer = list::customer(&mut call.params, call.transaction.state())?;
    page(call, &customer.unwrap_or_default(), "/v1/payment_methods")
}

/// `GET /v1/customers/{customer}/payment_methods`
pub(crate) fn list_of_customer(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(&[&PAGE_PARAMS[..], &["type"]].concat(), &["allow_redisplay"])?;
    let customer = call.argument("customer");
    let customer =
        call.state().live_customer(customer).ok_or_else(|| not_found(customer))?.id.clone();
    page(call, &customer, &format!("/v1/customers/{customer}/payment_methods"))
}

/// `POST /v1/payment_methods`: creates an unattached card from a number or token.
pub(crate) fn create(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    let params = &mut call.params;
    params.expect(
        &["billing_details", "card", "metadata", "type"],
        &["allow_redisplay", "customer", "payment_method"],
    )?;
    if params.choice("type", TYPES)?.ok_or_else(|| params.absent("type"))? != "card" {
        return Err(ApiError::invalid(
            None,
            "type",
            "This sandbox has payment methods of type card only.",
        ));
    }
    let card = params.required_object("card")?;
    let mut method = read_card(card, call.transaction.now())?;
    change(&mut method, params)?;
    let id = method.id.clone();
    call.transaction.put(method);
    Ok(Reply::Object(id))
}

/// `POST /v1/payment_methods/{payment_method}`
pub(crate) fn update(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    let mut method = find(call)?;
    let now = call.transaction.now();
    let params = &mut call.params;
    params.expect(&["billing_details", "card", "metadata"], &["allow_redisplay"])?;
    if method.customer.is_none() {
        let message = "You must save this PaymentMethod to a customer before you can update it.";
        return Err(ApiError::conflicts(None, message));
    }
    if let Some(mut card) = params.object("card")? {
        card.expect(&["exp_month", "exp_year"], &["networks"])?;
        let month = card.integer("exp_month")?;
        let year = card.integer("exp_year")?;
        if month.is_some() || year.is_some() {
            let month = month.unwrap_or(method.card.exp_month.into());
            let year = year.unwrap_or(method.card.exp_year.into());
            (method.card.exp_month, method.card.exp_year) =
                cards::expiry(month, year, now).map_err(|decline| refused(decline, &card))?;
        }
    }
    change(&mut method, params)?;
    let id = method.id.clone();
    call.transaction.put(method);
    Ok(Reply::Object(id))
}

/// `POST /v1/payment_methods/{payment_method}/attach`; also accepts Stripe's test ids.
pub(crate) fn attach_to(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(&["customer"], &["customer_account"])?;
    let asked = call.params.required_text("customer", 5_000)?;
    let id = call.argument("payment_method").to_owned();
    let transaction = &mut *call.transaction;
    let customer = transaction.live_customer(&asked).cloned();
    let customer = customer.ok_or_else(|| ApiError::missing("customer", &asked, "customer"))?;
    let method = attach(transaction, &customer, &id, "payment_method", 404)?;
    Ok(Reply::Object(method.id))
}

/// `POST /v1/payment_methods/{payment_method}/detach`
pub(crate) fn detach(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(&[], &[])?;
    let method = find(call)?;
    let Some(owner) = method.customer.clone() else {
        let message = "The payment method you provided is not attached to a customer so detachment \
        is impossible.";
        return Err(ApiError::conflicts(None, message));
    };
    let id = method.id.clone();
    billing::release(call.transaction, method, &owner);
    Ok(Reply::Object(id))
}

/// Attaches a card to a customer. The id of a Stripe test card creates a new card. `unknown` is
/// the status for an unknown id: 404 in a path, 400 in a parameter.
pub(crate) fn attach(
    transaction: &mut Transaction<'_>,
    customer: &Customer,
    id: &str,
    param: &'static str,
    unknown: u16,
) -> Result<PaymentMethod, ApiError> {
    let found = transaction.get::<PaymentMethod>(id).cloned();
    let mut method = match (found, cards::by_name(id)) {
        (Some(method), _) => method,
        (None, Some(card)) if id.starts_with("pm_") => card.payment_method(transaction.now())?,
        (None, _) => {
            return Err(ApiError {
                status: unknown,
                ..ApiError::missing("PaymentMethod", id, param)
            });
        }
    };
    match &method.customer {
        Some(owner) if *owner == customer.id => return Ok(method),
        Some(_) => {
            let message =
                "The payment method you provided has already been attached to a customer.";
            return Err(ApiError::conflicts(None, message));
        }
        None if method.detached => {
            let message = "This PaymentMethod was detached from a customer and may not be used \
            again. Use another one.";
            return Err(ApiError::conflicts(None, message));
        }
        None => {}
    }
    if let CardBehaviour::RefusedWhenSaved(decline) = method.behaviour {
        return Err(ApiError::card(decline));
    }
    method.customer = Some(customer.id.clone());
    transaction.put(method.clone());
    Ok(method)
}

/// Returns the customer's card that a parameter names.
pub(crate) fn of_customer<'a>(
    transaction: &'a Transaction<'_>,
    customer: &str,
    id: &str,
    param: String,
) -> Result<&'a PaymentMethod, ApiError> {
    let method = transaction.get::<PaymentMethod>(id);
    let method = method.ok_or_else(|| ApiError::missing("PaymentMethod", id, param.clone()))?;
    if method.customer.as_deref() == Some(customer) {
        return Ok(method);
    }
    let message = format!(
        "The customer does not have a payment method with the ID {}. The payment method must be \
        attached to the customer.",
        excerpt(id)
    );
    Err(ApiError { message, ..ApiError::missing("PaymentMethod", id, param) })
}

fn find(call: &Call<'_, '_>) -> Result<PaymentMethod, ApiError> {
    let id = call.argument("payment_method");
    let found = call.state().payment_methods.get(id).cloned();
    found.ok_or_else(|| ApiError::not_found("PaymentMethod", id, "payment_method"))
}

fn read_card(mut card: Params, now: i64) -> Result<PaymentMethod, ApiError> {
    card.expect(&["cvc", "exp_month", "exp_year", "number", "token"], &["networks"])?;
    if let Some(token) = card.text("token", 5_000)? {
        let known = cards::by_name(&token).filter(|_| token.starts_with("tok_"));
        let known = known.ok_or_else(|| ApiError::missing("token", &token, card.name("token")))?;
        return Ok(known.payment_method(now)?);
    }
    let typed = TypedCard {
        number: card.required_text("number", 40)?,
        exp_month: card.integer("exp_month")?.ok_or_else(|| card.absent("exp_month"))?,
        exp_year: card.integer("exp_year")?.ok_or_else(|| card.absent("exp_year"))?,
        cvc: card.text("cvc", 4)?.unwrap_or_else(|| "000".to_owned()),
    };
    typed.check(now).map_err(|error| match error {
        CheckError::Refused(decline) => refused(decline, &card),
        CheckError::Failed(error) => error.into(),
    })
}

/// Returns the card's error, with the parameter name if the expiry date is wrong.
fn refused(decline: Decline, card: &Params) -> ApiError {
    let param = match decline {
        Decline::InvalidExpiryMonth => Some(card.name("exp_month")),
        Decline::InvalidExpiryYear => Some(card.name("exp_year")),
        _ => None,
    };
    ApiError { param, ..ApiError::card(decline) }
}

fn change(method: &mut PaymentMethod, params: &mut Params) -> Result<(), ApiError> {
    if let Patch::Set(mut details) = params.object_patch("billing_details")? {
        details.expect(&["address", "email", "name", "phone"], &["tax_id"])?;
        let kept = &mut method.billing_details;
        details.patch("email", 512)?.apply(&mut kept.email);
        details.patch("name", 5_000)?.apply(&mut kept.name);
        details.patch("phone", 5_000)?.apply(&mut kept.phone);
        match details.object_patch("address")? {
            Patch::Keep => {}
            Patch::Clear => kept.address = crate::model::Address::default(),
            Patch::Set(parts) => kept.address = address::read(parts)?,
        }
    }
    params.metadata(&mut method.metadata)
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
