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
async fn the_billing_information_is_updated_and_cleared() {
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
    assert!(
        home.body.contains("The billing information was saved.")
            && home.body.contains("South Korea")
    );
    let now = customer(&sandbox).await;
    assert_eq!((&now["name"], &now["email"]), (&"김하나".into(), &"hana@example.kr".into()));
    assert_eq!(now["phone"], "+82 2 1234 5678");
    assert_eq!(
        (&now["address"]["country"], &now["address"]["line1"]),
        (&"KR".into(), &"세종대로 110".into())
    );
    assert_eq!(now["address"]["line2"], Value::Null);
    let page = sandbox.page(&details, &[]).await;
    assert!(
        page.body.contains("value=\"김하나\"")
            && page.body.contains("<option value=\"KR\" selected>")
    );
    sandbox.fill(&details, &[("email", "hana@example.kr")]).await;
    let now = customer(&sandbox).await;
    assert_eq!(
        (&now["name"], &now["phone"], &now["address"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn invalid_billing_information_is_reported_at_the_field_and_not_saved() {
    let sandbox = start().await;
    let url = open(&sandbox).await;
    let long = "x".repeat(300);
    for (field, value, message) in [
        ("email", "", "Enter an email address."),
        ("email", "no-at-sign", "Enter an email address such as"),
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
        assert!(
            page.body.contains(&format!("<a href=\"#{field}\">{message}")),
            "{field}: {}",
            page.body
        );
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
        let preview =
            format!("{url}/subscriptions/{SUBSCRIPTION}/preview?price={price}&quantity=1");
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
        assert_eq!(
            sandbox.page(&format!("{url}/invoices?page={odd}"), &[]).await.status,
            200,
            "{odd}"
        );
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_page_shows_no_text_from_its_url() {
    let sandbox = start().await;
    let url = open(&sandbox).await;
    for page in ["", "/details", "/cards/new", "/invoices"] {
        let answer = sandbox
            .page(&format!("{url}{page}?done=hello-there&page=hello-there&x=hello-there"), &[])
            .await;
        assert!(answer.status == 200 && !answer.body.contains("hello-there"), "{page}");
    }
    assert!(
        Form::find(&sandbox.page(&format!("{url}/details"), &[]).await, "/details").hidden.len()
            == 1
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn control_characters_are_neither_accepted_nor_shown() {
    let sandbox = start().await;
    let url = open(&sandbox).await;
    for (field, value) in [
        ("name", "a\u{1b}[31m"),
        ("line1", "x\u{202e}y"),
        ("city", "a\u{7}b"),
        ("email", "a\u{2066}@b.kr"),
    ] {
        let mut filled = vec![("name", "Demo"), ("email", "demo@example.com")];
        filled.retain(|(name, _)| *name != field);
        filled.push((field, value));
        let page = sandbox.fill(&format!("{url}/details"), &filled).await;
        assert!(
            page.status == 422 && page.body.contains("Remove characters that cannot be displayed."),
            "{field}"
        );
    }
    let fields = crate::browser::card("4242424242424242", "Jenny\u{202e}nesoR");
    let page = sandbox.fill(&format!("{url}/cards/new"), &fields).await;
    assert!(page.status == 422 && page.body.contains("<a href=\"#card-name\">"), "{}", page.body);
    // The API accepts characters that the pages do not show.
    sandbox
        .make(&format!("/v1/customers/{}", sandbox.demo.customer), "name=Jenny%E2%80%AEnesoR")
        .await;
    sandbox
        .make(
            &format!("/v1/products/{}", sandbox.demo.product),
            "name=Professional%E2%80%AE%09plan",
        )
        .await;
    for page in ["", "/invoices", &format!("/subscriptions/{SUBSCRIPTION}/change")] {
        let page = sandbox.page(&format!("{url}{page}"), &[]).await;
        assert!(
            page.body.contains("Professional plan") && !page.body.contains('\u{202e}'),
            "{}",
            page.body
        );
    }
    assert!(sandbox.page(&url, &[]).await.body.contains("JennynesoR"));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_korean_address_is_written_from_the_largest_part_to_the_smallest() {
    let sandbox = start().await;
    let address = "address[line1]=세종대로 110&address[line2]=3층&address[city]=중구&address[state]=서울\
                   &address[postal_code]=04524&address[country]=KR";
    sandbox.make(&format!("/v1/customers/{}", sandbox.demo.customer), address).await;
    let url = sandbox.session_url(&format!("customer={}&locale=ko", sandbox.demo.customer)).await;
    let home = sandbox.page(&url, &[]).await;
    assert!(home.body.contains("04524 서울 중구 세종대로 110 3층<br>대한민국"), "{}", home.body);
    let english = sandbox.page(&open(&sandbox).await, &[]).await;
    assert!(
        english.body.contains("세종대로 110<br>3층<br>중구, 서울, 04524<br>South Korea"),
        "{}",
        english.body
    );
    sandbox.stop().await;
}
