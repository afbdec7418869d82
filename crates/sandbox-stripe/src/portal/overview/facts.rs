//! The customer's billing information on the first page.

use super::super::text::{Text, countries};
use crate::locale::Language;
use crate::model::{Address, Customer};
use crate::sanitize::plain;

/// One line of the billing information.
pub(super) struct Fact {
    pub(super) label: &'static str,
    pub(super) lines: Vec<String>,
}

/// Returns all known billing information.
pub(super) fn of(customer: &Customer, text: &Text, language: Language) -> Vec<Fact> {
    let one = |label, value: &Option<String>| {
        value.as_ref().map(|value| Fact { label, lines: vec![plain(value)] })
    };
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
    let Address { line1, line2, city, state, postal_code, country } = address;
    let join = |parts: &[&Option<String>], mark: &str| {
        let given: Vec<String> = parts.iter().copied().flatten().map(|part| plain(part)).collect();
        Some(given.join(mark))
    };
    let name =
        |code: &String| countries::name(code, language).map_or_else(|| plain(code), str::to_owned);
    let is_korean =
        language == Language::Korean && country.as_deref().is_none_or(|country| country == "KR");
    let lines = if is_korean {
        // A Korean address goes from the largest part to the smallest.
        vec![join(&[postal_code, state, city, line1, line2], " ")]
    } else {
        vec![join(&[line1], ""), join(&[line2], ""), join(&[city, state, postal_code], ", ")]
    };
    lines
        .into_iter()
        .chain([country.as_ref().map(name)])
        .flatten()
        .filter(|line| !line.is_empty())
        .collect()
}
