//! Helpers for tests of checkout sessions.

use serde_json::Value;

use crate::browser::{Form, card};
use crate::shop::text;
use crate::support::{Reply, Running};

pub(crate) const SESSIONS: &str = "/v1/checkout/sessions";
pub(crate) const MONTHLY: &str = "price_1SandboxDemoProMonthly01";
pub(crate) const SUCCESS: &str = "https://app.example.com/done?session={CHECKOUT_SESSION_ID}";

/// Creates a session for the demo's Professional plan.
pub(crate) async fn open(sandbox: &Running, more: &str) -> Value {
    let form = format!(
        "mode=subscription&line_items[0][price]={MONTHLY}&line_items[0][quantity]=1&success_url={SUCCESS}{more}"
    );
    let reply = sandbox.post(SESSIONS, &form).await;
    assert_eq!(reply.status, 200, "{form}: {}", reply.body);
    reply.json()
}

/// Reads the session through the API.
pub(crate) async fn read(sandbox: &Running, session: &Value) -> Value {
    sandbox.get(&format!("{SESSIONS}/{}", text(session, "/id"))).await.json()
}

/// Fills in the page with a card and an e-mail address, and submits it.
pub(crate) async fn pay(sandbox: &Running, session: &Value, number: &str) -> Reply {
    let filled =
        [&card(number, "Jenny Rosen")[..], &[("email", "jenny@example.com"), ("pay-with", "new")]]
            .concat();
    sandbox.fill(text(session, "/url"), &filled).await
}

/// Returns the form of the session's page.
pub(crate) async fn form(sandbox: &Running, session: &Value) -> Form {
    let url = text(session, "/url");
    let token = url.rsplit('/').next().unwrap_or_default();
    Form::find(&sandbox.page(url, &[]).await, &format!("/{token}"))
}

/// Returns the number of subscriptions other than the demo's.
pub(crate) async fn subscriptions(sandbox: &Running) -> usize {
    let list = sandbox.get("/v1/subscriptions?status=all&limit=100").await.json();
    list["data"].as_array().map_or(0, Vec::len) - 1
}

/// Returns the success URL of a paid session.
pub(crate) fn landing(session: &Value) -> String {
    format!("https://app.example.com/done?session={}", text(session, "/id"))
}
