//! The form for the billing information. The configuration decides about its fields.

use askama::Template;

use super::field::{Field, FieldError, error_of};
use super::form::Form;
use super::notice::Notice;
use super::page::{Frame, Refusal};
use super::page_response::PageResponse;
use super::sessions::Visit;
use super::side::Shell;
use super::text::countries;
use crate::model::{Address, Customer, CustomerField};
use crate::sanitize::is_control;
use crate::transaction::Transaction;

/// Maximum length of a part of an address, in characters.
const MAX_PART_LENGTH: usize = 200;

/// The page's template.
#[derive(Template)]
#[template(path = "details.html")]
struct Details {
    frame: Frame,
    shell: Shell,
    action: String,
    back: String,
    errors: Vec<FieldError>,
    fields: Vec<Field>,
    address: Vec<Field>,
    /// Codes and names; empty if the address may not be changed.
    countries: Vec<(String, String)>,
    country: String,
    country_error: Option<String>,
}

/// `GET …/details`
pub(super) fn show(visit: &Visit<'_>) -> Result<PageResponse, Refusal> {
    refuse_empty(visit)?;
    let customer = visit.customer;
    let address = customer.address.clone().unwrap_or_default();
    let values = |id: &str| {
        let value = match id {
            "name" => &customer.name,
            "email" => &customer.email,
            "phone" => &customer.phone,
            "line1" => &address.line1,
            "line2" => &address.line2,
            "city" => &address.city,
            "state" => &address.state,
            "postal-code" => &address.postal_code,
            _ => &address.country,
        };
        value.clone().unwrap_or_default()
    };
    Ok(PageResponse::page(visit, &page(visit, values, Vec::new())))
}

/// `POST …/details`
pub(super) fn act(
    visit: &Visit<'_>,
    form: &Form,
    transaction: &mut Transaction<'_>,
) -> Result<PageResponse, Refusal> {
    refuse_empty(visit)?;
    let errors = errors(visit, form);
    if !errors.is_empty() {
        return Ok(PageResponse::invalid(
            visit,
            &page(visit, |id| form.text(id).to_owned(), errors),
        ));
    }
    let given = |id: &str| Some(form.text(id)).filter(|text| !text.is_empty()).map(str::to_owned);
    let mut customer = visit.customer.clone();
    if allows(visit, CustomerField::Name) {
        customer.name = given("name");
    }
    if allows(visit, CustomerField::Email) {
        customer.email = given("email");
    }
    if allows(visit, CustomerField::Phone) {
        customer.phone = given("phone");
    }
    if allows(visit, CustomerField::Address) {
        let address = Address {
            line1: given("line1"),
            line2: given("line2"),
            city: given("city"),
            state: given("state"),
            postal_code: given("postal-code"),
            country: given("country"),
        };
        customer.address = Some(address).filter(|address| *address != Address::default());
    }
    if customer != *visit.customer {
        transaction.put(customer);
    }
    Ok(PageResponse::redirect(&Notice::DetailsSaved.on(&visit.home())))
}

/// Returns whether the customer may change any field.
pub(super) fn is_offered(visit: &Visit<'_>) -> bool {
    use CustomerField::{Address, Email, Name, Phone};
    let update = &visit.configuration.features.customer_update;
    update.enabled
        && [Address, Email, Name, Phone].iter().any(|field| update.allowed.contains(field))
}

fn refuse_empty(visit: &Visit<'_>) -> Result<(), Refusal> {
    if is_offered(visit) { Ok(()) } else { Err(Refusal::Unknown) }
}

fn allows(visit: &Visit<'_>, field: CustomerField) -> bool {
    visit.configuration.features.customer_update.allowed.contains(&field)
}

fn errors(visit: &Visit<'_>, form: &Form) -> Vec<FieldError> {
    let words = &visit.text().details;
    let mut errors = Vec::new();
    let mut note =
        |field, message: &str| errors.push(FieldError { field, message: message.to_owned() });
    let has_control = |id: &str| form.text(id).chars().any(is_control);
    let long = |id: &str, max_length: usize| form.text(id).chars().count() > max_length;
    if allows(visit, CustomerField::Name) {
        if has_control("name") {
            note("name", words.unreadable);
        } else if long("name", Customer::MAX_NAME_LENGTH) {
            note("name", words.too_long);
        }
    }
    if allows(visit, CustomerField::Email) {
        match form.text("email") {
            "" if visit.customer.email.is_some() => note("email", words.email_missing),
            "" => {}
            _ if has_control("email") => note("email", words.unreadable),
            email if !Customer::is_email(email) => note("email", words.email_invalid),
            _ if long("email", Customer::MAX_EMAIL_LENGTH) => note("email", words.too_long),
            _ => {}
        }
    }
    if allows(visit, CustomerField::Phone) && !form.text("phone").is_empty() {
        let phone = form.text("phone");
        let fits = phone
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | ' ' | '(' | ')' | '.'));
        if !fits
            || !phone.bytes().any(|byte| byte.is_ascii_digit())
            || long("phone", Customer::MAX_PHONE_LENGTH)
        {
            note("phone", words.phone_invalid);
        }
    }
    if allows(visit, CustomerField::Address) {
        for field in ["line1", "line2", "city", "state", "postal-code"] {
            if has_control(field) {
                note(field, words.unreadable);
            } else if long(field, MAX_PART_LENGTH) {
                note(field, words.too_long);
            }
        }
        let country = form.text("country");
        let is_kept =
            visit.customer.address.as_ref().and_then(|address| address.country.as_deref())
                == Some(country);
        if !country.is_empty() && !is_kept && countries::name(country, visit.language).is_none() {
            note("country", words.country_unknown);
        }
    }
    errors
}

fn page(visit: &Visit<'_>, value: impl Fn(&str) -> String, errors: Vec<FieldError>) -> Details {
    let text = visit.text();
    let words = &text.details;
    let field = |id, label, autocomplete, max_length| {
        Field { autocomplete, max_length, ..Field::new(id, label) }.with(&value(id), &errors)
    };
    let mut fields = Vec::new();
    if allows(visit, CustomerField::Name) {
        fields.push(field("name", text.name, "name", Customer::MAX_NAME_LENGTH));
    }
    if allows(visit, CustomerField::Email) {
        // No `type=email`: browsers refuse addresses that Stripe accepts, in their own language.
        let email = field("email", text.email, "email", Customer::MAX_EMAIL_LENGTH);
        fields.push(Field {
            inputmode: "email",
            required: visit.customer.email.is_some(),
            ..email
        });
    }
    if allows(visit, CustomerField::Phone) {
        let phone = field("phone", text.phone, "tel", Customer::MAX_PHONE_LENGTH);
        fields.push(Field { kind: "tel", inputmode: "tel", ..phone });
    }
    let mut address = Vec::new();
    let mut all_countries = Vec::new();
    if allows(visit, CustomerField::Address) {
        address = vec![
            field("line1", words.line1, "address-line1", MAX_PART_LENGTH),
            field("line2", words.line2, "address-line2", MAX_PART_LENGTH),
            field("city", words.city, "address-level2", MAX_PART_LENGTH),
            field("state", words.state, "address-level1", MAX_PART_LENGTH),
            field("postal-code", words.postal_code, "postal-code", MAX_PART_LENGTH),
        ];
        all_countries = countries::all(visit.language);
        let country = visit.customer.address.as_ref().and_then(|address| address.country.clone());
        if let Some(country) =
            country.filter(|country| countries::name(country, visit.language).is_none())
        {
            all_countries.push((country.clone(), country));
        }
    }
    let country = value("country");
    Details {
        frame: Frame::new(visit.language),
        shell: Shell::of(visit),
        action: visit.address("details"),
        back: visit.home(),
        country_error: error_of("country", &errors),
        errors,
        fields,
        address,
        countries: all_countries,
        country,
    }
}
