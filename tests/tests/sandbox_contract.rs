//! `provider-stripe` against `sandbox-stripe`: the ports' contracts on the production code path.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use billing_domain::ports::{
    BillingProvider, CheckoutProvider, CustomerDirectory, SubscriptionReader,
};
use billing_domain::{
    BillingCycle, CustomerId, PortalSession, PriceId, ProviderPrice, SubscriptionId,
};
use billing_testkit::billing_account_world::{BillingAccountWorld, End, Prices};
use billing_testkit::provider_contract::{Population, ProviderWorld};
use provider_stripe::{StripeProvider, StripeSettings};
use reqwest::{Client, Method};
use sandbox_stripe::{Demo, Sandbox, SandboxSettings};
use serde_json::Value;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use workspace_tests::exchanges;

billing_testkit::provider_contract!(sandbox_world);
billing_testkit::checkout_provider_contract!(account_world);
billing_testkit::subscription_reader_contract!(account_world);
billing_testkit::customer_directory_contract!(account_world);

const KEY: &str = "sk_test_SandboxContract01";

struct SandboxWorld {
    provider: StripeProvider,
    calls: Arc<AtomicUsize>,
    browser: Client,
    population: Population,
}

/// A sandbox with customers, prices and subscriptions.
struct AccountWorld {
    provider: StripeProvider,
    calls: Arc<AtomicUsize>,
    client: Client,
    base: String,
    prices: Prices,
    /// The cards by customer.
    cards: Mutex<HashMap<CustomerId, String>>,
}

async fn bind() -> Sandbox {
    let listen = ([127, 0, 0, 1], 0).into();
    let record = exchanges::folder();
    Sandbox::bind(SandboxSettings { listen, record, ..SandboxSettings::default() }).await.unwrap()
}

async fn sandbox_world() -> (Box<dyn ProviderWorld>, ()) {
    let sandbox = bind().await;
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

    /// Reads the return link from the portal's page.
    async fn return_link(&self, session: &PortalSession) -> Option<String> {
        let page =
            self.browser.get(session.url.expose()).send().await.unwrap().text().await.unwrap();
        let (_, link) = page.split_once("class=\"return\" href=\"")?;
        let (href, _) = link.split_once('"')?;
        Some(html_text(href))
    }

    fn secrets(&self) -> Vec<String> {
        vec![KEY.to_owned()]
    }
}

async fn account_world() -> (Box<dyn BillingAccountWorld>, ()) {
    let sandbox = bind().await;
    let base = sandbox.base_url().to_owned();
    let address = sandbox.local_addr().to_string();
    tokio::spawn(sandbox.serve(std::future::pending()));
    let (relay, calls) = counting_relay(address).await;
    let client = http_client();
    let prices = stock(&Api { client: &client, base: &base }).await;
    let provider = StripeProvider::new(StripeSettings::sandbox(&relay, KEY).unwrap()).unwrap();
    (Box::new(AccountWorld { provider, calls, client, base, prices, cards: Mutex::default() }), ())
}

async fn stock(api: &Api<'_>) -> Prices {
    let product = api.call(Method::POST, "/v1/products", "name=Plan").await;
    let make = async |interval: &str, amount: u64, cycle: BillingCycle, active: bool| {
        let form = format!(
            "product={product}&currency=usd&unit_amount={amount}&recurring[interval]={interval}"
        );
        let id = api.call(Method::POST, "/v1/prices", &form).await;
        if !active {
            api.call(Method::POST, &format!("/v1/prices/{id}"), "active=false").await;
        }
        let facts = ProviderPrice {
            amount: Some(amount),
            currency: "usd".parse().unwrap(),
            cycle: Some(cycle),
            active,
        };
        (id.parse::<PriceId>().unwrap(), facts)
    };
    Prices {
        monthly: make("month", 900, BillingCycle::Monthly, true).await,
        yearly: make("year", 9000, BillingCycle::Yearly, true).await,
        archived: make("month", 800, BillingCycle::Monthly, false).await,
        unknown: "price_NeverHeardOf1".parse().unwrap(),
    }
}

impl AccountWorld {
    const fn api(&self) -> Api<'_> {
        Api { client: &self.client, base: self.base.as_str() }
    }

    /// Returns the customer's card. Attaches one if the customer has none.
    async fn card(&self, customer: &CustomerId) -> String {
        let mut cards = self.cards.lock().await;
        if !cards.contains_key(customer) {
            let form = format!("customer={customer}");
            let card = self
                .api()
                .call(Method::POST, "/v1/payment_methods/pm_card_visa/attach", &form)
                .await;
            cards.insert(customer.clone(), card);
        }
        cards[customer].clone()
    }
}

#[async_trait]
impl BillingAccountWorld for AccountWorld {
    fn checkout(&self) -> &dyn CheckoutProvider {
        &self.provider
    }

    fn reader(&self) -> &dyn SubscriptionReader {
        &self.provider
    }

    fn directory(&self) -> &dyn CustomerDirectory {
        &self.provider
    }

    fn prices(&self) -> Prices {
        self.prices.clone()
    }

    async fn was_called(&self) -> bool {
        self.calls.load(Ordering::SeqCst) > 0
    }

    async fn add_customer(&self, owner: Option<&str>, email: Option<&str>) -> CustomerId {
        let fields = [("metadata[user_id]", owner), ("email", email)];
        let form: Vec<String> = fields
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", value?)))
            .collect();
        self.api().call(Method::POST, "/v1/customers", &form.join("&")).await.parse().unwrap()
    }

    async fn delete_customer(&self, customer: &CustomerId) {
        self.api().call(Method::DELETE, &format!("/v1/customers/{customer}"), "").await;
    }

    async fn subscribe(&self, customer: &CustomerId, price: &PriceId) -> SubscriptionId {
        let card = self.card(customer).await;
        let form =
            format!("customer={customer}&items[0][price]={price}&default_payment_method={card}");
        self.api().call(Method::POST, "/v1/subscriptions", &form).await.parse().unwrap()
    }

    async fn cancel(&self, subscription: &SubscriptionId, end: End) {
        let path = format!("/v1/subscriptions/{subscription}");
        match end {
            End::Now => self.api().call(Method::DELETE, &path, "").await,
            End::WithThePeriod => {
                self.api().call(Method::POST, &path, "cancel_at_period_end=true").await
            }
        };
    }

    fn secrets(&self) -> Vec<String> {
        vec![KEY.to_owned()]
    }
}

/// A client of the sandbox's API.
struct Api<'a> {
    client: &'a Client,
    base: &'a str,
}

impl Api<'_> {
    /// Calls an operation and returns the id of the object in the response.
    async fn call(&self, method: Method, path: &str, form: &str) -> String {
        let request = self.client.request(method, format!("{}{path}", self.base)).bearer_auth(KEY);
        let request = request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.to_owned());
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

/// Starts a proxy to this address that counts its connections.
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

/// Creates a client for plain HTTP on loopback, which trusts no TLS certificate.
fn http_client() -> Client {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    let tls = tls.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    Client::builder().tls_backend_preconfigured(tls).no_proxy().build().unwrap()
}

/// Decodes the template's escapes in an attribute.
fn html_text(escaped: &str) -> String {
    [
        ("&#38;", "&"),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&#34;", "\""),
        ("&quot;", "\""),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(escaped.to_owned(), |text, (escape, character)| text.replace(escape, character))
}
