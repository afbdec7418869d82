//! Webhook endpoints through the API.

use std::sync::Arc;

use sandbox_stripe::{Sandbox, SystemClock};
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::schema::faults;
use crate::support::{refused, settings, start, start_with};

const ENDPOINTS: &str = "/v1/webhook_endpoints";

#[tokio::test]
async fn an_endpoint_is_created_read_updated_and_deleted() {
    let sandbox = start().await;
    let form = "url=http://a.example/hooks&enabled_events[]=invoice.paid&enabled_events[]=customer.created\
                &description=Mine&metadata[a]=b&api_version=2026-05-27.dahlia&connect=false";
    let mut made = sandbox.post(ENDPOINTS, form).await.json();
    assert_eq!(faults("webhook_endpoint", &made), Vec::<String>::new());
    let secret = made["secret"].take();
    assert!(
        secret.as_str().is_some_and(|secret| secret.starts_with("whsec_") && secret.len() == 38),
        "{secret}"
    );
    made.as_object_mut().expect("object").remove("secret");
    let path = format!("{ENDPOINTS}/{}", made["id"].as_str().expect("id"));
    assert_eq!(made["enabled_events"], json!(["invoice.paid", "customer.created"]));
    assert_eq!(
        (made["status"].as_str(), made["api_version"].as_str()),
        (Some("enabled"), Some("2026-05-27.dahlia"))
    );
    // Only the creating response contains the secret.
    assert_eq!(sandbox.get(&path).await.json(), made);
    assert_eq!(sandbox.get(ENDPOINTS).await.json()["data"], json!([made]));

    let form = "url=http://b.example/&enabled_events[]=*&disabled=true&description=&metadata[a]=&metadata[c]=d";
    let changed = sandbox.post(&path, form).await.json();
    assert_eq!(
        (changed["url"].as_str(), changed["status"].as_str()),
        (Some("http://b.example/"), Some("disabled"))
    );
    assert_eq!(
        (&changed["enabled_events"], &changed["description"]),
        (&json!(["*"]), &json!(null))
    );
    assert_eq!(changed["metadata"], json!({ "c": "d" }));
    assert_eq!(sandbox.get(&path).await.json(), changed);

    let deleted = sandbox.delete(&path).await.json();
    assert_eq!(deleted, json!({ "id": made["id"], "object": "webhook_endpoint", "deleted": true }));
    assert_eq!(faults("deleted_webhook_endpoint", &deleted), Vec::<String>::new());
    for reply in
        [sandbox.get(&path).await, sandbox.post(&path, "").await, sandbox.delete(&path).await]
    {
        assert_eq!(reply.error(), refused(404, "resource_missing", "webhook_endpoint"));
    }
    assert_eq!(sandbox.get(ENDPOINTS).await.json()["data"], json!([]));
    sandbox.stop().await;
}

#[tokio::test]
async fn errors_in_an_endpoint_name_the_parameter() {
    let sandbox = start().await;
    let all = "enabled_events[]=*";
    for (form, error) in [
        (all.to_owned(), refused(400, "parameter_missing", "url")),
        ("url=http://a.example/".to_owned(), refused(400, "parameter_missing", "enabled_events")),
        ("url=http://a.example/&enabled_events=".to_owned(), refused(400, "", "enabled_events")),
        (
            "url=http://a.example/&enabled_events[]=*&enabled_events[]=invoice.payed".to_owned(),
            refused(400, "", "enabled_events[1]"),
        ),
        (format!("url=here&{all}"), refused(400, "url_invalid", "url")),
        (format!("url=ftp://a.example/&{all}"), refused(400, "url_invalid", "url")),
        (format!("url=http://me:secret@a.example/&{all}"), refused(400, "url_invalid", "url")),
        (format!("url=http://a.example/&{all}&connect=true"), refused(400, "", "connect")),
        (
            format!("url=http://a.example/&{all}&api_version=2020-08-27"),
            refused(400, "", "api_version"),
        ),
        (
            format!("url=http://a.example/&{all}&disabled=true"),
            refused(400, "parameter_unknown", "disabled"),
        ),
    ] {
        assert_eq!(sandbox.post(ENDPOINTS, &form).await.error(), error, "{form}");
    }
    let encrypted = sandbox.post(ENDPOINTS, &format!("url=https://a.example/&{all}")).await;
    assert_eq!(encrypted.error(), refused(400, "url_invalid", "url"));
    assert!(encrypted.body.contains("has no TLS"), "{}", encrypted.body);
    sandbox.stop().await;
}

#[tokio::test]
async fn there_are_at_most_sixteen_endpoints() {
    let sandbox = start().await;
    let form = |n: usize| format!("url=http://a.example/{n}&enabled_events[]=*&description={n}");
    for n in 0..16 {
        sandbox.make(ENDPOINTS, &form(n)).await;
    }
    assert_eq!(sandbox.post(ENDPOINTS, &form(16)).await.error(), refused(400, "", ""));
    let page = sandbox.get(&format!("{ENDPOINTS}?limit=5")).await.json();
    let shown: Vec<_> = page["data"]
        .as_array()
        .expect("list")
        .iter()
        .map(|each| each["description"].clone())
        .collect();
    assert_eq!(shown, ["15", "14", "13", "12", "11"]);
    assert_eq!(page["has_more"], true);
    sandbox.stop().await;
}

#[tokio::test]
async fn endpoints_and_their_secrets_survive_a_restart() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("state.jsonl");
    let sandbox = start_with(settings(Some(&file)), Arc::new(SystemClock)).await;
    let made = sandbox.post(ENDPOINTS, "url=http://a.example/&enabled_events[]=*").await.json();
    let secret = made["secret"].as_str().expect("secret").to_owned();
    sandbox.stop().await;
    assert!(std::fs::read_to_string(&file).expect("text").contains(&secret));
    let sandbox = start_with(settings(Some(&file)), Arc::new(SystemClock)).await;
    let kept =
        sandbox.get(&format!("{ENDPOINTS}/{}", made["id"].as_str().expect("id"))).await.json();
    assert_eq!((&kept["url"], kept.get("secret")), (&made["url"], None));
    sandbox.stop().await;
}

#[tokio::test]
async fn the_default_endpoint_keeps_its_secret_and_changes_its_url() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("state.jsonl");
    let sandbox = Sandbox::bind(settings(Some(&file))).await.expect("bound");
    let first = sandbox.webhook_endpoint("http://127.0.0.1:1/hooks").expect("made");
    let again = sandbox.webhook_endpoint("http://127.0.0.1:2/hooks").expect("found");
    assert_eq!(first.expose_secret(), again.expose_secret());
    assert!(!format!("{first:?}").contains(first.expose_secret()));
    let error = sandbox.webhook_endpoint("https://127.0.0.1:2/hooks").expect_err("refused");
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    drop(sandbox);
    let sandbox = start_with(settings(Some(&file)), Arc::new(SystemClock)).await;
    let listed = sandbox.get(ENDPOINTS).await.json()["data"].clone();
    assert_eq!(listed[0]["id"], "we_1SandboxDefaultEndpoint1");
    assert_eq!(
        (&listed[0]["url"], &listed[0]["enabled_events"]),
        (&json!("http://127.0.0.1:2/hooks"), &json!(["*"]))
    );
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    sandbox.stop().await;
}
