//! `provider-stripe` against the strict stub: the port's contract, and the requests that Stripe
//! receives.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use billing_domain::ports::{BillingProvider, CheckoutProvider, ProviderError};
use billing_domain::{
    CheckoutOrder, Deadline, PortalFlow, PortalRequest, PortalSession, ReturnUrl,
};
use billing_testkit::provider_contract::{Population, ProviderWorld};
use provider_stripe::{SETTINGS, StripeProvider, StripeSettings};
use tracing_subscriber::fmt::MakeWriter;
use workspace_tests::stripe_stub::{
    API_VERSION, CONFIGURATION, CUSTOMER, DELETED_CUSTOMER, Fault, MONTHLY_PRICE, OTHER_CUSTOMER,
    RecordedRequest, SUBSCRIPTION, StripeStub,
};

billing_testkit::provider_contract!(stub_world);

struct StubWorld {
    stub: StripeStub,
    provider: StripeProvider,
}

async fn stub_world() -> (Box<dyn ProviderWorld>, ()) {
    let stub = StripeStub::start().await;
    let provider = provider(&stub, &[]);
    (Box::new(StubWorld { stub, provider }), ())
}

#[async_trait]
impl ProviderWorld for StubWorld {
    fn provider(&self) -> &dyn BillingProvider {
        &self.provider
    }

    fn population(&self) -> Population {
        Population {
            customer: CUSTOMER.parse().unwrap(),
            subscription: SUBSCRIPTION.parse().unwrap(),
            other_customer: OTHER_CUSTOMER.parse().unwrap(),
            deleted_customer: DELETED_CUSTOMER.parse().unwrap(),
            unknown_customer: "cus_NeverHeardOf01".parse().unwrap(),
            unknown_subscription: "sub_NeverHeardOf01".parse().unwrap(),
        }
    }

    async fn was_called(&self) -> bool {
        !self.stub.requests().is_empty()
    }

    /// The cases call this after each session, so the last request created it.
    async fn return_link(&self, _: &PortalSession) -> Option<String> {
        let request = self.stub.requests().pop()?;
        let after_flow = request.field("flow_data[after_completion][redirect][return_url]");
        let return_url = request.field("return_url").map(str::to_owned);
        assert!(after_flow.is_none() || after_flow == return_url.as_deref());
        return_url
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.stub.secret_key().to_owned()]
    }
}

/// Creates a provider `stripe` for this stub with additional settings.
fn provider(stub: &StripeStub, more: &[(&str, &str)]) -> StripeProvider {
    let (base, key) = (stub.base_url(), stub.secret_key().to_owned());
    let mut pairs = vec![("STRIPE_API_BASE", base.as_str()), ("STRIPE_SECRET_KEY", key.as_str())];
    pairs.extend(more);
    let settings = StripeSettings::read(&mut |name| {
        assert!(SETTINGS.contains(&name));
        pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    });
    StripeProvider::new(settings.unwrap()).unwrap()
}

fn order() -> PortalRequest {
    PortalRequest {
        customer: CUSTOMER.parse().unwrap(),
        return_url: Some(ReturnUrl::configured("https://app.example.com/billing").unwrap()),
        locale: None,
        flow: None,
        deadline: Deadline::at(Instant::now() + Duration::from_secs(15)),
    }
}

async fn one_request(more: &[(&str, &str)], order: PortalRequest) -> RecordedRequest {
    let stub = StripeStub::start().await;
    provider(&stub, more).create_portal_session(&order).await.unwrap();
    let mut requests = stub.requests();
    assert_eq!(requests.len(), 1);
    requests.remove(0)
}

#[tokio::test]
async fn p1_stripe_version_is_pinned() {
    let request = one_request(&[], order()).await;
    assert_eq!(request.header("stripe-version"), Some(API_VERSION));
    assert_eq!(provider_stripe::API_VERSION, API_VERSION);
}

#[tokio::test]
async fn p1_user_agent_is_billing_portal() {
    let request = one_request(&[], order()).await;
    let (name, version) = request.header("user-agent").unwrap().split_once('/').unwrap();
    assert_eq!(name, "billing-portal");
    assert!(version.starts_with(|first: char| first.is_ascii_digit()));
}

#[tokio::test]
async fn p1_two_requests_have_different_idempotency_keys() {
    let stub = StripeStub::start().await;
    let provider = provider(&stub, &[]);
    for _ in 0..3 {
        provider.create_portal_session(&order()).await.unwrap();
    }
    let requests = stub.requests();
    let mut keys: Vec<&str> =
        requests.iter().map(|request| request.idempotency_key().unwrap()).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 3);
}

#[tokio::test]
async fn h3_flow_is_sent_with_its_subscription_and_return_url() {
    let flow = PortalFlow::SubscriptionUpdate(SUBSCRIPTION.parse().unwrap());
    let request = one_request(
        &[("STRIPE_PORTAL_CONFIGURATION", CONFIGURATION)],
        PortalRequest { flow: Some(flow), ..order() },
    )
    .await;
    let expected = [
        ("customer", CUSTOMER),
        ("return_url", "https://app.example.com/billing"),
        ("configuration", CONFIGURATION),
        ("flow_data[type]", "subscription_update"),
        ("flow_data[subscription_update][subscription]", SUBSCRIPTION),
        ("flow_data[after_completion][type]", "redirect"),
        ("flow_data[after_completion][redirect][return_url]", "https://app.example.com/billing"),
    ];
    assert_eq!(request.form, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[tokio::test]
async fn s3_live_key_selects_live_mode() {
    let stub = StripeStub::start_live().await;
    let provider = provider(&stub, &[]);
    assert_eq!(provider.account().to_string(), "stripe (live mode)");
    provider.create_portal_session(&order()).await.unwrap();
}

#[tokio::test]
async fn p2_unfinished_tls_handshake_counts_as_no_connection() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let base = format!("https://{}", listener.local_addr().unwrap());
    let accepted = Arc::new(Mutex::new(Vec::new()));
    let held = Arc::clone(&accepted);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            held.lock().unwrap().push(stream);
        }
    });
    let provider =
        StripeProvider::new(StripeSettings::sandbox(&base, "sk_test_handshake").unwrap()).unwrap();
    let error = provider.create_portal_session(&order()).await.unwrap_err();
    assert!(
        matches!(&error, ProviderError::Unavailable { context, .. } if context.contains("no connection")),
        "{error:?}"
    );
    assert_eq!(accepted.lock().unwrap().len(), 3);
}

/// All trace output, at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn h4_log_and_error_contain_neither_key_nor_url() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(log.clone());
    // Global subscriber: a thread-local one would race with other tests for each event's first use.
    tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
    let stub = StripeStub::start().await;
    let provider = provider(&stub, &[]);
    let mut error_text = String::new();
    for script in [
        &["ok"][..],
        &["leaky"],
        &["409", "truncated", "leaky"],
        &["session:http-url"],
        &["session:url-twice"],
    ] {
        script.iter().for_each(|fault| stub.push(Fault::from_name(fault).unwrap()));
        let result = provider.create_portal_session(&order()).await;
        write!(error_text, "{result:?}").unwrap();
        if let Err(error) = result {
            write!(error_text, "{error}").unwrap();
        }
    }
    let checkout = CheckoutOrder {
        customer: CUSTOMER.parse().unwrap(),
        owner: "ann".parse().unwrap(),
        price: MONTHLY_PRICE.parse().unwrap(),
        success_url: ReturnUrl::configured("https://app.example.com/done").unwrap(),
        cancel_url: ReturnUrl::configured("https://app.example.com/pricing").unwrap(),
        key: "order-key-1".parse().unwrap(),
        deadline: Deadline::at(Instant::now() + Duration::from_secs(15)),
    };
    for script in [
        &["leaky"][..],
        &["answer:/url=\"http://checkout.stripe.com/c/pay/Plain0123456789\""],
        &["truncated"],
    ] {
        script.iter().for_each(|fault| stub.push(Fault::from_name(fault).unwrap()));
        let result = provider.create_checkout_session(&checkout).await;
        write!(error_text, "{result:?}").unwrap();
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        log.contains("called the provider")
            && log.contains("latency_ms")
            && log.contains("req_Stub"),
        "{log}"
    );
    assert!(error_text.contains("code=leaky") && error_text.contains("[masked]"), "{error_text}");
    let secrets = [
        "Other0123456789",
        "Hook0123456789",
        "Leaked0123456789",
        "Plain0123456789",
        stub.secret_key(),
    ];
    for secret in stub.issued_urls().iter().map(String::as_str).chain(secrets) {
        let token = secret.rsplit('/').next().unwrap();
        assert!(
            !log.contains(token) && !error_text.contains(token),
            "{token} in {log} {error_text}"
        );
    }
}
