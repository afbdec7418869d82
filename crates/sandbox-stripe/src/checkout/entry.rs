//! Reads the checkout form.

use std::io;

use super::visit::Visit;
use crate::model::{Customer, Funding, Paying};
use crate::portal::cards::entry;
use crate::portal::field::FieldError;
use crate::portal::form::Form;
use crate::sanitize::is_control;

pub(super) const EMAIL: &str = "email";

/// The choice between the saved card and another card.
pub(super) const PAY_WITH: &str = "pay-with";
pub(super) const SAVED: &str = "saved";

/// Reads the payer and the means of payment. Returns one error per invalid field.
pub(super) fn read(visit: &Visit<'_>, form: &Form) -> io::Result<Result<Paying, Vec<FieldError>>> {
    let mut errors = Vec::new();
    let email = visit.email().unwrap_or_else(|| form.text(EMAIL)).to_owned();
    if visit.email().is_none()
        && let Some(message) = email_error(&email, visit)
    {
        errors.push(FieldError { field: EMAIL, message: message.to_owned() });
    }
    let saved = visit.saved_card().filter(|_| form.text(PAY_WITH) == SAVED);
    let funding = match saved {
        _ if !visit.asks_card() => Funding::Nothing,
        Some(card) => Funding::Saved(card.id.clone()),
        None => match entry::read(form, visit.text(), visit.now)? {
            Ok(method) => Funding::New(Box::new(method)),
            Err(more) => {
                errors.extend(more);
                return Ok(Err(errors));
            }
        },
    };
    Ok(if errors.is_empty() { Ok(Paying { email, funding }) } else { Err(errors) })
}

fn email_error(email: &str, visit: &Visit<'_>) -> Option<&'static str> {
    let words = &visit.text().details;
    if email.is_empty() {
        Some(words.email_missing)
    } else if email.chars().any(is_control) {
        Some(words.unreadable)
    } else if !Customer::is_email(email) {
        Some(words.email_invalid)
    } else if email.chars().count() > Customer::MAX_EMAIL_LENGTH {
        Some(words.too_long)
    } else {
        None
    }
}
