//! The input fields of a new card.

use super::super::field::{Field, FieldError};
use super::super::form::Form;
use super::super::text::Text;
use crate::cards::{CheckError, TypedCard};
use crate::model::{Customer, Decline, PaymentMethod, Timestamp};
use crate::sanitize::is_control;

const NUMBER: &str = "card-number";
const EXPIRY: &str = "card-expiry";
const CVC: &str = "card-cvc";
const NAME: &str = "card-name";

/// The fields for a new card.
pub(crate) struct CardFields {
    pub(crate) name: Field,
    pub(crate) number: Field,
    pub(crate) expiry: Field,
    pub(crate) cvc: Field,
}

impl CardFields {
    /// Fills the fields from the form. The number and the security code are never sent back.
    pub(crate) fn of(form: &Form, text: &Text, errors: &[FieldError]) -> Self {
        let words = &text.card;
        Self {
            name: Field { autocomplete: "cc-name", required: true, ..Field::new(NAME, words.name) }
                .with(form.text(NAME), errors),
            number: Field {
                autocomplete: "cc-number",
                inputmode: "numeric",
                placeholder: "1234 1234 1234 1234",
                max_length: 23,
                required: true,
                ..Field::new(NUMBER, words.number)
            }
            .with("", errors),
            expiry: Field {
                autocomplete: "cc-exp",
                inputmode: "numeric",
                placeholder: words.expiry_placeholder,
                hint: words.expiry_hint,
                max_length: 9,
                required: true,
                ..Field::new(EXPIRY, words.expiry)
            }
            .with(form.text(EXPIRY), errors),
            cvc: Field {
                autocomplete: "cc-csc",
                inputmode: "numeric",
                placeholder: "123",
                hint: words.cvc_hint,
                max_length: 4,
                required: true,
                ..Field::new(CVC, words.cvc)
            }
            .with("", errors),
        }
    }
}

/// Validates the input. Returns one error per missing field, or the first other error.
pub(crate) fn read(
    form: &Form,
    text: &Text,
    now: Timestamp,
) -> Result<Result<PaymentMethod, Vec<FieldError>>, std::io::Error> {
    let words = &text.card;
    let mut errors: Vec<FieldError> = [
        (NUMBER, words.number_missing),
        (EXPIRY, words.expiry_missing),
        (CVC, words.cvc_missing),
        (NAME, words.name_missing),
    ]
    .into_iter()
    .filter(|(field, _)| form.text(field).is_empty())
    .map(|(field, message)| FieldError { field, message: message.to_owned() })
    .collect();
    if form.text(NAME).chars().count() > Customer::MAX_NAME_LENGTH {
        errors.push(FieldError { field: NAME, message: words.name_long.to_owned() });
    } else if form.text(NAME).chars().any(is_control) {
        errors.push(FieldError { field: NAME, message: text.details.unreadable.to_owned() });
    }
    if !errors.is_empty() {
        return Ok(Err(errors));
    }
    let (exp_month, exp_year) = expiry(form.text(EXPIRY)).unwrap_or_default();
    let typed = TypedCard {
        number: form.text(NUMBER).to_owned(),
        exp_month,
        exp_year,
        cvc: form.text(CVC).to_owned(),
    };
    match typed.check(now) {
        Ok(mut method) => {
            method.billing_details.name = Some(form.text(NAME).to_owned());
            Ok(Ok(method))
        }
        Err(CheckError::Refused(decline)) => Ok(Err(vec![refusal(decline, text)])),
        Err(CheckError::Failed(error)) => Err(error),
    }
}

/// Returns the error of a refused card, at the field that caused it.
pub(crate) fn refusal(decline: Decline, text: &Text) -> FieldError {
    let field = match decline {
        Decline::ExpiredCard | Decline::InvalidExpiryMonth | Decline::InvalidExpiryYear => EXPIRY,
        Decline::IncorrectCvc | Decline::InvalidCvc => CVC,
        Decline::AuthenticationFailed
        | Decline::CardVelocityExceeded
        | Decline::GenericDecline
        | Decline::IncorrectNumber
        | Decline::InsufficientFunds
        | Decline::LostCard
        | Decline::ProcessingError
        | Decline::StolenCard
        | Decline::TestModeLiveCard => NUMBER,
    };
    FieldError { field, message: (text.card.decline)(decline).to_owned() }
}

/// Parses month and year of `12 / 34`, `12/2034`, `1234` and `1/34`.
fn expiry(text: &str) -> Option<(i64, i64)> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let (month, year) = match text.split_once(['/', '-']) {
        Some(parts) => parts,
        None => text.split_at_checked(2)?,
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(month)
        || !digits(year)
        || !matches!(year.len(), 2 | 4)
        || !matches!(month.len(), 1 | 2)
    {
        return None;
    }
    Some((month.parse().ok()?, year.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_spellings_of_an_expiry_date_are_parsed() {
        for typed in ["12/34", "12 / 34", "1234", "12-34"] {
            assert_eq!(expiry(typed), Some((12, 34)), "{typed}");
        }
        assert_eq!(expiry("1/2034"), Some((1, 2034)));
        for typed in ["", "1", "12", "12/3", "12/345", "ab/cd", "123/34", "한글/34", "년월"] {
            assert_eq!(expiry(typed), None, "{typed}");
        }
    }
}
