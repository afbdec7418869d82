//! A client of the key routes for the key scenarios.

use std::time::Duration;

use serde_json::{Value, json};
use workspace_tests::response::Response;
use workspace_tests::runner::KEY_ROUTE;
use workspace_tests::shared_fixture::{SharedFixture, plant_key};
use workspace_tests::wire::Request;
use workspace_tests::{canary, invariants, poll};

const KEYS: &str = "/api/v1/api-keys";
/// Time until a change applies on every replica.
const PROPAGATION_LIMIT: Duration = Duration::from_secs(5);

/// A user's client of the key routes in one profile.
pub(super) struct Client<'a> {
    shared: &'a SharedFixture,
    profile: &'a str,
    user: &'a str,
}

impl Client<'_> {
    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Response {
        let request = body.map_or_else(
            || Request::new(method, path),
            |body| Request { method: method.to_owned(), ..Request::post_json(path, body) },
        );
        let request = request.bearer(&self.shared.token(self.profile, self.user));
        let answer = self.shared.portal(self.profile, |portal| portal.send(&request));
        invariants::check(method, path, &answer).unwrap();
        if let Some(key) = answer.json()["apiKey"]["key"].as_str() {
            plant_key(key);
        }
        answer
    }

    pub(super) fn try_create(&self, body: &Value) -> Response {
        self.send("POST", KEYS, Some(body))
    }

    pub(super) fn create(&self, body: &Value) -> Value {
        created(&self.try_create(body))
    }

    pub(super) fn rotate(&self, id: &str, body: Option<&Value>) -> Response {
        self.send("POST", &format!("{KEYS}/{id}/rotate"), body)
    }

    pub(super) fn revoke(&self, id: &str) -> Response {
        self.send("DELETE", &format!("{KEYS}/{id}"), None)
    }

    pub(super) fn list(&self) -> Vec<Value> {
        let answer = self.send("GET", KEYS, None);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let shown = answer.json();
        let keys = shown["apiKeys"].as_array().expect("`apiKeys` is a list").clone();
        assert_eq!(shown["total"], keys.len(), "{shown}");
        keys
    }

    pub(super) fn listed(&self, id: &str) -> Value {
        let mut keys = self.list();
        keys.retain(|key| key["id"] == id);
        assert_eq!(keys.len(), 1, "the key is listed {} times", keys.len());
        keys.remove(0)
    }

    pub(super) fn use_key(&self, key: &str, body: &Value) -> Response {
        let request = Request::post_json(KEY_ROUTE, body).bearer(key);
        let answer = self.shared.portal(self.profile, |portal| portal.send(&request));
        canary::plant_url(&answer.portal_url());
        answer
    }

    pub(super) fn status(&self, key: &str) -> u16 {
        self.use_key(key, &json!({})).status
    }

    pub(super) fn wait_until_rejected(&self, key: &str) {
        for profile in [self.profile, "impatient"] {
            let client = Client { profile, ..*self };
            let ended =
                poll::within(PROPAGATION_LIMIT, || (client.status(key) == 401).then_some(()));
            assert!(ended.is_some(), "the key is still accepted after 5 s on {profile}");
        }
    }
}

pub(super) fn client<'a>(shared: &'a SharedFixture, profile: &'a str, user: &'a str) -> Client<'a> {
    Client { shared, profile, user }
}

pub(super) fn created(answer: &Response) -> Value {
    assert_eq!(answer.status, 201, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["success"], true);
    for name in ["message", "warning"] {
        assert!(
            body[name].as_str().is_some_and(|text| !text.is_empty()),
            "`{name}` is missing in {body}"
        );
    }
    body["apiKey"].clone()
}

pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("`{name}` is not a string in {value}"))
}
