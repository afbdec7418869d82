//! `provider-stripe` recovers from each transient fault of the sandbox and reports persistent ones.

use std::time::{Duration, Instant};

use billing_domain::ports::{BillingProvider, ProviderError};
use billing_domain::{Deadline, PortalRequest};
use provider_stripe::{StripeProvider, StripeSettings};
use reqwest::Client;
use sandbox_stripe::{Sandbox, SandboxSettings};
use serde_json::Value;
use workspace_tests::exchanges;

const KEY: &str = "sk_test_SandboxFaults01";

struct Fixture {
    provider: StripeProvider,
    customer: String,
    base: String,
    client: Client,
}

async fn fixture() -> Fixture {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let listen = ([127, 0, 0, 1], 0).into();
    let record = exchanges::folder();
    let sandbox = Sandbox::bind(SandboxSettings { listen, record, ..SandboxSettings::default() })
        .await
        .unwrap();
    let base = sandbox.base_url().to_owned();
    let customer = sandbox.seed_demo().unwrap().customer;
    tokio::spawn(sandbox.serve(std::future::pending()));
    let provider = StripeProvider::new(StripeSettings::sandbox(&base, KEY).unwrap()).unwrap();
    Fixture { provider, customer, base, client: Client::builder().no_proxy().build().unwrap() }
}

impl Fixture {
    /// Scripts a fault for the next `times` session creations.
    async fn fault(&self, fault: &str, times: u32) {
        let form =
            format!("fault={fault}&times={times}&method=POST&path=/v1/billing_portal/sessions");
        let request =
            self.client.post(format!("{}/sandbox/faults", self.base)).bearer_auth(KEY).body(form);
        request.send().await.unwrap().error_for_status().unwrap();
    }

    async fn pending(&self) -> usize {
        let request = self.client.get(format!("{}/sandbox/faults", self.base)).bearer_auth(KEY);
        let answer: Value =
            serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap();
        answer["data"].as_array().unwrap().len()
    }

    async fn open(&self) -> Result<(), ProviderError> {
        let request = PortalRequest {
            customer: self.customer.parse().unwrap(),
            return_url: None,
            locale: None,
            flow: None,
            deadline: Deadline::at(Instant::now() + Duration::from_secs(60)),
        };
        let session = self.provider.create_portal_session(&request).await?;
        let page = self.client.get(session.url.expose()).send().await.unwrap();
        assert_eq!(page.status(), 200);
        Ok(())
    }
}

#[tokio::test]
async fn portal_session_opens_after_each_transient_fault() {
    let fixture = fixture().await;
    for fault in
        ["delay=200", "status=429:lock_timeout", "status=500", "drop", "drop=after", "truncate"]
    {
        fixture.fault(fault, 1).await;
        fixture.open().await.unwrap_or_else(|error| panic!("{fault}: {error}"));
        assert_eq!(fixture.pending().await, 0, "{fault} was not used");
    }
}

#[tokio::test]
async fn portal_session_is_unavailable_when_the_fault_persists() {
    let fixture = fixture().await;
    for fault in ["status=429", "status=429:lock_timeout", "status=500", "drop", "truncate"] {
        fixture.fault(fault, 20).await;
        let outcome = fixture.open().await;
        assert!(matches!(outcome, Err(ProviderError::Unavailable { .. })), "{fault}: {outcome:?}");
        let request =
            fixture.client.delete(format!("{}/sandbox/faults", fixture.base)).bearer_auth(KEY);
        request.send().await.unwrap().error_for_status().unwrap();
    }
}
