//! The content of an invoice document in the reader's language. Page and PDF add the layout.

use super::words::{self, Words};
use crate::locale::Language;
use crate::locale::{dates, money};
use crate::model::{Address, Customer, Invoice, InvoiceLine, InvoiceStatus, Timestamp};
use crate::sanitize::plain;

/// An invoice as text without control characters and direction marks.
pub(super) struct Document {
    pub(super) language: Language,
    pub(super) words: &'static Words,
    pub(super) number: String,
    pub(super) status: Status,
    /// The amount and its status.
    pub(super) headline: String,
    /// Number and dates.
    pub(super) facts: Vec<Fact>,
    pub(super) seller: &'static str,
    pub(super) seller_note: &'static str,
    /// Name, e-mail address and postal address, one line each.
    pub(super) bill_to: Vec<String>,
    pub(super) lines: Vec<Line>,
    pub(super) sums: Vec<Sum>,
    pub(super) footer: Option<String>,
}

/// The invoice's status.
pub(super) struct Status {
    pub(super) word: &'static str,
    /// A CSS class.
    pub(super) tone: &'static str,
}

/// A label and its value.
pub(super) struct Fact {
    pub(super) label: &'static str,
    pub(super) value: String,
}

/// A line of the table.
pub(super) struct Line {
    pub(super) description: String,
    pub(super) period: String,
    pub(super) quantity: String,
    /// Empty if the amount is not a multiple of the price.
    pub(super) unit_price: String,
    pub(super) amount: String,
}

/// A line below the table.
pub(super) struct Sum {
    pub(super) label: &'static str,
    pub(super) amount: String,
    pub(super) strong: bool,
}

impl Document {
    pub(super) fn of(invoice: &Invoice, customer: &Customer, language: Language) -> Self {
        let words = words::of(language);
        let amount = |amount| money::format(amount, &invoice.currency, language);
        let number = invoice.number.as_deref().map_or_else(|| words.draft.to_owned(), plain);
        let happened = match invoice.status {
            InvoiceStatus::Paid => invoice.paid_at,
            InvoiceStatus::Void => invoice.voided_at,
            _ => None,
        };
        let day = happened.map_or_else(String::new, |time| dates::day(time, language));
        let text = language.text();
        Self {
            language,
            words,
            status: Status { word: text.invoice_state(invoice.status), tone: tone(invoice.status) },
            headline: (words.headline)(
                invoice.status,
                &amount(words::headline_amount(invoice)),
                &day,
            ),
            facts: facts(invoice, &number, happened, words, language),
            number,
            seller: text.account_name,
            seller_note: text.sandbox_note,
            bill_to: bill_to(invoice, customer),
            lines: invoice
                .lines
                .iter()
                .map(|line| Line::of(line, &invoice.currency, words, language))
                .collect(),
            sums: sums(invoice, words, &amount),
            footer: customer.invoice_footer.as_deref().map(plain).filter(|text| !text.is_empty()),
        }
    }
}

impl Line {
    fn of(line: &InvoiceLine, currency: &str, words: &Words, language: Language) -> Self {
        let fits = line.unit_amount.checked_mul(line.quantity) == Some(line.amount);
        let from = dates::day(line.period_start, language);
        let to = dates::day(line.period_end, language);
        Self {
            description: plain(&title(line, words)),
            period: if from == to { from } else { format!("{from} – {to}") },
            quantity: line.quantity.to_string(),
            unit_price: if fits {
                money::format(line.unit_amount, currency, language)
            } else {
                String::new()
            },
            amount: money::format(line.amount, currency, language),
        }
    }
}

/// Returns the name of a line without quantity and price, which have their own columns.
fn title(line: &InvoiceLine, words: &Words) -> String {
    let counted = format!("{} × ", line.quantity);
    let description = line.description.as_str();
    let name = |text: &str| text.strip_prefix(&counted).unwrap_or(text).to_owned();
    let translated = |word: &str, until: &str, phrase: Option<fn(&str) -> String>| {
        let rest = description.strip_prefix(word)?;
        let rest = rest.rsplit_once(until).map_or(rest, |(named, _)| named);
        phrase.map(|phrase| phrase(&name(rest)))
    };
    translated("Unused time on ", " after ", words.unused)
        .or_else(|| translated("Remaining time on ", " after ", words.remaining))
        .or_else(|| translated("Trial period for ", "\n", words.trial))
        .unwrap_or_else(|| {
            match description.strip_prefix(&counted).and_then(|rest| rest.rsplit_once(" (at ")) {
                Some((named, rate)) if rate.ends_with(')') => named.to_owned(),
                _ => description.to_owned(),
            }
        })
}

fn facts(
    invoice: &Invoice,
    number: &str,
    happened: Option<Timestamp>,
    words: &Words,
    language: Language,
) -> Vec<Fact> {
    let day = |label, time: Timestamp| Fact { label, value: dates::day(time, language) };
    let label = if invoice.status == InvoiceStatus::Void { words.voided_on } else { words.paid_on };
    let mut facts = vec![
        Fact { label: words.number, value: number.to_owned() },
        day(words.issued, invoice.finalized_at.unwrap_or(invoice.created)),
    ];
    facts.extend(happened.map(|time| day(label, time)));
    facts
}

/// Returns name and e-mail from the invoice, and the customer's current postal address.
fn bill_to(invoice: &Invoice, customer: &Customer) -> Vec<String> {
    let address = customer.address.as_ref().map(address_lines).unwrap_or_default();
    let lines = invoice
        .customer_name
        .iter()
        .cloned()
        .chain(address)
        .chain(invoice.customer_email.iter().cloned());
    let mut lines: Vec<String> =
        lines.map(|line| plain(&line)).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        lines.push(invoice.customer.clone());
    }
    lines
}

fn address_lines(address: &Address) -> Vec<String> {
    let given = |part: &Option<String>| part.clone().filter(|part| !part.trim().is_empty());
    let town: Vec<String> = [&address.city, &address.state, &address.postal_code]
        .into_iter()
        .filter_map(given)
        .collect();
    [given(&address.line1), given(&address.line2), Some(town.join(" ")), given(&address.country)]
        .into_iter()
        .flatten()
        .collect()
}

fn sums(invoice: &Invoice, words: &'static Words, amount: &impl Fn(i64) -> String) -> Vec<Sum> {
    let total = invoice.total();
    let applied = invoice.amount_due().saturating_sub(total);
    let sum = |label, value| Sum { label, amount: amount(value), strong: false };
    let mut sums = vec![sum(words.subtotal, total), sum(words.total, total)];
    if applied != 0 {
        sums.push(sum(words.applied_balance, applied));
    }
    if invoice.amount_paid != 0 {
        sums.push(sum(words.amount_paid, invoice.amount_paid));
    }
    sums.push(Sum { strong: true, ..sum(words.amount_due, invoice.amount_remaining()) });
    sums
}

const fn tone(status: InvoiceStatus) -> &'static str {
    match status {
        InvoiceStatus::Paid => "good",
        InvoiceStatus::Open => "due",
        InvoiceStatus::Uncollectible => "bad",
        InvoiceStatus::Draft | InvoiceStatus::Void => "quiet",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(description: &str) -> InvoiceLine {
        InvoiceLine {
            id: "il_1".to_owned(),
            description: description.to_owned(),
            amount: 4_000,
            quantity: 2,
            price: "price_1".to_owned(),
            product: "prod_1".to_owned(),
            unit_amount: 2_000,
            subscription_item: None,
            proration: false,
            period_start: 0,
            period_end: 86_400,
        }
    }

    #[test]
    fn a_line_title_omits_quantity_and_price() {
        for (description, english, korean) in [
            ("2 × Pro (at $20.00 / month)", "Pro", "Pro"),
            ("2 × Pro (at home) (at $20.00 / month)", "Pro (at home)", "Pro (at home)"),
            (
                "3 × Pro (at $20.00 / month)",
                "3 × Pro (at $20.00 / month)",
                "3 × Pro (at $20.00 / month)",
            ),
            ("Setup", "Setup", "Setup"),
            ("Trial period for 2 × Pro", "Trial period for 2 × Pro", "Pro 무료 체험 기간"),
            (
                "Unused time on 2 × Day after day after May 1, 2026",
                "Unused time on 2 × Day after day after May 1, 2026",
                "Day after day 미사용 기간",
            ),
        ] {
            assert_eq!(title(&line(description), words::of(Language::English)), english);
            assert_eq!(title(&line(description), words::of(Language::Korean)), korean);
        }
    }

    #[test]
    fn a_unit_price_is_shown_if_it_explains_the_amount() {
        let words = words::of(Language::English);
        let shown = |line: &InvoiceLine| Line::of(line, "usd", words, Language::English).unit_price;
        assert_eq!(shown(&line("x")), "$20.00");
        assert_eq!(shown(&InvoiceLine { amount: -1_234, ..line("x") }), "");
        assert_eq!(shown(&InvoiceLine { unit_amount: i64::MAX, ..line("x") }), "");
    }
}
