//! A fixture for purchases: the embedded default, which is a service with a Stripe sandbox.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use url::form_urlencoded::Serializer;

use crate::database::{Database, Store};
use crate::portal::Portal;
use crate::process::{Finished, Launch};
use crate::response::Response;
use crate::wire::Request;
use crate::{canary, poll};

/// A card whose payments succeed.
pub const GOOD_CARD: &str = "4242424242424242";
/// A card that is declined.
pub const DECLINED_CARD: &str = "4000000000000002";
/// The sandbox accepts any test key.
const SANDBOX_KEY: &str = "sk_test_fixture0000001";
/// The route that creates checkout sessions.
pub const CHECKOUT: &str = "/api/v1/subscriptions/checkout";
/// The route that returns the current subscription.
pub const CURRENT: &str = "/api/v1/subscriptions/current";
/// The route that creates portal sessions.
pub const PORTAL: &str = "/api/v1/subscriptions/portal";
/// The route that receives webhook events.
pub const WEBHOOKS: &str = "/api/v1/webhooks/stripe";

/// A running service with its sandbox. Dropping it stops the service.
#[derive(Debug)]
pub struct SandboxFixture {
    /// The running service.
    pub portal: Portal,
    /// The sandbox's address.
    pub sandbox: SocketAddr,
    settings: Vec<(String, String)>,
    folder: TempDir,
    /// A database other than the embedded default's. It is dropped after the service.
    database: Option<Database>,
}

impl SandboxFixture {
    /// Starts a service in a new folder with these additional settings.
    ///
    /// # Panics
    /// When the service does not start.
    #[must_use]
    pub fn start(settings: &[(&str, &str)]) -> Self {
        Self::start_in(tempfile::tempdir().expect("a temporary folder"), settings, None)
    }

    /// Starts a service on this store: the embedded default's SQLite file, or a new Postgres
    /// database.
    ///
    /// # Panics
    /// When the service does not start.
    #[must_use]
    pub fn start_on(store: Store, settings: &[(&str, &str)]) -> Self {
        if store == Store::Sqlite {
            return Self::start(settings);
        }
        let database = Database::create(store);
        let url = database.url().to_owned();
        let on_it = [
            ("BILLING_PROVIDER", "sandbox"),
            ("BILLING_DATABASE_URL", &url),
            ("BILLING_AUTO_MIGRATE", "true"),
        ];
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self::start_in(folder, &[&on_it, settings].concat(), Some(database))
    }

    fn start_in(folder: TempDir, settings: &[(&str, &str)], database: Option<Database>) -> Self {
        let mut all =
            vec![("BILLING_LISTEN", "127.0.0.1:0"), ("BILLING_ADMIN_LISTEN", "127.0.0.1:0")];
        all.extend(settings);
        let settings: Vec<(String, String)> =
            all.into_iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        let portal =
            Portal::start_ready(&launch(folder.path(), &settings, &[]).secrets_on_stdout());
        let text = poll::until("the banner", || {
            let text = portal.process.stdout();
            (text.ends_with('\n') && text.contains("curl ")).then_some(text)
        });
        let rest = text.split_once("Sandbox   http://").expect("the sandbox's address").1;
        let sandbox = rest.split_once("/\n").expect("a slash").0.parse().expect("an address");
        Self { portal, sandbox, settings, folder, database }
    }

    /// Kills the process, which includes the sandbox, and starts it again in the same folder.
    #[must_use]
    pub fn kill_and_restart(self) -> Self {
        let Self { portal, settings, folder, database, .. } = self;
        portal.process.signal(rustix::process::Signal::KILL);
        let _ = portal.process.finish();
        let settings: Vec<(&str, &str)> =
            settings.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        Self::start_in(folder, &settings[2..], database)
    }

    /// Runs a command of the binary while the service runs.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Finished {
        launch(self.folder.path(), &self.settings, arguments).secrets_on_stdout().run()
    }

    /// Returns the working folder of the commands.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Creates an access token for a user.
    ///
    /// # Panics
    /// When the command fails.
    #[must_use]
    pub fn token(&self, user: &str) -> String {
        let minted =
            self.command(&["token", "mint", "--user", user, "--ttl", "1h", "--json"]).json();
        let token = minted["token"].as_str().expect("a token").to_owned();
        canary::plant_token(&token);
        token
    }

    /// Requests a checkout session.
    #[must_use]
    pub fn checkout(&self, token: &str, body: &Value) -> Response {
        self.portal.send(&Request::post_json(CHECKOUT, body).bearer(token))
    }

    /// Requests a checkout session for a monthly plan and returns the page's URL.
    ///
    /// # Panics
    /// When the request fails.
    #[must_use]
    pub fn checkout_url(&self, token: &str, plan: &str) -> String {
        let answer = self.checkout(token, &json!({ "planId": plan }));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["url"].as_str().expect("a url").to_owned()
    }

    /// Submits the form of a checkout page, like a browser without scripts. Returns the response.
    ///
    /// # Panics
    /// When the URL does not open a page.
    #[must_use]
    pub fn pay(&self, page: &str, card: &str) -> Response {
        pay(self.sandbox, page, card)
    }

    /// Buys a monthly plan.
    ///
    /// # Panics
    /// When the payment does not redirect.
    pub fn buy(&self, token: &str, plan: &str) {
        let paid = self.pay(&self.checkout_url(token, plan), GOOD_CARD);
        assert_eq!(paid.status, 303, "{}", paid.text());
    }

    /// Returns the user's current subscription as the service reports it.
    ///
    /// # Panics
    /// When the request fails.
    #[must_use]
    pub fn current(&self, token: &str) -> Value {
        let answer = self.portal.send(&Request::get(CURRENT).bearer(token));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// Requests a portal session.
    #[must_use]
    pub fn open_portal(&self, token: &str) -> Response {
        self.portal.send(&Request::new("POST", PORTAL).bearer(token))
    }

    /// Returns the customer that a user is linked to.
    ///
    /// # Panics
    /// When the user has no link.
    #[must_use]
    pub fn customer(&self, user: &str) -> String {
        let shown = self.command(&["customers", "show", "--user", user, "--json"]).json();
        shown["customers"][0]["customer"].as_str().expect("a customer").to_owned()
    }

    /// Calls the sandbox's API or its control API.
    ///
    /// # Panics
    /// When the call fails.
    #[must_use]
    pub fn stripe(&self, method: &str, path: &str, form: &[(&str, &str)]) -> Value {
        call(self.sandbox, method, path, form)
    }
}

/// Submits the form of a checkout page, like a browser without scripts. Returns the response.
///
/// # Panics
/// When the URL does not open a page.
#[must_use]
pub fn pay(sandbox: SocketAddr, page: &str, card: &str) -> Response {
    let path =
        page.strip_prefix(&format!("http://{}", sandbox)).expect("the page is the sandbox's");
    let shown = Request::get(path).header("accept", "text/html").send(sandbox).expect("a page");
    assert_eq!(shown.status, 200, "{}", shown.text());
    let mut form = hidden_fields(&shown.text());
    let typed = [
        ("email", "buyer@example.com"),
        ("card-number", card),
        ("card-expiry", "12 / 40"),
        ("card-cvc", "123"),
        ("card-name", "A Buyer"),
    ];
    form.extend(typed.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let cookies = shown.all("set-cookie").into_iter().filter_map(|cookie| cookie.split(';').next());
    let cookies = cookies.collect::<Vec<_>>().join("; ");
    let body = Serializer::new(String::new()).extend_pairs(form).finish();
    let mut post = Request::new("POST", path)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", format!("http://{}", sandbox));
    if !cookies.is_empty() {
        post = post.header("cookie", cookies);
    }
    post.body(body).send(sandbox).expect("an answer")
}

/// Calls a sandbox's API or its control API.
///
/// # Panics
/// When the call fails.
#[must_use]
pub fn call(sandbox: SocketAddr, method: &str, path: &str, form: &[(&str, &str)]) -> Value {
    let body = Serializer::new(String::new()).extend_pairs(form).finish();
    let (target, body) = match method {
        "POST" => (path.to_owned(), Some(body)),
        _ if form.is_empty() => (path.to_owned(), None),
        _ => (format!("{path}?{body}"), None),
    };
    let mut request = Request::new(method, target).bearer(SANDBOX_KEY);
    if let Some(body) = body {
        request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
    }
    let answer = request.send(sandbox).expect("the sandbox responds");
    assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text());
    answer.json()
}

fn launch(folder: &Path, settings: &[(String, String)], arguments: &[&str]) -> Launch {
    settings
        .iter()
        .fold(Launch::new(folder, arguments), |launch, (name, value)| launch.env(name, value))
}

/// Returns the hidden fields of a page's first form.
fn hidden_fields(page: &str) -> Vec<(String, String)> {
    let inputs =
        page.split("<input ").skip(1).map(|rest| rest.split('>').next().unwrap_or_default());
    let attribute = |input: &str, name: &str| {
        let rest = input.split_once(&format!("{name}=\""))?.1;
        Some(rest.split_once('"')?.0.to_owned())
    };
    inputs
        .filter(|input| input.contains("type=\"hidden\""))
        .filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?)))
        .collect()
}
