//! The plan catalogue: a TOML file with plans and the provider's price ids for both modes.

use std::path::Path;

use billing_domain::{Catalogue, Currency, Mode, Plan, PlanPrice};
use serde::Deserialize;

/// The default catalogue of the embedded default.
const DEMO: &str = include_str!("../../demo-catalogue.toml");

/// Maximum size of the file (1 MiB).
const MAX_BYTES: u64 = 1024 * 1024;

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

/// Reads the catalogue from a file, with the prices of this mode.
pub(super) fn read(file: &Path, mode: Mode) -> Result<Catalogue, String> {
    let unreadable = |error: std::io::Error| format!("{} cannot be read: {error}", file.display());
    if std::fs::metadata(file).map_err(unreadable)?.len() > MAX_BYTES {
        return Err(format!("{} is larger than 1 MiB", file.display()));
    }
    let text = std::fs::read_to_string(file).map_err(unreadable)?;
    parse(&text, mode).map_err(|why| format!("{}: {why}", file.display()))
}

/// Returns the default catalogue of the embedded default.
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
        let price_id = match mode {
            Mode::Test => price.test,
            Mode::Live => price.live,
        };
        let missing = || format!("plan `{id}`, {cycle}: it has no price id for {mode} mode");
        let price_id = price_id.ok_or_else(missing)?;
        let price_id =
            price_id.parse().map_err(|error| format!("plan `{id}`, {cycle}: {error}"))?;
        Ok::<_, String>(Some(PlanPrice { id: price_id, amount: price.price_cents }))
    };
    let monthly = price("monthly", entry.monthly)?;
    let yearly = price("yearly", entry.yearly)?;
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

    const FILE: &str = r#"
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
    fn catalogue_has_the_price_ids_of_the_mode() {
        for (mode, id) in [(Mode::Test, "price_t"), (Mode::Live, "price_l")] {
            let catalogue = parse(FILE, mode).unwrap();
            let plan = catalogue.plan("pro").unwrap();
            assert_eq!(plan.price(BillingCycle::Monthly).unwrap().id.as_str(), id);
            assert_eq!((plan.currency.as_str(), plan.price(BillingCycle::Yearly)), ("eur", None));
        }
    }

    #[test]
    fn error_names_the_faulty_field() {
        let with = |from: &str, to: &str| parse(&FILE.replace(from, to), Mode::Live).unwrap_err();
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
    fn demo_catalogue_has_four_plans_with_two_prices() {
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
    fn empty_file_is_an_empty_catalogue() {
        assert!(parse("", Mode::Live).unwrap().plans().is_empty());
    }
}
