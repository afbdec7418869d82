//! As much of a browser as forms without script need: hidden fields, submitting, following.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "what a test's own tools cannot do fails the test"
)]

use crate::support::{Reply, Running};

/// Like the schema's, the demo's ids are the same in every sandbox.
pub(crate) const SUBSCRIPTION: &str = "sub_1SandboxDemoSubscription1";
pub(crate) const BUSINESS_MONTHLY: &str = "price_1SandboxDemoBizMonthly01";

/// A form on a page.
pub(crate) struct Form {
    pub(crate) action: String,
    pub(crate) hidden: Vec<(String, String)>,
}

impl Form {
    /// The form of the page whose address ends so.
    pub(crate) fn find(page: &Reply, ending: &str) -> Self {
        let forms = page.body.split("<form ").skip(1);
        for form in forms {
            let form = form.split("</form>").next().expect("form");
            let action = attribute(form, "action").expect("action");
            if action.ends_with(ending) {
                let inputs = form
                    .split("<input ")
                    .skip(1)
                    .filter(|input| input.starts_with("type=\"hidden\""));
                let hidden = inputs.map(|input| {
                    (
                        attribute(input, "name").expect("name"),
                        attribute(input, "value").expect("value"),
                    )
                });
                return Self { hidden: hidden.collect(), action };
            }
        }
        panic!("no form leads to {ending}:\n{}", page.body)
    }

    /// The body that a browser sends, with what the user fills in.
    pub(crate) fn body(&self, filled: &[(&str, &str)]) -> String {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.hidden {
            if filled.iter().all(|(other, _)| other != name) {
                body.append_pair(name, value);
            }
        }
        body.extend_pairs(filled);
        body.finish()
    }
}

impl Running {
    /// Sends a form as a browser does.
    pub(crate) async fn submit(&self, form: &Form, filled: &[(&str, &str)]) -> Reply {
        self.submit_with(form, filled, &[("Sec-Fetch-Site", "same-origin"), ("Origin", "null")])
            .await
    }

    pub(crate) async fn submit_with(
        &self,
        form: &Form,
        filled: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Reply {
        let own = [("Content-Type", "application/x-www-form-urlencoded")];
        self.send("POST", &form.action, &[&own, headers].concat(), &form.body(filled)).await
    }

    /// Opens a page, finds its form, fills it in and sends it.
    pub(crate) async fn fill(&self, address: &str, filled: &[(&str, &str)]) -> Reply {
        let page = self.page(address, &[]).await;
        assert_eq!(page.status, 200, "{address}: {}", page.body);
        let path = address.split('?').next().expect("path");
        let ending = path.rsplit_once('/').expect("path").1.to_owned();
        self.submit(&Form::find(&page, &format!("/{ending}")), filled).await
    }

    /// The page that an answer leads to.
    pub(crate) async fn follow(&self, reply: &Reply) -> Reply {
        assert_eq!(reply.status, 303, "{}", reply.body);
        self.page(reply.header("Location").expect("location"), &[]).await
    }

    /// A field of an object, as text, read through the API.
    pub(crate) async fn api_text(&self, path: &str, pointer: &str) -> Option<String> {
        let object = self.get(path).await.json();
        object.pointer(pointer).and_then(|value| value.as_str()).map(str::to_owned)
    }
}

/// The fields of the card form.
pub(crate) fn card<'a>(number: &'a str, name: &'a str) -> Vec<(&'static str, &'a str)> {
    vec![
        ("card-number", number),
        ("card-expiry", "12 / 34"),
        ("card-cvc", "123"),
        ("card-name", name),
    ]
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    rest.split_once('"').map(|(value, _)| text(value))
}

/// The text of an attribute, with the escapes that templates make.
pub(crate) fn text(escaped: &str) -> String {
    [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")]
        .iter()
        .fold(escaped.to_owned(), |text, (escape, character)| text.replace(escape, character))
}
