//! Formats amounts.

use crate::locale::Language;

/// Currencies without decimals (<https://docs.stripe.com/currencies#zero-decimal>).
const ZERO_DECIMAL: &[&str] = &[
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf",
    "xof", "xpf",
];

/// Currencies with three decimals (<https://docs.stripe.com/currencies#three-decimal>).
const THREE_DECIMAL: &[&str] = &["bhd", "jod", "kwd", "omr", "tnd"];

/// Formats an amount in the currency's smallest unit, with the currency sign or the code.
pub(crate) fn format(amount: i64, currency: &str, language: Language) -> String {
    let decimals = if ZERO_DECIMAL.contains(&currency) {
        0
    } else if THREE_DECIMAL.contains(&currency) {
        3
    } else {
        2
    };
    let scale = 10_u64.pow(decimals);
    let minus = if amount < 0 { "-" } else { "" };
    let whole = amount.unsigned_abs() / scale;
    let part = amount.unsigned_abs() % scale;
    let whole = group(whole);
    let number = match decimals {
        0 => whole,
        width => format!("{whole}.{part:0width$}", width = width as usize),
    };
    match sign(currency, language) {
        Some(sign) => format!("{minus}{sign}{number}"),
        None => format!("{minus}{}\u{a0}{number}", currency.to_ascii_uppercase()),
    }
}

/// The currency signs of Unicode's locale data (CLDR 45).
fn sign(currency: &str, language: Language) -> Option<&'static str> {
    Some(match (currency, language) {
        ("usd", Language::English) => "$",
        ("usd", Language::Korean) => "US$",
        ("jpy", Language::English) => "¥",
        ("jpy", Language::Korean) => "JP¥",
        ("krw", _) => "₩",
        ("eur", _) => "€",
        ("gbp", _) => "£",
        ("cad", _) => "CA$",
        ("aud", Language::English) => "A$",
        ("aud", Language::Korean) => "AU$",
        ("nzd", _) => "NZ$",
        ("hkd", _) => "HK$",
        ("twd", Language::English) => "NT$",
        ("mxn", _) => "MX$",
        ("brl", _) => "R$",
        ("cny", _) => "CN¥",
        ("inr", _) => "₹",
        ("ils", _) => "₪",
        ("vnd", _) => "₫",
        ("php", _) => "₱",
        _ => return None,
    })
}

fn group(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        for (amount, currency, english, korean) in [
            (2_000, "usd", "$20.00", "US$20.00"),
            (5, "usd", "$0.05", "US$0.05"),
            (123_456_789, "usd", "$1,234,567.89", "US$1,234,567.89"),
            (-1_250, "eur", "-€12.50", "-€12.50"),
            (29_000, "krw", "₩29,000", "₩29,000"),
            (1_500, "jpy", "¥1,500", "JP¥1,500"),
            (1_234, "kwd", "KWD\u{a0}1.234", "KWD\u{a0}1.234"),
            (990, "chf", "CHF\u{a0}9.90", "CHF\u{a0}9.90"),
            (i64::MIN, "krw", "-₩9,223,372,036,854,775,808", "-₩9,223,372,036,854,775,808"),
        ] {
            assert_eq!(format(amount, currency, Language::English), english);
            assert_eq!(format(amount, currency, Language::Korean), korean);
        }
    }
}
