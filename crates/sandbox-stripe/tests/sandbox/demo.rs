//! The demo's catalogue.

use std::sync::Arc;

use sandbox_stripe::SystemClock;

use crate::support::{settings, start, start_with};

/// Product, name, price, amount, interval.
const PLANS: [(&str, &str, &str, i64, &str); 8] = [
    ("prod_SandboxDemo02", "Starter plan", "price_1SandboxDemoStartMonthly1", 900, "month"),
    ("prod_SandboxDemo02", "Starter plan", "price_1SandboxDemoStartYearly01", 9_000, "year"),
    ("prod_SandboxDemo01", "Professional plan", "price_1SandboxDemoProMonthly01", 2_000, "month"),
    ("prod_SandboxDemo01", "Professional plan", "price_1SandboxDemoProYearly001", 20_000, "year"),
    ("prod_SandboxDemo03", "Business plan", "price_1SandboxDemoBizMonthly01", 6_000, "month"),
    ("prod_SandboxDemo03", "Business plan", "price_1SandboxDemoBizYearly001", 60_000, "year"),
    ("prod_SandboxDemo04", "Agency plan", "price_1SandboxDemoAgencyMonth01", 15_000, "month"),
    ("prod_SandboxDemo04", "Agency plan", "price_1SandboxDemoAgencyYear001", 150_000, "year"),
];

#[tokio::test]
async fn the_demo_has_four_plans_with_monthly_and_yearly_prices() {
    let sandbox = start().await;
    for (product, name, price, amount, interval) in PLANS {
        let price = sandbox.get(&format!("/v1/prices/{price}?expand[]=product")).await.json();
        assert_eq!(
            (price["product"]["id"].as_str(), price["product"]["name"].as_str()),
            (Some(product), Some(name))
        );
        assert_eq!(
            (price["unit_amount"].as_i64(), price["currency"].as_str()),
            (Some(amount), Some("usd"))
        );
        assert_eq!(price["recurring"]["interval"].as_str(), Some(interval));
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_state_of_an_earlier_version_gets_missing_plans_and_keeps_existing_ones() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("state.jsonl");
    let sandbox = start_with(settings(Some(&path)), Arc::new(SystemClock)).await;
    sandbox.make("/v1/products/prod_SandboxDemo03", "name=Ours").await;
    sandbox.stop().await;
    let text = std::fs::read_to_string(&path).expect("state");
    let is_known =
        |line: &&str| !line.contains("prod_SandboxDemo04") && !line.contains("checkout_session");
    let earlier: String = text.lines().filter(is_known).flat_map(|line| [line, "\n"]).collect();
    std::fs::write(&path, earlier).expect("written");
    let sandbox = start_with(settings(Some(&path)), Arc::new(SystemClock)).await;
    let name = |id: &str| format!("/v1/products/{id}");
    assert_eq!(
        sandbox.api_text(&name("prod_SandboxDemo04"), "/name").await.as_deref(),
        Some("Agency plan")
    );
    assert_eq!(
        sandbox.api_text(&name("prod_SandboxDemo03"), "/name").await.as_deref(),
        Some("Ours")
    );
    sandbox.stop().await;
}
