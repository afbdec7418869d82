//! The catalogue's file: plans in TOML, with the provider's price ids of both modes beside each other.

use std::path::Path;

use billing_domain::{Catalogue, Currency, Mode, Plan, PlanPrice};
use serde::Deserialize;

/// What the embedded default sells, unless it is told otherwise.
const DEMO: &str = include_str!("../../demo-catalogue.toml");

/// More is no catalogue.
const LARGEST: u64 = 1024 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default = "dollars")]
    currency: String,
    #[serde(default)]
    plans: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    name: String,
    monthly_credits: u64,
    #[serde(default)]
    features: Vec<String>,
    monthly: Option<Price>,
    yearly: Option<Price>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Price {
    price_cents: u64,
    test: Option<String>,
    live: Option<String>,
}

fn dollars() -> String {
    "usd".to_owned()
}

/// The catalogue in a file, with the prices of this mode.
pub(super) fn read(file: &Path, mode: Mode) -> Result<Catalogue, String> {
    let unreadable = |error: std::io::Error| format!("{} cannot be read: {error}", file.display());
    if std::fs::metadata(file).map_err(unreadable)?.len() > LARGEST {
        return Err(format!("{} is larger than a catalogue can be, 1 MiB", file.display()));
    }
    let text = std::fs::read_to_string(file).map_err(unreadable)?;
    parse(&text, mode).map_err(|why| format!("{}: {why}", file.display()))
}

/// What the embedded default sells.
pub(super) fn demo() -> Result<Catalogue, String> {
    parse(DEMO, Mode::Test)
}

fn parse(text: &str, mode: Mode) -> Result<Catalogue, String> {
    let file: File =
        toml::from_str(text).map_err(|error| error.to_string().trim_end().replace('\n', " "))?;
    let currency: Currency = file.currency.parse().map_err(|error| format!("currency: {error}"))?;
    let plans: Result<Vec<Plan>, String> =
        file.plans.into_iter().map(|entry| plan(entry, currency.clone(), mode)).collect();
    Catalogue::new(plans?).map_err(|error| error.to_string())
}

fn plan(entry: Entry, currency: Currency, mode: Mode) -> Result<Plan, String> {
    let name = entry.name.trim().to_owned();
    let id =
        entry.id.parse().map_err(|error| format!("plan `{}`: {error}", entry.id.escape_debug()))?;
    if name.is_empty() {
        return Err(format!("plan `{id}`: its name is empty"));
    }
    let price = |cycle: &str, price: Option<Price>| {
        let Some(price) = price else { return Ok(None) };
        let own = match mode {
            Mode::Test => price.test,
            Mode::Live => price.live,
        };
        let own =
            own.ok_or_else(|| format!("plan `{id}`, {cycle}: it has no price id for {mode} mode"))?;
        let own = own.parse().map_err(|error| format!("plan `{id}`, {cycle}: {error}"))?;
        Ok::<_, String>(Some(PlanPrice { id: own, amount: price.price_cents }))
    };
    let (monthly, yearly) = (price("monthly", entry.monthly)?, price("yearly", entry.yearly)?);
    Ok(Plan {
        id,
        name,
        monthly_credits: entry.monthly_credits,
        features: entry.features,
        currency,
        monthly,
        yearly,
    })
}

#[cfg(test)]
mod tests {
    use billing_domain::BillingCycle;

    use super::*;

    const ONE: &str = r#"
        currency = "eur"
        [[plans]]
        id = "pro"
        name = "Pro"
        monthly_credits = 5
        features = ["a"]
        [plans.monthly]
        price_cents = 100
        test = "price_t"
        live = "price_l"
    "#;

    #[test]
    fn each_mode_has_prices_of_its_own() {
        for (mode, id) in [(Mode::Test, "price_t"), (Mode::Live, "price_l")] {
            let catalogue = parse(ONE, mode).unwrap();
            let plan = catalogue.plan("pro").unwrap();
            assert_eq!(plan.price(BillingCycle::Monthly).unwrap().id.as_str(), id);
            assert_eq!((plan.currency.as_str(), plan.price(BillingCycle::Yearly)), ("eur", None));
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let with = |from: &str, to: &str| parse(&ONE.replace(from, to), Mode::Live).unwrap_err();
        assert!(
            with("live = \"price_l\"", "")
                .contains("`pro`, monthly: it has no price id for live mode")
        );
        assert!(with("features", "feetures").contains("feetures"));
        assert!(with("\"eur\"", "\"EUR\"").contains("currency"));
        assert!(with("\"pro\"", "\"Pro\"").contains("a plan's id"));
        assert!(with("100", "-1").contains("price_cents") || with("100", "-1").contains("-1"));
        assert!(with("\"Pro\"", "\" \"").contains("empty"));
    }

    #[test]
    fn the_demo_sells_four_plans_both_ways() {
        let ids: Vec<_> = demo()
            .unwrap()
            .plans()
            .iter()
            .map(|plan| (plan.id.to_string(), plan.prices().count()))
            .collect();
        let expected =
            ["starter", "professional", "business", "agency"].map(|id| (id.to_owned(), 2));
        assert_eq!(ids, expected);
    }

    #[test]
    fn an_empty_file_is_an_empty_catalogue() {
        assert!(parse("", Mode::Live).unwrap().plans().is_empty());
    }
}
