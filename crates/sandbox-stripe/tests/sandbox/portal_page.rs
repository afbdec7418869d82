//! The hosted page behind a session's link.

use std::sync::Arc;

use crate::support::{TestClock, settings, start, start_with};

#[tokio::test]
async fn the_page_shows_the_current_state_at_each_view() {
    let sandbox = start().await;
    let customer = sandbox.demo.customer.clone();
    let url = sandbox
        .session_url(&format!("customer={customer}&return_url=https://app.example.com/a%3Fb%3Dc"))
        .await;
    let page = sandbox.page(&url, &[]).await;
    assert_eq!(page.status, 200);
    for shown in [
        "<html lang=\"en\">",
        "Demo User",
        "demo@example.com",
        "Professional plan",
        "$20.00",
        "per month",
        "Renews on ",
        "4242",
        "DEMO0001-0001",
        "DEMO0001-0002",
        "Paid",
        "Return to app.example.com",
        "href=\"https://app.example.com/a?b=c\"",
    ] {
        assert!(page.body.contains(shown), "{shown} is not on the page:\n{}", page.body);
    }
    sandbox.post(&format!("/v1/customers/{customer}"), "name=Renamed+Person").await;
    let page = sandbox.page(&url, &[]).await;
    assert!(page.body.contains("Renamed Person") && !page.body.contains("Demo User"));
    sandbox.stop().await;
}

#[tokio::test]
async fn the_page_has_security_headers() {
    let sandbox = start().await;
    let url = sandbox.session_url(&format!("customer={}", sandbox.demo.customer)).await;
    for page in [sandbox.page(&url, &[]).await, sandbox.page("/p/session/test_none", &[]).await] {
        assert_eq!(page.header("Cache-Control"), Some("no-store"));
        assert_eq!(page.header("X-Content-Type-Options"), Some("nosniff"));
        assert_eq!(page.header("Referrer-Policy"), Some("no-referrer"));
        assert_eq!(page.header("Content-Type"), Some("text/html; charset=utf-8"));
        let policy = page.header("Content-Security-Policy").expect("policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("unsafe") && !policy.contains("http"));
        let body = page.body.to_ascii_lowercase();
        for foreign in ["<script", " style=", "<style", "src=\"http", "@import", "onclick"] {
            assert!(!body.contains(foreign), "{foreign}");
        }
        // Without a return URL the page has no external link.
        assert!(!body.contains("http://") && !body.contains("https://"), "{body}");
    }
    let page = sandbox.page(&url, &[]).await;
    for marker in ["rel=\"stylesheet\" href=\"", "rel=\"icon\" href=\""] {
        let (_, rest) = page.body.split_once(marker).expect(marker);
        let asset = sandbox.page(rest.split('"').next().expect("path"), &[]).await;
        assert_eq!(asset.status, 200);
        assert!(!asset.body.contains("url(") && !asset.body.contains("@import"));
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn user_input_is_escaped_on_the_page() {
    let sandbox = start().await;
    let nasty = "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E%26%27";
    let path = format!("/v1/customers/{}", sandbox.demo.customer);
    sandbox.post(&path, &format!("name={nasty}&phone=%3Cb%3E&address[line1]={nasty}")).await;
    let form = format!(
        "customer={}&return_url=https://a.example/%22%3E%3Cscript%3E",
        sandbox.demo.customer
    );
    let url = sandbox.session_url(&form).await;
    let page = sandbox.page(&url, &[]).await;
    assert_eq!(page.status, 200);
    assert!(!page.body.contains("<script") && !page.body.contains("<b>"), "{}", page.body);
    assert!(page.body.contains("&#60;script&#62;"), "{}", page.body);
    let nothing = sandbox.page("/p/session/%3Cscript%3E", &[]).await;
    assert!(nothing.status == 404 && !nothing.body.contains("script"));
    sandbox.stop().await;
}

#[tokio::test]
async fn the_page_is_korean_if_session_customer_or_browser_request_it() {
    let sandbox = start().await;
    let customer = sandbox.demo.customer.clone();
    let korean = "현재 요금제";
    let by_session = sandbox.session_url(&format!("customer={customer}&locale=ko")).await;
    let page = sandbox.page(&by_session, &[("Accept-Language", "en")]).await;
    assert!(
        page.body.contains(korean)
            && page.body.contains("<html lang=\"ko\">")
            && page.body.contains("US$20.00")
    );
    let open = sandbox.session_url(&format!("customer={customer}&locale=auto")).await;
    assert!(
        sandbox
            .page(&open, &[("Accept-Language", "ko-KR,ko;q=0.9,en;q=0.8")])
            .await
            .body
            .contains(korean)
    );
    assert!(!sandbox.page(&open, &[]).await.body.contains(korean));
    sandbox.post(&format!("/v1/customers/{customer}"), "preferred_locales[0]=ko-KR").await;
    assert!(sandbox.page(&open, &[]).await.body.contains(korean));
    sandbox.stop().await;
}

#[tokio::test]
async fn an_unopened_session_lives_five_minutes_and_an_opened_one_an_hour_after_each_view() {
    let clock = TestClock::starting_now();
    let sandbox = start_with(settings(None), clock.clone()).await;
    let form = format!("customer={}", sandbox.demo.customer);
    let seen = sandbox.session_url(&form).await;
    let unseen = sandbox.session_url(&form).await;
    clock.advance(299);
    assert_eq!(sandbox.page(&seen, &[]).await.status, 200);
    clock.advance(1);
    let expired = sandbox.page(&unseen, &[("Accept-Language", "ko")]).await;
    assert_eq!(expired.status, 410);
    assert!(expired.body.contains("만료된 링크입니다") && !expired.body.contains("Demo User"));
    clock.advance(3_000);
    assert_eq!(sandbox.page(&seen, &[]).await.status, 200);
    clock.advance(3_599);
    assert_eq!(sandbox.page(&seen, &[]).await.status, 200);
    clock.advance(3_600);
    assert_eq!(sandbox.page(&seen, &[]).await.status, 410);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_link_opens_only_its_customers_page() {
    let sandbox = start().await;
    let other = sandbox.post("/v1/customers", "name=Other+Person&email=o@example.com").await.json()
        ["id"]
        .clone();
    let other = other.as_str().expect("id");
    let url = sandbox.session_url(&format!("customer={other}")).await;
    let page = sandbox.page(&url, &[]).await;
    assert!(page.body.contains("Other Person") && page.body.contains("You have no active plan."));
    assert!(
        !page.body.contains("Demo User")
            && !page.body.contains("4242")
            && !page.body.contains("DEMO0001")
    );
    let mut forged = url.clone();
    let last = if forged.pop() == Some('A') { 'B' } else { 'A' };
    forged.push(last);
    assert_eq!(sandbox.page(&forged, &[]).await.status, 404);
    assert_eq!(sandbox.page(&format!("{url}/other"), &[]).await.status, 404);
    sandbox.delete(&format!("/v1/customers/{other}")).await;
    assert_eq!(sandbox.page(&url, &[]).await.status, 410);
    sandbox.stop().await;
}

#[tokio::test]
async fn links_begin_with_the_public_url() {
    let mut settings = settings(None);
    settings.public_url = Some("https://billing.test.example/".parse().expect("url"));
    let sandbox = start_with(settings, Arc::new(sandbox_stripe::SystemClock)).await;
    let url = sandbox.session_url(&format!("customer={}", sandbox.demo.customer)).await;
    assert!(url.starts_with("https://billing.test.example/p/session/test_"), "{url}");
    sandbox.stop().await;
}
