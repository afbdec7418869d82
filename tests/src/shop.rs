//! The embedded default with its whole loop: a service that sells, its sandbox of Stripe, and users who have bought nothing yet.

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

/// A card that pays.
pub const GOOD_CARD: &str = "4242424242424242";
/// A card that is declined.
pub const DECLINED_CARD: &str = "4000000000000002";
/// Any test key opens the sandbox.
const SANDBOX_KEY: &str = "sk_test_shop0000000001";
/// Where the service takes checkouts.
pub const CHECKOUT: &str = "/api/v1/subscriptions/checkout";
/// Where it tells what is subscribed to.
pub const CURRENT: &str = "/api/v1/subscriptions/current";
/// Where it opens the portal.
pub const PORTAL: &str = "/api/v1/subscriptions/portal";
/// Where it takes in events.
pub const WEBHOOKS: &str = "/api/v1/webhooks/stripe";

/// A running shop. It ends when dropped.
#[derive(Debug)]
pub struct Shop {
    /// The service.
    pub portal: Portal,
    /// Its sandbox.
    pub sandbox: SocketAddr,
    settings: Vec<(String, String)>,
    folder: TempDir,
    /// Where it is not the embedded default's own; it goes after the service.
    database: Option<Database>,
}

impl Shop {
    /// Opens one in a folder of its own, with these settings beside the ports.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn open(settings: &[(&str, &str)]) -> Self {
        Self::open_in(tempfile::tempdir().expect("a temporary folder"), settings, None)
    }

    /// Opens one on this store: on SQLite as it comes, on Postgres with a database of its own.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn open_on(store: Store, settings: &[(&str, &str)]) -> Self {
        if store == Store::Sqlite {
            return Self::open(settings);
        }
        let database = Database::create(store);
        let url = database.url().to_owned();
        let on_it = [
            ("BILLING_PROVIDER", "sandbox"),
            ("BILLING_DATABASE_URL", &url),
            ("BILLING_AUTO_MIGRATE", "true"),
        ];
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self::open_in(folder, &[&on_it, settings].concat(), Some(database))
    }

    fn open_in(folder: TempDir, settings: &[(&str, &str)], database: Option<Database>) -> Self {
        let mut all =
            vec![("BILLING_LISTEN", "127.0.0.1:0"), ("BILLING_ADMIN_LISTEN", "127.0.0.1:0")];
        all.extend(settings);
        let settings: Vec<(String, String)> =
            all.into_iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        let portal =
            Portal::start_ready(&launch(folder.path(), &settings, &[]).secrets_on_stdout());
        let text = poll::until("the demo's lines", || {
            let text = portal.process.stdout();
            (text.ends_with('\n') && text.contains("curl ")).then_some(text)
        });
        let rest = text.split_once("Sandbox   http://").expect("the sandbox's address").1;
        let sandbox = rest.split_once("/\n").expect("a slash").0.parse().expect("an address");
        Self { portal, sandbox, settings, folder, database }
    }

    /// Closes it as a crash would, and opens it again in the same folder. The sandbox is in the same process.
    #[must_use]
    pub fn kill_and_reopen(self) -> Self {
        let Self { portal, settings, folder, database, .. } = self;
        portal.process.signal(rustix::process::Signal::KILL);
        let _ = portal.process.finish();
        let settings: Vec<(&str, &str)> =
            settings.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        Self::open_in(folder, &settings[2..], database)
    }

    /// A command of the binary beside the running service.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Finished {
        launch(self.folder.path(), &self.settings, arguments).secrets_on_stdout().run()
    }

    /// The folder that its commands run in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// An access token of this user's.
    ///
    /// # Panics
    /// When the command line refuses.
    #[must_use]
    pub fn token(&self, user: &str) -> String {
        let minted =
            self.command(&["token", "mint", "--user", user, "--ttl", "1h", "--json"]).json();
        let token = minted["token"].as_str().expect("a token").to_owned();
        canary::plant_token(&token);
        token
    }

    /// Asks for a checkout.
    #[must_use]
    pub fn checkout(&self, token: &str, body: &Value) -> Response {
        self.portal.send(&Request::post_json(CHECKOUT, body).bearer(token))
    }

    /// Asks for a checkout of a plan by the month, and takes the page's URL.
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    pub fn page(&self, token: &str, plan: &str) -> String {
        let answer = self.checkout(token, &json!({ "planId": plan }));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["url"].as_str().expect("a url").to_owned()
    }

    /// Pays on a checkout's page.
    ///
    /// # Panics
    /// When the page is none.
    #[must_use]
    pub fn pay(&self, page: &str, card: &str) -> Response {
        pay(self.sandbox, page, card)
    }

    /// Buys a plan by the month.
    ///
    /// # Panics
    /// When the page does not lead on.
    pub fn buy(&self, token: &str, plan: &str) {
        let paid = self.pay(&self.page(token, plan), GOOD_CARD);
        assert_eq!(paid.status, 303, "{}", paid.text());
    }

    /// What the service says the user is subscribed to.
    ///
    /// # Panics
    /// When it does not say.
    #[must_use]
    pub fn current(&self, token: &str) -> Value {
        let answer = self.portal.send(&Request::get(CURRENT).bearer(token));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// Asks for the portal.
    #[must_use]
    pub fn open_portal(&self, token: &str) -> Response {
        self.portal.send(&Request::new("POST", PORTAL).bearer(token))
    }

    /// The customer that a user is linked to.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn customer(&self, user: &str) -> String {
        let shown = self.command(&["customers", "show", "--user", user, "--json"]).json();
        shown["customers"][0]["customer"].as_str().expect("a customer").to_owned()
    }

    /// A call to the sandbox's API, or to what controls it.
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    pub fn stripe(&self, method: &str, path: &str, form: &[(&str, &str)]) -> Value {
        call(self.sandbox, method, path, form)
    }
}

/// Pays on a checkout's page, as a browser does that runs no script: the answer to the form.
///
/// # Panics
/// When the page is none.
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

/// A call to a sandbox's API, or to what controls it.
///
/// # Panics
/// When it is refused.
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
    let answer = request.send(sandbox).expect("the sandbox answers");
    assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text());
    answer.json()
}

fn launch(folder: &Path, settings: &[(String, String)], arguments: &[&str]) -> Launch {
    settings
        .iter()
        .fold(Launch::new(folder, arguments), |launch, (name, value)| launch.env(name, value))
}

/// The hidden fields of a page's first form.
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
