//! `/v1/customers`.

use super::address;
use super::call::{Call, Reply};
use super::error::{ApiError, excerpt};
use super::list::{self, PAGE_PARAMS, Page};
use super::params::{MAX_AMOUNT, Params, Patch};
use super::payment_methods;
use crate::billing;
use crate::model::{Customer, Shipping};
use crate::transaction::Transaction;
use crate::view;

const KNOWN: &[&str] = &[
    "address",
    "balance",
    "description",
    "email",
    "invoice_prefix",
    "invoice_settings",
    "metadata",
    "name",
    "next_invoice_sequence",
    "phone",
    "preferred_locales",
    "shipping",
    "tax_exempt",
];

const UNSIMULATED: &[&str] = &[
    "bank_account",
    "business_name",
    "card",
    "cash_balance",
    "default_alipay_account",
    "default_bank_account",
    "default_card",
    "default_source",
    "individual_name",
    "source",
    "tax",
    "tax_id_data",
    "test_clock",
];

/// Our limit for an invoice number.
const MAX_SEQUENCE: i64 = 999_999_999;

/// `POST /v1/customers`
pub(crate) fn create(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    let mut customer = Customer::create(call.transaction.now())?;
    call.params.expect(&[KNOWN, &["payment_method"]].concat(), UNSIMULATED)?;
    let attached = match call.params.text("payment_method", 5_000)? {
        Some(asked) => {
            // Events must show the customer before the payment method that is attached to it.
            call.transaction.put(customer.clone());
            let method = payment_methods::attach(
                call.transaction,
                &customer,
                &asked,
                "payment_method",
                400,
            )?;
            Some((asked, method.id))
        }
        None => None,
    };
    change(&mut customer, &mut call.params, call.transaction, attached)?;
    let id = customer.id.clone();
    call.transaction.put(customer);
    Ok(Reply::Object(id))
}

/// `GET /v1/customers/{customer}`; returns a stub for a deleted customer.
pub(crate) fn read(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(&[], &[])?;
    call.reply((&call.state().customers, "customer"), "customer", "id")
}

/// `POST /v1/customers/{customer}`
pub(crate) fn update(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    let id = call.argument("customer");
    let mut customer = call.state().live_customer(id).cloned().ok_or_else(|| not_found(id))?;
    call.params.expect(KNOWN, UNSIMULATED)?;
    change(&mut customer, &mut call.params, call.transaction, None)?;
    let id = customer.id.clone();
    call.transaction.put(customer);
    Ok(Reply::Object(id))
}

/// `DELETE /v1/customers/{customer}`: also ends the subscriptions and detaches the cards.
pub(crate) fn delete(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    call.params.expect(&[], &[])?;
    let id = call.argument("customer");
    let customer = call.state().live_customer(id).cloned().ok_or_else(|| not_found(id))?;
    let id = customer.id.clone();
    let running: Vec<_> =
        call.state().subscriptions.of(&id).filter(|s| s.is_running()).cloned().collect();
    let cards: Vec<_> = call.state().payment_methods.of(&id).cloned().collect();
    for subscription in running {
        billing::end_with_customer(call.transaction, subscription);
    }
    for mut card in cards {
        card.customer = None;
        card.detached = true;
        call.transaction.put(card);
    }
    // Stripe keeps nothing else of a deleted customer.
    call.transaction.put(Customer {
        id: id.clone(),
        created: customer.created,
        deleted: true,
        ..Customer::default()
    });
    Ok(Reply::Object(id))
}

/// `GET /v1/customers`
pub(crate) fn list(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    let params = &mut call.params;
    params.expect(&[&PAGE_PARAMS[..], &["email", "created"]].concat(), &["test_clock"])?;
    let page = Page::read(params)?;
    let email = params.text("email", 512)?;
    let created = params.time_range("created")?;
    let state = call.state();
    let keep = |customer: &Customer| {
        !customer.deleted
            && created.contains(customer.created)
            && email.as_ref().is_none_or(|email| customer.email.as_ref() == Some(email))
    };
    let show = |customer: &Customer| view::customer(customer, state.is_delinquent(&customer.id));
    let list =
        list::page((&state.customers, "customer"), None, &page, "/v1/customers", keep, show)?;
    Ok(Reply::Value(list))
}

pub(crate) fn not_found(id: &str) -> ApiError {
    ApiError::not_found("customer", id, "id")
}

/// Applies the changes. `attached` is the card that this request attached: the id as given, and
/// the stored id.
fn change(
    customer: &mut Customer,
    params: &mut Params,
    transaction: &Transaction<'_>,
    attached: Option<(String, String)>,
) -> Result<(), ApiError> {
    params.patch("name", Customer::MAX_NAME_LENGTH)?.apply(&mut customer.name);
    let email = params.patch("email", Customer::MAX_EMAIL_LENGTH)?;
    if let Patch::Set(email) = &email
        && !Customer::is_email(email)
    {
        let message = format!("Invalid email address: {}", excerpt(email));
        return Err(ApiError::invalid(Some("email_invalid"), "email", message));
    }
    email.apply(&mut customer.email);
    params.patch("phone", Customer::MAX_PHONE_LENGTH)?.apply(&mut customer.phone);
    params.patch("description", 5_000)?.apply(&mut customer.description);
    params.object_patch("address")?.try_map(address::read)?.apply(&mut customer.address);
    params.object_patch("shipping")?.try_map(shipping)?.apply(&mut customer.shipping);
    if let Some(balance) = params.integer_in("balance", -MAX_AMOUNT..=MAX_AMOUNT)? {
        customer.balance = balance;
    }
    if let Some(prefix) = params.text("invoice_prefix", 12)? {
        if prefix.len() < 3 || !prefix.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        {
            let message = "An invoice prefix has 3 to 12 uppercase letters or digits.";
            return Err(ApiError::invalid(None, "invoice_prefix", message));
        }
        customer.invoice_prefix = prefix;
    }
    if let Some(next) = params.integer_in("next_invoice_sequence", 1..=MAX_SEQUENCE)? {
        customer.next_invoice_sequence = next;
    }
    if let Some(locales) = params.texts("preferred_locales")? {
        customer.preferred_locales = locales;
    }
    if let Some(exempt) = params.choice("tax_exempt", &["none", "exempt", "reverse"])? {
        customer.tax_exempt = Some(exempt.to_owned());
    }
    if let Some(settings) = params.object("invoice_settings")? {
        change_invoice_settings(customer, settings, transaction, attached)?;
    }
    params.metadata(&mut customer.metadata)
}

fn change_invoice_settings(
    customer: &mut Customer,
    mut settings: Params,
    transaction: &Transaction<'_>,
    attached: Option<(String, String)>,
) -> Result<(), ApiError> {
    settings
        .expect(&["default_payment_method", "footer"], &["custom_fields", "rendering_options"])?;
    settings.patch("footer", 5_000)?.apply(&mut customer.invoice_footer);
    let param = settings.name("default_payment_method");
    let card = settings.patch("default_payment_method", 5_000)?.try_map(|id| match attached {
        Some((asked, attached)) if asked == id => Ok(attached),
        _ => payment_methods::of_customer(transaction, &customer.id, &id, param)
            .map(|method| method.id.clone()),
    })?;
    card.apply(&mut customer.default_payment_method);
    Ok(())
}

fn shipping(mut params: Params) -> Result<Shipping, ApiError> {
    params.expect(&["address", "name", "phone"], &[])?;
    Ok(Shipping {
        address: address::read(params.required_object("address")?)?,
        name: params.required_text("name", 5_000)?,
        phone: params.text("phone", 5_000)?,
    })
}
