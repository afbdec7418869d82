//! What a customer tells the page.

use std::io;

use super::visit::Visit;
use crate::model::{Customer, Funding, Paying};
use crate::portal::cards::entry;
use crate::portal::field::Mistake;
use crate::portal::form::Form;
use crate::shown::steers;

pub(super) const EMAIL: &str = "email";

/// Whether the saved card pays, or another.
pub(super) const PAY_WITH: &str = "pay-with";
pub(super) const SAVED: &str = "saved";

/// Reads who pays and how. What is wrong comes with its field; several fields may be empty at once.
pub(super) fn read(visit: &Visit<'_>, form: &Form) -> io::Result<Result<Paying, Vec<Mistake>>> {
    let mut mistakes = Vec::new();
    let email = visit.email().unwrap_or_else(|| form.text(EMAIL)).to_owned();
    if visit.email().is_none()
        && let Some(message) = mistake_in(&email, visit)
    {
        mistakes.push(Mistake { field: EMAIL, message: message.to_owned() });
    }
    let saved = visit.saved_card().filter(|_| form.text(PAY_WITH) == SAVED);
    let funding = match saved {
        _ if !visit.asks_card() => Funding::Nothing,
        Some(card) => Funding::Saved(card.id.clone()),
        None => match entry::read(form, visit.text(), visit.now)? {
            Ok(method) => Funding::New(Box::new(method)),
            Err(more) => {
                mistakes.extend(more);
                return Ok(Err(mistakes));
            }
        },
    };
    Ok(if mistakes.is_empty() { Ok(Paying { email, funding }) } else { Err(mistakes) })
}

fn mistake_in(email: &str, visit: &Visit<'_>) -> Option<&'static str> {
    let words = &visit.text().details;
    if email.is_empty() {
        Some(words.email_missing)
    } else if email.chars().any(steers) {
        Some(words.unreadable)
    } else if !Customer::is_email(email) {
        Some(words.email_invalid)
    } else if email.chars().count() > Customer::LONGEST_EMAIL {
        Some(words.too_long)
    } else {
        None
    }
}
