//! `provider-stripe` against `sandbox-stripe`: the port's contract, on the same code path as in production.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use billing_domain::PortalSession;
use billing_domain::ports::BillingProvider;
use billing_testkit::provider_contract::{Population, ProviderWorld};
use provider_stripe::{StripeProvider, StripeSettings};
use reqwest::{Client, Method};
use sandbox_stripe::{Demo, Sandbox, SandboxSettings};
use serde_json::Value;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use workspace_tests::exchanges;

billing_testkit::provider_contract!(sandbox_world);

const KEY: &str = "sk_test_SandboxContract01";

struct SandboxWorld {
    provider: StripeProvider,
    calls: Arc<AtomicUsize>,
    browser: Client,
    population: Population,
}

async fn sandbox_world() -> (Box<dyn ProviderWorld>, ()) {
    let listen = ([127, 0, 0, 1], 0).into();
    let record = exchanges::folder();
    let sandbox = Sandbox::bind(SandboxSettings { listen, record, ..SandboxSettings::default() }).await.unwrap();
    let base = sandbox.base_url().to_owned();
    let demo = sandbox.seed_demo().unwrap();
    let address = sandbox.local_addr().to_string();
    tokio::spawn(sandbox.serve(std::future::pending()));
    let (relay, calls) = counting_relay(address).await;
    let browser = http_client();
    let population = populate(&Api { client: &browser, base: &base }, demo).await;
    let provider = StripeProvider::new(StripeSettings::sandbox(&relay, KEY).unwrap()).unwrap();
    (Box::new(SandboxWorld { provider, calls, browser, population }), ())
}

#[async_trait]
impl ProviderWorld for SandboxWorld {
    fn provider(&self) -> &dyn BillingProvider {
        &self.provider
    }

    fn population(&self) -> Population {
        self.population.clone()
    }

    async fn was_called(&self) -> bool {
        self.calls.load(Ordering::SeqCst) > 0
    }

    /// What a browser finds on the portal's page.
    async fn return_link(&self, session: &PortalSession) -> Option<String> {
        let page = self.browser.get(session.url.expose()).send().await.unwrap().text().await.unwrap();
        let (_, link) = page.split_once("class=\"return\" href=\"")?;
        let (href, _) = link.split_once('"')?;
        Some(html_text(href))
    }

    fn secrets(&self) -> Vec<String> {
        vec![KEY.to_owned()]
    }
}

/// The sandbox's API, as its other clients use it.
struct Api<'a> {
    client: &'a Client,
    base: &'a str,
}

impl Api<'_> {
    /// Calls an operation and gives the id of the object answered.
    async fn call(&self, method: Method, path: &str, form: &str) -> String {
        let request = self.client.request(method, format!("{}{path}", self.base)).bearer_auth(KEY);
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form.to_owned());
        let response = request.send().await.unwrap();
        let (status, body) = (response.status(), response.text().await.unwrap());
        assert!(status.is_success(), "{path}: {body}");
        let object: Value = serde_json::from_str(&body).unwrap();
        object["id"].as_str().unwrap().to_owned()
    }

    async fn customer(&self, name: &str) -> String {
        self.call(Method::POST, "/v1/customers", &format!("name={name}")).await
    }
}

async fn populate(api: &Api<'_>, demo: Demo) -> Population {
    let other = api.customer("Other").await;
    let deleted = api.customer("Deleted").await;
    api.call(Method::DELETE, &format!("/v1/customers/{deleted}"), "").await;
    Population {
        customer: demo.customer.parse().unwrap(),
        subscription: demo.subscription.parse().unwrap(),
        other_customer: other.parse().unwrap(),
        deleted_customer: deleted.parse().unwrap(),
        unknown_customer: "cus_NeverHeardOf01".parse().unwrap(),
        unknown_subscription: "sub_NeverHeardOf01".parse().unwrap(),
    }
}

/// Passes connections on to this address and counts them.
async fn counting_relay(to: String) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let to = to.clone();
            tokio::spawn(async move {
                let mut server = TcpStream::connect(to).await?;
                copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    (base, count)
}

/// A client for plain http on loopback; the TLS that it could do trusts nobody.
fn http_client() -> Client {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let tls = tls.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    Client::builder().tls_backend_preconfigured(tls).no_proxy().build().unwrap()
}

/// The text of an attribute, with the escapes that templates make.
fn html_text(escaped: &str) -> String {
    [("&#38;", "&"), ("&#39;", "'"), ("&#x27;", "'"), ("&#34;", "\""), ("&quot;", "\""), ("&amp;", "&")]
        .iter()
        .fold(escaped.to_owned(), |text, (escape, character)| text.replace(escape, character))
}
