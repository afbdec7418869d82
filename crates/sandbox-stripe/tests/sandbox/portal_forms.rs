//! CSRF protection: pages accept only forms of their own session.

use crate::browser::{Form, SUBSCRIPTION};
use crate::support::{Running, TestClock, settings, start, start_with};

const EVERY_FORM: [&str; 8] = [
    "cards/new",
    "cards/pm_1SandboxDemoVisa4242000001/default",
    "cards/pm_1SandboxDemoVisa4242000001/remove",
    "details",
    "subscriptions/sub_1SandboxDemoSubscription1/preview",
    "subscriptions/sub_1SandboxDemoSubscription1/cancel",
    "subscriptions/sub_1SandboxDemoSubscription1/keep",
    "bank",
];

async fn open(sandbox: &Running) -> String {
    let url = sandbox.session_url(&format!("customer={}", sandbox.demo.customer)).await;
    url.replace(&format!("http://{}", sandbox.address), "")
}

async fn csrf_token(sandbox: &Running, path: &str) -> Vec<(String, String)> {
    Form::find(&sandbox.page(&format!("{path}/details"), &[]).await, "/details").hidden
}

#[tokio::test]
async fn a_form_without_the_sessions_csrf_token_is_refused() {
    let sandbox = start().await;
    let mine = open(&sandbox).await;
    let other = open(&sandbox).await;
    let foreign = csrf_token(&sandbox, &other).await;
    let nothing = vec![("csrf".to_owned(), String::new())];
    for form in EVERY_FORM {
        for hidden in [foreign.clone(), nothing.clone(), Vec::new()] {
            let form = Form { action: format!("{mine}/{form}"), hidden };
            let reply =
                sandbox.submit(&form, &[("name", "Mallory"), ("email", "m@example.com")]).await;
            assert_eq!(reply.status, 403, "{}", form.action);
            assert!(
                reply.body.contains("We could not process this request")
                    && reply.body.contains("Back to billing")
            );
        }
    }
    let path = format!("/v1/customers/{}", sandbox.demo.customer);
    assert_eq!(sandbox.api_text(&path, "/name").await.as_deref(), Some("Demo User"));
    assert_eq!(
        sandbox.api_text(&format!("/v1/subscriptions/{SUBSCRIPTION}"), "/cancel_at").await,
        None
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn a_form_from_another_site_is_refused_even_with_the_csrf_token() {
    let sandbox = start().await;
    let path = open(&sandbox).await;
    let hidden = csrf_token(&sandbox, &path).await;
    let form = Form { action: format!("{path}/details"), hidden };
    let own = format!("http://{}", sandbox.address);
    let fields = [("name", "Jenny"), ("email", "jenny@example.com")];
    for header in [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Origin", "https://evil.example"),
        ("Origin", "http://127.0.0.1:1"),
    ] {
        assert_eq!(sandbox.submit_with(&form, &fields, &[header]).await.status, 403, "{header:?}");
    }
    for headers in [vec![], vec![("Origin", own.as_str())], vec![("Sec-Fetch-Site", "same-origin")]]
    {
        assert_eq!(sandbox.submit_with(&form, &fields, &headers).await.status, 303, "{headers:?}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_body_that_is_not_a_form_is_refused_with_a_page() {
    let sandbox = start().await;
    let path = format!("{}/details", open(&sandbox).await);
    let reply = sandbox.send("POST", &path, &[("Content-Type", "application/json")], "{}").await;
    assert_eq!(reply.status, 415);
    let form_type = [("Content-Type", "application/x-www-form-urlencoded")];
    let reply = sandbox.send("POST", &path, &form_type, &"x".repeat(1_100_000)).await;
    assert_eq!(reply.status, 413);
    assert!(reply.body.contains("We could not process this request"));
    sandbox.stop().await;
}

#[tokio::test]
async fn an_expired_session_accepts_no_form() {
    let clock = TestClock::starting_now();
    let sandbox = start_with(settings(None), clock.clone()).await;
    let path = open(&sandbox).await;
    let form =
        Form { action: format!("{path}/details"), hidden: csrf_token(&sandbox, &path).await };
    clock.advance(3_599);
    assert_eq!(sandbox.submit(&form, &[("email", "a@example.com")]).await.status, 303);
    // Submitting a form extends the session too.
    clock.advance(3_599);
    assert_eq!(sandbox.submit(&form, &[("email", "b@example.com")]).await.status, 303);
    clock.advance(3_600);
    let reply = sandbox.submit(&form, &[("email", "c@example.com")]).await;
    assert!(reply.status == 410 && reply.body.contains("This link has expired"));
    for page in ["", "/details", "/cards/new", "/invoices", "/bank", "/done"] {
        assert_eq!(sandbox.page(&format!("{path}{page}"), &[]).await.status, 410, "{page}");
    }
    let path = format!("/v1/customers/{}", sandbox.demo.customer);
    assert_eq!(sandbox.api_text(&path, "/email").await.as_deref(), Some("b@example.com"));
    sandbox.stop().await;
}

#[tokio::test]
async fn every_page_has_security_headers_one_h1_and_a_unique_title() {
    let sandbox = start().await;
    let path = open(&sandbox).await;
    let mut titles = Vec::new();
    for page in [
        String::new(),
        "/details".to_owned(),
        "/cards/new".to_owned(),
        "/invoices".to_owned(),
        "/cards/pm_1SandboxDemoVisa4242000001/remove".to_owned(),
        format!("/subscriptions/{SUBSCRIPTION}/change"),
        format!(
            "/subscriptions/{SUBSCRIPTION}/preview?price=price_1SandboxDemoBizMonthly01&quantity=1"
        ),
        format!("/subscriptions/{SUBSCRIPTION}/cancel"),
    ] {
        let reply = sandbox.page(&format!("{path}{page}"), &[]).await;
        assert_eq!(reply.status, 200, "{page}");
        assert_eq!(reply.header("Cache-Control"), Some("no-store"));
        assert_eq!(reply.header("Referrer-Policy"), Some("no-referrer"));
        let policy = reply.header("Content-Security-Policy").expect("policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("form-action 'self';"),
            "{policy}"
        );
        let body = &reply.body;
        for foreign in ["<script", " style=", "<style", "src=\"", "http://", "https://", " onclick"]
        {
            assert!(!body.contains(foreign), "{page}: {foreign}");
        }
        assert_eq!(body.matches("<h1").count(), 1, "{page}");
        let title = body
            .split("<title>")
            .nth(1)
            .and_then(|rest| rest.split('<').next())
            .expect("title")
            .to_owned();
        assert!(!titles.contains(&title), "{title}");
        titles.push(title);
    }
    sandbox.stop().await;
}
