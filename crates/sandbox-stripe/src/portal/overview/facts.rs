//! The customer's billing information, as the first page shows it.

use super::super::text::{Language, Text, countries};
use crate::model::{Address, Customer};

/// One line of the billing information.
pub(super) struct Fact {
    pub(super) label: &'static str,
    pub(super) lines: Vec<String>,
}

/// All that is known.
pub(super) fn of(customer: &Customer, text: &Text, language: Language) -> Vec<Fact> {
    let one = |label, value: &Option<String>| value.as_ref().map(|value| Fact { label, lines: vec![value.clone()] });
    let lines = |address: &Address| address_lines(address, language);
    let address = customer.address.as_ref().map(lines).filter(|lines| !lines.is_empty());
    [
        one(text.name, &customer.name),
        one(text.email, &customer.email),
        one(text.phone, &customer.phone),
        address.map(|lines| Fact { label: text.address, lines }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn address_lines(address: &Address, language: Language) -> Vec<String> {
    let place: Vec<&str> =
        [&address.city, &address.state, &address.postal_code].into_iter().flatten().map(String::as_str).collect();
    let place = (!place.is_empty()).then(|| place.join(", "));
    let name = |code: &String| countries::name(code, language).map_or_else(|| code.clone(), str::to_owned);
    let country = address.country.as_ref().map(name);
    [address.line1.clone(), address.line2.clone(), place, country].into_iter().flatten().collect()
}
