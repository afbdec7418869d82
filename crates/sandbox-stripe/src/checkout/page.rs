//! The page on which a customer subscribes and pays.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::entry::{self, EMAIL, PAY_WITH, SAVED};
use super::figures::Figures;
use super::over::Over;
use super::pay::{self, Outcome};
use super::visit::Visit;
use crate::model::{Customer, Decline};
use crate::portal::address;
use crate::portal::cards::entry::{CardFields, refusal};
use crate::portal::cards::row::CardRow;
use crate::portal::field::{Field, Mistake, error_of};
use crate::portal::form::{self, Form};
use crate::portal::page::{Frame, render, see_other};
use crate::portal::side::ReturnLink;
use crate::shown::plain;
use crate::transaction::Transaction;

/// What the page says once of what was just tried, in its address: fixed words, never a text from it.
const NOTICE: &str = "done";
const NOT_AUTHENTICATED: &str = "not_authenticated";

/// What the page has shown as due.
const DUE: &str = "due";

/// The page.
#[derive(Template)]
#[template(path = "checkout.html")]
struct Page {
    frame: Frame,
    action: String,
    proof: String,
    cancel: Option<ReturnLink>,
    mistakes: Vec<Mistake>,
    /// What came of the last attempt.
    notice: Option<&'static str>,
    title: String,
    figures: Figures,
    due: i64,
    /// The e-mail address where it is settled, and the field for it where it is not.
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
pub(super) fn show(visit: &Visit<'_>, query: &Form) -> Result<Response, Over> {
    let words = &visit.text().checkout;
    let notice = (query.text(NOTICE) == NOT_AUTHENTICATED).then_some(words.not_authenticated);
    page(visit, StatusCode::OK, &Form::default(), Vec::new(), notice)
}

/// `POST /c/pay/{token}`
pub(super) fn act(
    visit: &Visit<'_>,
    form: &Form,
    transaction: &mut Transaction<'_>,
) -> Result<Response, Over> {
    let paying = match entry::read(visit, form)? {
        Ok(paying) => paying,
        Err(mistakes) => return again(visit, form, mistakes, None),
    };
    // Nobody pays another amount than the page has shown.
    if form.number(DUE) != Some(visit.due()) {
        return again(visit, form, Vec::new(), Some(visit.text().checkout.changed));
    }
    match pay::pay(visit, transaction, &paying, false)? {
        Outcome::Paid(address) => Ok(see_other(&address)),
        Outcome::NeedsHolder => Ok(see_other(&pay::challenge(visit, transaction, paying)?)),
        Outcome::Declined(decline) => declined(visit, form, decline),
        Outcome::Changed => again(visit, form, Vec::new(), Some(visit.text().checkout.changed)),
    }
}

/// The page again, because the card was declined.
pub(super) fn declined(visit: &Visit<'_>, form: &Form, decline: Decline) -> Result<Response, Over> {
    let text = visit.text();
    let saved = visit.saved_card().is_some() && form.text(PAY_WITH) == SAVED;
    let Mistake { field, message } = refusal(decline, text);
    let field = if saved { PAY_WITH } else { field };
    let mistakes = vec![Mistake { field, message }];
    again(visit, form, mistakes, None)
}

/// The address of the page that says that the bank said no.
pub(super) fn not_authenticated(visit: &Visit<'_>) -> String {
    format!("{}?{NOTICE}={NOT_AUTHENTICATED}", visit.home())
}

fn again(
    visit: &Visit<'_>,
    form: &Form,
    mistakes: Vec<Mistake>,
    notice: Option<&'static str>,
) -> Result<Response, Over> {
    page(visit, StatusCode::UNPROCESSABLE_ENTITY, form, mistakes, notice)
}

fn page(
    visit: &Visit<'_>,
    status: StatusCode,
    form: &Form,
    mistakes: Vec<Mistake>,
    notice: Option<&'static str>,
) -> Result<Response, Over> {
    let (text, session) = (visit.text(), visit.session);
    let words = &text.checkout;
    let figures = Figures::of(visit)?;
    let saved = visit.saved_card().filter(|_| visit.asks_card());
    let page = Page {
        frame: Frame::new(visit.language),
        action: visit.home(),
        proof: form::proof(visit.token),
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
        // No `type=email`: browsers know less of e-mail addresses than Stripe does, and speak another language.
        email: Field {
            autocomplete: "email",
            inputmode: "email",
            longest: Customer::LONGEST_EMAIL,
            required: true,
            ..Field::new(EMAIL, text.email)
        }
        .with(form.text(EMAIL), &mistakes),
        asks_card: visit.asks_card(),
        pays_saved: saved.is_some() && matches!(form.text(PAY_WITH), "" | SAVED),
        saved: saved
            .zip(visit.customer)
            .map(|(method, customer)| CardRow::of(method, customer, visit.now)),
        saved_error: error_of(PAY_WITH, &mistakes),
        typed: CardFields::of(form, text, &mistakes),
        mistakes,
        notice,
    };
    Ok(render(status, &page, address::source(&session.success_url).as_deref()))
}
