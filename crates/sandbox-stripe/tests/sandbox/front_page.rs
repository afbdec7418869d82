//! `GET /`: a page for browsers, and the API's 404 for other clients.

use crate::support::{TestClock, settings, start, start_with};

const BROWSER: (&str, &str) =
    ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");

#[tokio::test]
async fn front_page_names_the_base_url_a_key_and_every_operation() {
    let sandbox = start().await;
    let page = sandbox.page("/", &[BROWSER]).await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("Content-Type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("Vary"), Some("Accept"));
    let policy = page.header("Content-Security-Policy").expect("policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let base_url = format!("http://{}", sandbox.address);
    for shown in [
        base_url.as_str(),
        "sk_test_123",
        "It is not made by Stripe",
        sandbox_stripe::API_VERSION,
        &sandbox.demo.customer,
        "Stop the process and start it again.",
    ] {
        assert!(page.body.contains(shown), "{shown} is missing:\n{}", page.body);
    }
    for (method, path) in sandbox_stripe::operations() {
        assert!(page.body.contains(&format!("<code>{method} {path}</code>")), "{method} {path}");
    }

    let (_, rest) = page.body.split_once("rel=\"stylesheet\" href=\"").expect("a style sheet");
    let style = sandbox.page(rest.split('"').next().expect("a path"), &[]).await;
    assert_eq!(style.status, 200);
    assert!(!style.body.contains("url(") && !style.body.contains("@import"));
    sandbox.stop().await;
}

#[tokio::test]
async fn front_page_names_the_state_file() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("state.jsonl");
    let sandbox = start_with(settings(Some(&file)), TestClock::starting_now()).await;
    let page = sandbox.page("/", &[BROWSER]).await;
    let shown = format!("delete the state file <code>{}</code>", file.display());
    assert!(page.body.contains(&shown), "{}", page.body);
    sandbox.stop().await;
}

#[tokio::test]
async fn clients_that_do_not_accept_html_get_the_api_404() {
    let sandbox = start().await;
    for accept in [&[][..], &[("Accept", "application/json")], &[("Accept", "*/*")]] {
        let reply = sandbox.page("/", accept).await;
        assert_eq!(reply.error().0, 404, "{accept:?}");
        assert_eq!(reply.header("Content-Type"), Some("application/json"), "{accept:?}");
        let message = reply.json()["error"]["message"].to_string();
        assert!(message.contains("Unrecognized request URL (GET: /)"), "{message}");
    }
    assert_eq!(sandbox.post("/", "a=b").await.error().0, 404);
    sandbox.stop().await;
}
