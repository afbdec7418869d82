//! [`PortalService`] over scripted ports: the order of its checks, and what it calls.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use billing_domain::ports::{
    MockAuditLog, MockBillingMirror, MockBillingProvider, MockClock, MockCustomerClaims,
    MockCustomerRepo, MockEventInbox, MockSubscriptionReader, ProviderError, RepoError,
};
use billing_domain::*;

const EN: LocaleSupport = LocaleSupport { auto: None, tags: &["en"] };

fn account() -> ProviderAccount {
    ProviderAccount::new("stripe".parse().unwrap(), Mode::Test)
}

fn capabilities() -> Capabilities {
    Capabilities {
        return_url: true,
        locales: EN,
        flows: BTreeSet::from([FlowKind::PaymentMethodUpdate]),
        expiry: false,
    }
}

fn principal() -> Principal {
    Principal {
        owner: "u1".parse().unwrap(),
        method: AuthMethod::AccessToken,
        permissions: Permissions::All,
        return_origins: vec![],
    }
}

fn order() -> OpenPortal {
    OpenPortal {
        return_url: None,
        locale: None,
        flow: None,
        deadline: Deadline::at(Instant::now() + Duration::from_secs(5)),
        origin: RequestOrigin {
            request_id: Some("r1".to_owned()),
            source: Some("192.0.2.1".to_owned()),
        },
    }
}

/// Ports of which nothing is expected but what every call may ask.
struct Ports {
    customers: MockCustomerRepo,
    claims: MockCustomerClaims,
    mirror: MockBillingMirror,
    inbox: MockEventInbox,
    provider: MockBillingProvider,
    audit: MockAuditLog,
}

impl Ports {
    fn new() -> Self {
        let mut provider = MockBillingProvider::new();
        provider.expect_account().return_const(account());
        provider.expect_capabilities().returning(capabilities);
        Self {
            customers: MockCustomerRepo::new(),
            claims: MockCustomerClaims::new(),
            mirror: MockBillingMirror::new(),
            inbox: MockEventInbox::new(),
            provider,
            audit: MockAuditLog::new(),
        }
    }

    fn with_customer(mut self) -> Self {
        self.customers.expect_find().returning(|_, _| Ok(Some("cus_1".parse().unwrap())));
        self
    }

    fn with_session(mut self) -> Self {
        self.provider.expect_create_portal_session().times(1).returning(|_| {
            let url = "https://billing.stripe.com/p/session/x".parse().unwrap();
            Ok(PortalSession { url, id: None, expires_at: None })
        });
        self
    }

    fn service(self) -> PortalService {
        let dashboard = ReturnUrl::configured("https://app.example.com/").unwrap();
        let policy = ReturnUrlPolicy::new(dashboard, vec![], Mode::Test).unwrap();
        let ports = AccountPorts {
            reader: Arc::new(MockSubscriptionReader::new()),
            mirror: Arc::new(self.mirror),
            customers: Arc::new(self.customers),
            claims: Arc::new(self.claims),
            inbox: Arc::new(self.inbox),
            clock: clock(),
        };
        let accounts = BillingAccounts::new(account(), ports);
        PortalService::new(accounts, Arc::new(self.provider), Arc::new(self.audit), clock(), policy)
    }

    async fn open(
        self,
        principal: &Principal,
        order: OpenPortal,
    ) -> Result<PortalSession, PortalError> {
        self.service().open(principal, order).await
    }
}

/// A linked customer that the provider does not know.
fn unknown_customer() -> Ports {
    let mut ports = Ports::new().with_customer();
    let gone =
        |_: &PortalRequest| Err(ProviderError::CustomerNotFound { context: "gone".to_owned() });
    ports.provider.expect_create_portal_session().times(1).returning(gone);
    ports.mirror.expect_find().times(1).returning(|_, _| Ok(None));
    ports
}

fn clock() -> Arc<MockClock> {
    let mut clock = MockClock::new();
    clock.expect_now().return_const(Timestamp::from_millis(1));
    Arc::new(clock)
}

#[tokio::test]
async fn without_a_link_and_a_claim_to_a_customer_the_provider_is_never_called() {
    let open = CustomerClaim {
        key: "k".parse().unwrap(),
        customer: None,
        claimed_at: Timestamp::from_millis(1),
    };
    for claim in [None, Some(open)] {
        let mut ports = Ports::new();
        ports.customers.expect_find().times(1).returning(|_, _| Ok(None));
        ports.claims.expect_find().times(1).return_once(|_, _| Ok(claim));
        let refused = ports.open(&principal(), order()).await;
        assert!(matches!(refused, Err(PortalError::NoBillingAccount { .. })));
    }
}

#[tokio::test]
async fn what_the_caller_got_wrong_is_found_before_the_customer_is_looked_up() {
    let wrong = |change: fn(&mut OpenPortal)| {
        let mut wrong = order();
        change(&mut wrong);
        wrong
    };
    let locale = wrong(|order| order.locale = Some("ko".parse().unwrap()));
    assert!(matches!(
        Ports::new().open(&principal(), locale).await,
        Err(PortalError::Locale(LocaleError::Unsupported))
    ));
    let flow =
        wrong(|order| order.flow = Some(PortalFlow::SubscriptionCancel("sub_1".parse().unwrap())));
    let refused = Ports::new().open(&principal(), flow).await;
    assert!(matches!(refused, Err(PortalError::UnsupportedFlow(FlowKind::SubscriptionCancel))));
    let url = wrong(|order| order.return_url = Some("https://evil.example/".to_owned()));
    let refused = Ports::new().open(&principal(), url).await;
    assert!(matches!(refused, Err(PortalError::ReturnUrl(ReturnUrlError::OriginNotAllowed))));
    let nobody = Principal { permissions: Permissions::Only(BTreeSet::new()), ..principal() };
    assert!(matches!(
        Ports::new().open(&nobody, order()).await,
        Err(PortalError::PermissionDenied(_))
    ));
}

#[tokio::test]
async fn a_session_is_handed_out_once_the_audit_log_has_it() {
    let mut ports = Ports::new().with_customer().with_session();
    ports.audit.expect_append().times(1).returning(|event| {
        assert_eq!((event.action, event.actor), (AuditAction::PortalOpened, Actor::User));
        assert_eq!(event.origin.request_id.as_deref(), Some("r1"));
        assert_eq!(event.customer, Some((account(), "cus_1".parse().unwrap())));
        Ok(())
    });
    let session = ports.open(&principal(), order()).await.unwrap();
    assert!(session.url.expose().ends_with("/x"));
}

#[tokio::test]
async fn a_session_that_cannot_be_written_down_is_not_handed_out() {
    let mut ports = Ports::new().with_customer().with_session();
    ports.audit.expect_append().returning(|_| Err(RepoError::Unavailable("down".into())));
    assert!(matches!(
        ports.open(&principal(), order()).await,
        Err(PortalError::Store(RepoError::Unavailable(_)))
    ));
}

#[tokio::test]
async fn a_customer_that_the_provider_does_not_know_is_reported_and_no_billing_account() {
    let mut ports = unknown_customer();
    ports.inbox.expect_accept().times(1).returning(|at, event, now| {
        assert_eq!((at, now), (&account(), Timestamp::from_millis(1)));
        assert_eq!(event.subject, EventSubject::Customer("cus_1".parse().unwrap()));
        Ok(())
    });
    let refused = ports.open(&principal(), order()).await;
    assert!(matches!(refused, Err(PortalError::NoBillingAccount { context }) if context == "gone"));
}

#[tokio::test]
async fn a_report_that_cannot_be_stored_changes_the_context_and_not_the_answer() {
    let mut ports = unknown_customer();
    ports.inbox.expect_accept().returning(|_, _, _| Err(RepoError::Unavailable("down".into())));
    let refused = ports.open(&principal(), order()).await;
    let Err(PortalError::NoBillingAccount { context }) = refused else { panic!("{refused:?}") };
    assert!(context.starts_with("gone; the report failed: "), "{context}");
    assert!(context.ends_with("down"), "{context}");
}
