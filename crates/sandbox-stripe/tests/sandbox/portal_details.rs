//! Billing information and billing history on the pages.

use serde_json::Value;

use crate::browser::{BUSINESS_MONTHLY, Form, SUBSCRIPTION};
use crate::support::{Running, start};

async fn open(sandbox: &Running) -> String {
    sandbox.session_url(&format!("customer={}", sandbox.demo.customer)).await
}

async fn customer(sandbox: &Running) -> Value {
    sandbox.get(&format!("/v1/customers/{}", sandbox.demo.customer)).await.json()
}

#[tokio::test]
async fn the_billing_information_is_changed_and_cleared() {
    let sandbox = start().await;
    let url = open(&sandbox).await;
    let details = format!("{url}/details");
    let filled = [
        ("name", " 김하나 "),
        ("email", "hana@example.kr"),
        ("phone", "+82 2 1234 5678"),
        ("country", "KR"),
        ("line1", "세종대로 110"),
        ("city", "중구"),
        ("state", "서울"),
        ("postal-code", "04524"),
    ];
    let home = sandbox.follow(&sandbox.fill(&details, &filled).await).await;
    assert!(home.body.contains("The billing information was saved.") && home.body.contains("South Korea"));
    let now = customer(&sandbox).await;
    assert_eq!((&now["name"], &now["email"]), (&"김하나".into(), &"hana@example.kr".into()));
    assert_eq!(now["phone"], "+82 2 1234 5678");
    assert_eq!((&now["address"]["country"], &now["address"]["line1"]), (&"KR".into(), &"세종대로 110".into()));
    assert_eq!(now["address"]["line2"], Value::Null);
    let page = sandbox.page(&details, &[]).await;
    assert!(page.body.contains("value=\"김하나\"") && page.body.contains("<option value=\"KR\" selected>"));
    sandbox.fill(&details, &[("email", "hana@example.kr")]).await;
    let now = customer(&sandbox).await;
    assert_eq!((&now["name"], &now["phone"], &now["address"]), (&Value::Null, &Value::Null, &Value::Null));
    sandbox.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_it_is_said_beside_the_field_and_nothing_is_saved() {
    let sandbox = start().await;
    let url = open(&sandbox).await;
    let long = "x".repeat(300);
    for (field, value, message) in [
        ("email", "", "Enter an email address."),
        ("email", "nobody", "Enter an email address such as"),
        ("email", "a b@example.com", "Enter an email address such as"),
        ("phone", "call me", "Enter a phone number"),
        ("phone", "123456789012345678901", "Enter a phone number"),
        ("name", long.as_str(), "This is too long."),
        ("country", "<b>", "Choose a country or region from the list."),
    ] {
        let mut filled = vec![("name", "Other <Name>"), ("email", "demo@example.com")];
        filled.retain(|(name, _)| *name != field);
        filled.push((field, value));
        let page = sandbox.fill(&format!("{url}/details"), &filled).await;
        assert_eq!(page.status, 422, "{field}: {value}");
        assert!(page.body.contains(&format!("<a href=\"#{field}\">{message}")), "{field}: {}", page.body);
        assert!(page.body.contains(&format!("{field}-error\"")), "{field}");
        assert!(!page.body.contains("<b>") && !page.body.contains("Other <Name>"));
    }
    assert_eq!(customer(&sandbox).await["name"], "Demo User");
    sandbox.stop().await;
}

#[tokio::test]
async fn the_billing_history_has_all_invoices_newest_first() {
    let sandbox = start().await;
    let url = open(&sandbox).await;
    let prices = [BUSINESS_MONTHLY, sandbox.demo.price.as_str()];
    for price in prices.iter().cycle().take(12) {
        let preview = format!("{url}/subscriptions/{SUBSCRIPTION}/preview?price={price}&quantity=1");
        assert_eq!(sandbox.fill(&preview, &[]).await.status, 303);
    }
    let rows = |body: &str| {
        let numbers = body.split("class=\"invoice-number\">").skip(1);
        numbers
            .map(|rest| rest[rest.find('-').expect("number") + 1..][..4].parse().expect("number"))
            .collect::<Vec<u32>>()
    };
    let home = sandbox.page(&url, &[]).await;
    assert_eq!(rows(&home.body), [14, 13, 12, 11, 10, 9]);
    assert!(home.body.contains("View billing history") && home.body.contains("href=\"/i/"));
    let first = sandbox.page(&format!("{url}/invoices"), &[]).await;
    assert_eq!(rows(&first.body), (3..=14).rev().collect::<Vec<_>>());
    assert!(first.body.contains("Page 1 of 2") && !first.body.contains("Newer invoices"));
    let second = sandbox.page(&format!("{url}/invoices?page=2"), &[]).await;
    assert_eq!(rows(&second.body), [2, 1]);
    assert!(second.body.contains("Newer invoices") && !second.body.contains("Older invoices"));
    for odd in ["0", "-1", "x", "99999999999999999999", "3"] {
        assert_eq!(sandbox.page(&format!("{url}/invoices?page={odd}"), &[]).await.status, 200, "{odd}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn nothing_from_the_address_is_said_on_a_page() {
    let sandbox = start().await;
    let url = open(&sandbox).await;
    for page in ["", "/details", "/cards/new", "/invoices"] {
        let answer = sandbox.page(&format!("{url}{page}?done=hello-there&page=hello-there&x=hello-there"), &[]).await;
        assert!(answer.status == 200 && !answer.body.contains("hello-there"), "{page}");
    }
    assert!(Form::find(&sandbox.page(&format!("{url}/details"), &[]).await, "/details").hidden.len() == 1);
    sandbox.stop().await;
}
