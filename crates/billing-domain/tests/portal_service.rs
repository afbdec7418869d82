//! [`PortalService`] on mock ports: the order of its checks, and its calls.

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

fn request() -> OpenPortal {
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

/// Mock ports that expect only the calls that every request makes.
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
        request: OpenPortal,
    ) -> Result<PortalSession, PortalError> {
        self.service().open(principal, request).await
    }
}

/// Ports with a linked customer that the provider does not know.
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
async fn provider_is_not_called_without_link_and_claimed_customer() {
    let open = CustomerClaim {
        key: "k".parse().unwrap(),
        customer: None,
        claimed_at: Timestamp::from_millis(1),
    };
    for claim in [None, Some(open)] {
        let mut ports = Ports::new();
        ports.customers.expect_find().times(1).returning(|_, _| Ok(None));
        ports.claims.expect_find().times(1).return_once(|_, _| Ok(claim));
        let refused = ports.open(&principal(), request()).await;
        assert!(matches!(refused, Err(PortalError::NoBillingAccount { .. })));
    }
}

#[tokio::test]
async fn invalid_request_fails_before_customer_lookup() {
    let invalid = |change: fn(&mut OpenPortal)| {
        let mut invalid = request();
        change(&mut invalid);
        invalid
    };
    let locale = invalid(|request| request.locale = Some("ko".parse().unwrap()));
    assert!(matches!(
        Ports::new().open(&principal(), locale).await,
        Err(PortalError::Locale(LocaleError::Unsupported))
    ));
    let cancel = |request: &mut OpenPortal| {
        request.flow = Some(PortalFlow::SubscriptionCancel("sub_1".parse().unwrap()));
    };
    let flow = invalid(cancel);
    let refused = Ports::new().open(&principal(), flow).await;
    assert!(matches!(refused, Err(PortalError::UnsupportedFlow(FlowKind::SubscriptionCancel))));
    let url = invalid(|request| request.return_url = Some("https://evil.example/".to_owned()));
    let refused = Ports::new().open(&principal(), url).await;
    assert!(matches!(refused, Err(PortalError::ReturnUrl(ReturnUrlError::OriginNotAllowed))));
    let powerless = Principal { permissions: Permissions::Only(BTreeSet::new()), ..principal() };
    assert!(matches!(
        Ports::new().open(&powerless, request()).await,
        Err(PortalError::PermissionDenied(_))
    ));
}

#[tokio::test]
async fn session_is_returned_after_audit_record() {
    let mut ports = Ports::new().with_customer().with_session();
    ports.audit.expect_append().times(1).returning(|event| {
        assert_eq!((event.action, event.actor), (AuditAction::PortalOpened, Actor::User));
        assert_eq!(event.origin.request_id.as_deref(), Some("r1"));
        assert_eq!(event.customer, Some((account(), "cus_1".parse().unwrap())));
        Ok(())
    });
    let session = ports.open(&principal(), request()).await.unwrap();
    assert!(session.url.expose().ends_with("/x"));
}

#[tokio::test]
async fn session_is_not_returned_when_audit_log_fails() {
    let mut ports = Ports::new().with_customer().with_session();
    ports.audit.expect_append().returning(|_| Err(RepoError::Unavailable("down".into())));
    assert!(matches!(
        ports.open(&principal(), request()).await,
        Err(PortalError::Store(RepoError::Unavailable(_)))
    ));
}

#[tokio::test]
async fn unknown_customer_is_reported_and_is_no_billing_account() {
    let mut ports = unknown_customer();
    ports.inbox.expect_accept().times(1).returning(|at, event, now| {
        assert_eq!((at, now), (&account(), Timestamp::from_millis(1)));
        assert_eq!(event.subject, EventSubject::Customer("cus_1".parse().unwrap()));
        Ok(())
    });
    let refused = ports.open(&principal(), request()).await;
    assert!(matches!(refused, Err(PortalError::NoBillingAccount { context }) if context == "gone"));
}

#[tokio::test]
async fn failed_report_changes_context_and_keeps_error() {
    let mut ports = unknown_customer();
    ports.inbox.expect_accept().returning(|_, _, _| Err(RepoError::Unavailable("down".into())));
    let refused = ports.open(&principal(), request()).await;
    let Err(PortalError::NoBillingAccount { context }) = refused else { panic!("{refused:?}") };
    assert!(context.starts_with("gone; the report failed: "), "{context}");
    assert!(context.ends_with("down"), "{context}");
}
