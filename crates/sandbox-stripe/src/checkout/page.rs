//! The page on which a customer subscribes and pays.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::entry::{self, EMAIL, PAY_WITH, SAVED};
use super::figures::Figures;
use super::pay::{self, Outcome};
use super::unavailable::Unavailable;
use super::visit::Visit;
use crate::model::{Customer, Decline};
use crate::portal::address;
use crate::portal::cards::entry::{CardFields, refusal};
use crate::portal::cards::row::CardRow;
use crate::portal::field::{Field, FieldError, error_of};
use crate::portal::form::{self, Form};
use crate::portal::page::{Frame, redirect, render};
use crate::portal::side::ReturnLink;
use crate::sanitize::plain;
use crate::transaction::Transaction;

/// The notice of the last attempt. The URL contains a fixed word and never the text itself.
const NOTICE: &str = "done";
const NOT_AUTHENTICATED: &str = "not_authenticated";

/// The due amount that the page showed.
const DUE: &str = "due";

/// The page's template.
#[derive(Template)]
#[template(path = "checkout.html")]
struct Page {
    frame: Frame,
    action: String,
    csrf_token: String,
    cancel: Option<ReturnLink>,
    errors: Vec<FieldError>,
    /// The result of the last attempt.
    notice: Option<&'static str>,
    title: String,
    figures: Figures,
    due: i64,
    /// The customer's e-mail address if it is known; otherwise the page has a field for it.
    settled_email: Option<String>,
    email: Field,
    asks_card: bool,
    saved: Option<CardRow>,
    pays_saved: bool,
    saved_error: Option<String>,
    typed: CardFields,
    submit: String,
}

/// `GET /c/pay/{token}`
pub(super) fn show(visit: &Visit<'_>, query: &Form) -> Result<Response, Unavailable> {
    let words = &visit.text().checkout;
    let notice = (query.text(NOTICE) == NOT_AUTHENTICATED).then_some(words.not_authenticated);
    page(visit, StatusCode::OK, &Form::default(), Vec::new(), notice)
}

/// `POST /c/pay/{token}`
pub(super) fn act(
    visit: &Visit<'_>,
    form: &Form,
    transaction: &mut Transaction<'_>,
) -> Result<Response, Unavailable> {
    let paying = match entry::read(visit, form)? {
        Ok(paying) => paying,
        Err(errors) => return invalid(visit, form, errors, None),
    };
    // Never charge another amount than the page showed.
    if form.number(DUE) != Some(visit.due()) {
        return invalid(visit, form, Vec::new(), Some(visit.text().checkout.changed));
    }
    match pay::pay(visit, transaction, &paying, false)? {
        Outcome::Paid(address) => Ok(redirect(&address)),
        Outcome::NeedsHolder => Ok(redirect(&pay::challenge(visit, transaction, paying)?)),
        Outcome::Declined(decline) => declined(visit, form, decline),
        Outcome::Changed => invalid(visit, form, Vec::new(), Some(visit.text().checkout.changed)),
    }
}

/// Returns the page with the error of a declined card.
pub(super) fn declined(
    visit: &Visit<'_>,
    form: &Form,
    decline: Decline,
) -> Result<Response, Unavailable> {
    let text = visit.text();
    let saved = visit.saved_card().is_some() && form.text(PAY_WITH) == SAVED;
    let FieldError { field, message } = refusal(decline, text);
    let field = if saved { PAY_WITH } else { field };
    let errors = vec![FieldError { field, message }];
    invalid(visit, form, errors, None)
}

/// Returns the URL of the page with the notice of a failed authentication.
pub(super) fn not_authenticated(visit: &Visit<'_>) -> String {
    format!("{}?{NOTICE}={NOT_AUTHENTICATED}", visit.home())
}

fn invalid(
    visit: &Visit<'_>,
    form: &Form,
    errors: Vec<FieldError>,
    notice: Option<&'static str>,
) -> Result<Response, Unavailable> {
    page(visit, StatusCode::UNPROCESSABLE_ENTITY, form, errors, notice)
}

fn page(
    visit: &Visit<'_>,
    status: StatusCode,
    form: &Form,
    errors: Vec<FieldError>,
    notice: Option<&'static str>,
) -> Result<Response, Unavailable> {
    let text = visit.text();
    let session = visit.session;
    let words = &text.checkout;
    let figures = Figures::of(visit)?;
    let saved = visit.saved_card().filter(|_| visit.asks_card());
    let page = Page {
        frame: Frame::new(visit.language),
        action: visit.home(),
        csrf_token: form::csrf_token(visit.token),
        cancel: session.cancel_url.as_deref().and_then(|url| ReturnLink::to(url, text)),
        title: figures
            .name
            .as_deref()
            .map_or_else(|| words.subscribe.to_owned(), words.subscribe_to),
        submit: match (visit.due(), session.terms.trial_days) {
            (0, Some(_)) => words.start_trial.to_owned(),
            (0, None) => words.subscribe.to_owned(),
            _ => (words.pay)(&figures.due),
        },
        figures,
        due: visit.due(),
        settled_email: visit.email().map(plain),
        // No `type=email`: browsers refuse addresses that Stripe accepts, in their own language.
        email: Field {
            autocomplete: "email",
            inputmode: "email",
            max_length: Customer::MAX_EMAIL_LENGTH,
            required: true,
            ..Field::new(EMAIL, text.email)
        }
        .with(form.text(EMAIL), &errors),
        asks_card: visit.asks_card(),
        pays_saved: saved.is_some() && matches!(form.text(PAY_WITH), "" | SAVED),
        saved: saved
            .zip(visit.customer)
            .map(|(method, customer)| CardRow::of(method, customer, visit.now)),
        saved_error: error_of(PAY_WITH, &errors),
        typed: CardFields::of(form, text, &errors),
        errors,
        notice,
    };
    Ok(render(status, &page, address::csp_source(&session.success_url).as_deref()))
}
