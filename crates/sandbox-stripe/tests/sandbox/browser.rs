//! A minimal browser for forms without scripts: hidden fields, submitting, redirects.

#![expect(clippy::expect_used, clippy::panic, reason = "a failure of a test tool fails the test")]

use crate::support::{Reply, Running};

/// The demo's ids are the same in every sandbox.
pub(crate) const SUBSCRIPTION: &str = "sub_1SandboxDemoSubscription1";
pub(crate) const BUSINESS_MONTHLY: &str = "price_1SandboxDemoBizMonthly01";

/// A form on a page.
pub(crate) struct Form {
    pub(crate) action: String,
    pub(crate) hidden: Vec<(String, String)>,
}

impl Form {
    /// Returns the page's form with an action that ends with `ending`.
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
        panic!("no form has an action ending with {ending}:\n{}", page.body)
    }

    /// Returns the encoded form body with the filled-in fields.
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
    /// Submits a form with a browser's headers.
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

    /// Opens a page, fills in its form and submits it.
    pub(crate) async fn fill(&self, address: &str, filled: &[(&str, &str)]) -> Reply {
        let page = self.page(address, &[]).await;
        assert_eq!(page.status, 200, "{address}: {}", page.body);
        let path = address.split('?').next().expect("path");
        let ending = path.rsplit_once('/').expect("path").1.to_owned();
        self.submit(&Form::find(&page, &format!("/{ending}")), filled).await
    }

    /// Follows a redirect.
    pub(crate) async fn follow(&self, reply: &Reply) -> Reply {
        assert_eq!(reply.status, 303, "{}", reply.body);
        self.page(reply.header("Location").expect("location"), &[]).await
    }

    /// Reads a text field of an object through the API.
    pub(crate) async fn api_text(&self, path: &str, pointer: &str) -> Option<String> {
        let object = self.get(path).await.json();
        object.pointer(pointer).and_then(|value| value.as_str()).map(str::to_owned)
    }
}

/// Returns the filled-in fields of the card form.
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

/// Decodes the escapes of an attribute value.
pub(crate) fn text(escaped: &str) -> String {
    [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")]
        .iter()
        .fold(escaped.to_owned(), |text, (escape, character)| text.replace(escape, character))
}
