//! The portal's first page: plan, cards, billing information, invoices.

use askama::Template;
use url::Url;

use super::page::Frame;
use super::sessions::Visit;
use super::text::{Language, Text};
use super::{dates, money};
use crate::model::{
    Address, Customer, Invoice, InvoiceStatus, PaymentMethod, Subscription, SubscriptionItem, Timestamp,
};
use crate::state::State;

/// So many invoices stand on the page.
const MOST_INVOICES: usize = 24;

/// The page.
#[derive(Template)]
#[template(path = "overview.html")]
pub(super) struct Overview {
    frame: Frame,
    headline: String,
    return_link: Option<ReturnLink>,
    privacy_url: Option<String>,
    terms_url: Option<String>,
    task: Option<&'static str>,
    plans: Vec<Plan>,
    cards: Vec<CardRow>,
    facts: Vec<Fact>,
    invoices: Vec<InvoiceRow>,
}

/// The way back.
struct ReturnLink {
    href: String,
    label: String,
}

/// A subscription.
struct Plan {
    lines: Vec<PlanLine>,
    badge: &'static str,
    ending: bool,
    renewal: String,
}

/// One thing that is subscribed to.
struct PlanLine {
    name: String,
    amount: String,
    interval: String,
    detail: Option<String>,
}

/// A card.
struct CardRow {
    brand: String,
    /// How the style sheet knows the brand.
    mark: &'static str,
    last4: String,
    expiry: String,
    expired: bool,
    is_default: bool,
}

/// One line of the billing information.
struct Fact {
    label: &'static str,
    lines: Vec<String>,
}

/// One line of the invoice history.
struct InvoiceRow {
    day: String,
    iso_day: String,
    number: String,
    description: String,
    amount: String,
    status: &'static str,
    tone: &'static str,
}

impl Overview {
    /// The page as this visit sees it.
    pub(super) fn of(visit: &Visit<'_>, now: Timestamp, language: Language) -> Self {
        let Visit { session, customer, state } = *visit;
        let text = language.text();
        let configuration = state.portal_configurations.get(&session.configuration);
        let field = |pick: fn(&crate::model::PortalConfiguration) -> Option<&String>| configuration.and_then(pick);
        Self {
            frame: Frame::new(language),
            headline: field(|c| c.headline.as_ref()).map_or(text.headline.to_owned(), String::clone),
            return_link: session.return_url.as_deref().and_then(|url| ReturnLink::to(url, text)),
            privacy_url: field(|c| c.privacy_policy_url.as_ref()).and_then(|url| web_url(url)).map(String::from),
            terms_url: field(|c| c.terms_of_service_url.as_ref()).and_then(|url| web_url(url)).map(String::from),
            task: session.flow.as_ref().map(|flow| text.task(&flow.task)),
            plans: state
                .subscriptions
                .of(&customer.id)
                .filter(|subscription| subscription.is_running())
                .map(|subscription| Plan::of(subscription, state, language))
                .collect(),
            cards: state.payment_methods.of(&customer.id).map(|card| CardRow::of(card, customer, now)).collect(),
            facts: facts(customer, text),
            invoices: state
                .invoices
                .of(&customer.id)
                .filter(|invoice| invoice.status != InvoiceStatus::Draft)
                .take(MOST_INVOICES)
                .map(|invoice| InvoiceRow::of(invoice, state, language))
                .collect(),
        }
    }
}

impl ReturnLink {
    fn to(url: &str, text: &Text) -> Option<Self> {
        let url = web_url(url)?;
        let host = url.host_str()?;
        let place = url.port().map_or(host.to_owned(), |port| format!("{host}:{port}"));
        let label = (text.return_to)(&place);
        Some(Self { href: url.into(), label })
    }
}

impl Plan {
    fn of(subscription: &Subscription, state: &State, language: Language) -> Self {
        let text = language.text();
        let period_end = subscription.items.iter().map(|item| item.current_period_end).min();
        let end = subscription.cancellation.cancel_at.or(match subscription.cancellation.cancel_at_period_end {
            true => period_end,
            false => None,
        });
        let renewal = match (end, period_end) {
            (Some(end), _) => (text.ends_on)(&dates::day(end, language)),
            (None, Some(renewal)) => (text.renews_on)(&dates::day(renewal, language)),
            (None, None) => String::new(),
        };
        Self {
            lines: subscription.items.iter().filter_map(|item| PlanLine::of(item, state, language)).collect(),
            badge: if end.is_some() { text.ends_soon } else { text.active },
            ending: end.is_some(),
            renewal,
        }
    }
}

impl PlanLine {
    fn of(item: &SubscriptionItem, state: &State, language: Language) -> Option<Self> {
        let text = language.text();
        let price = state.prices.get(&item.price)?;
        let name = state.products.get(&price.product).map_or_else(|| price.id.clone(), |product| product.name.clone());
        let each = money::format(price.unit_amount, &price.currency, language);
        let total = price.unit_amount.saturating_mul(item.quantity);
        let several = || format!("{} · {}", (text.quantity)(item.quantity), (text.per_unit)(&each));
        Some(Self {
            name,
            amount: money::format(total, &price.currency, language),
            interval: price.recurring.map_or(String::new(), |recurring| text.interval(recurring)),
            detail: (item.quantity != 1).then(several),
        })
    }
}

impl CardRow {
    fn of(method: &PaymentMethod, customer: &Customer, now: Timestamp) -> Self {
        let card = &method.card;
        let (brand, mark) = match card.brand.as_str() {
            "visa" => ("Visa", "visa"),
            "mastercard" => ("Mastercard", "mastercard"),
            "amex" => ("American Express", "amex"),
            "discover" => ("Discover", "other"),
            "diners" => ("Diners Club", "other"),
            "jcb" => ("JCB", "other"),
            "unionpay" => ("UnionPay", "other"),
            other => (other, "other"),
        };
        Self {
            brand: brand.to_owned(),
            mark,
            last4: card.last4.clone(),
            expiry: format!("{:02}/{}", card.exp_month, card.exp_year),
            expired: card.has_expired(now),
            is_default: customer.default_payment_method.as_ref() == Some(&method.id),
        }
    }
}

impl InvoiceRow {
    fn of(invoice: &Invoice, state: &State, language: Language) -> Self {
        let product = invoice.lines.first().and_then(|line| {
            state.products.get(&line.product).map(|product| &product.name).or(Some(&line.description))
        });
        Self {
            day: dates::day(invoice.created, language),
            iso_day: dates::iso_day(invoice.created),
            number: invoice.number.clone().unwrap_or_default(),
            description: product.cloned().unwrap_or_default(),
            amount: money::format(invoice.total(), &invoice.currency, language),
            status: language.text().invoice_state(invoice.status),
            tone: match invoice.status {
                InvoiceStatus::Paid => "good",
                InvoiceStatus::Open => "due",
                InvoiceStatus::Uncollectible => "bad",
                InvoiceStatus::Draft | InvoiceStatus::Void => "quiet",
            },
        }
    }
}

fn facts(customer: &Customer, text: &Text) -> Vec<Fact> {
    let one = |label, value: &Option<String>| value.as_ref().map(|value| Fact { label, lines: vec![value.clone()] });
    let address = customer.address.as_ref().map(address_lines).filter(|lines| !lines.is_empty());
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

fn address_lines(address: &Address) -> Vec<String> {
    let place: Vec<&str> =
        [&address.city, &address.state, &address.postal_code].into_iter().flatten().map(String::as_str).collect();
    let place = (!place.is_empty()).then(|| place.join(", "));
    [address.line1.clone(), address.line2.clone(), place, address.country.clone()].into_iter().flatten().collect()
}

/// The URL, if a link may lead there: a script's address in a stored value must not become one.
fn web_url(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_become_links() {
        assert!(web_url("https://example.com/a").is_some());
        assert!(web_url("javascript:alert(1)").is_none());
        assert!(web_url("//example.com").is_none());
    }
}
