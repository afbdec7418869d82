//! Typed reading of parameters. Errors are Stripe's, with the bracketed parameter name.

mod values;
mod words;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use url::Url;

pub(crate) use self::values::Patch;
use self::values::TimeRange;
use self::words::{closest, enumerate};
use super::error::{ApiError, excerpt};
use super::form::Node;
use crate::model::Metadata;

/// The largest amount: twelve digits, Stripe's limit for the currencies with the smallest units
/// (<https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>).
pub(crate) const MAX_AMOUNT: i64 = 999_999_999_999;

/// The largest quantity; our limit.
pub(crate) const MAX_QUANTITY: i64 = 999_999;

/// The parameters of a request or of an object inside it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params {
    /// The bracketed name of the object; empty for the request itself.
    prefix: String,
    nodes: BTreeMap<String, Node>,
}

impl Params {
    pub(crate) fn new(nodes: BTreeMap<String, Node>) -> Self {
        Self { prefix: String::new(), nodes }
    }

    /// Returns the name as the client wrote it: `flow_data[type]`.
    pub(crate) fn name(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}[{name}]", self.prefix) }
    }

    /// Refuses parameters that are not in `known`. A parameter in `unsimulated` gets an error of
    /// its own: Stripe supports it and the sandbox does not simulate it.
    pub(crate) fn expect(&self, known: &[&str], unsimulated: &[&str]) -> Result<(), ApiError> {
        let unknown: Vec<&str> = self
            .nodes
            .keys()
            .map(String::as_str)
            .filter(|name| !known.contains(name) && !unsimulated.contains(name))
            .collect();
        if let Some(first) = unknown.first() {
            let names: Vec<String> = unknown.iter().map(|name| excerpt(&self.name(name))).collect();
            let plural = if names.len() == 1 { "" } else { "s" };
            let hint = closest(first, known)
                .map_or(String::new(), |name| format!(". Did you mean {name}?"));
            return Err(ApiError::invalid(
                Some("parameter_unknown"),
                names[0].clone(),
                format!("Received unknown parameter{plural}: {}{hint}", names.join(", ")),
            ));
        }
        match unsimulated.iter().find(|name| self.nodes.contains_key(**name)) {
            Some(name) => {
                let name = self.name(name);
                let message = format!(
                    "Stripe knows the parameter {name}, but this sandbox does not simulate it."
                );
                Err(ApiError::invalid(None, name, message))
            }
            None => Ok(()),
        }
    }

    /// Returns whether the parameter is given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.nodes.contains_key(name)
    }

    /// Returns whether a parameter other than these is given.
    pub(crate) fn has_other_than(&self, names: &[&str]) -> bool {
        self.nodes.keys().any(|name| !names.contains(&name.as_str()))
    }

    /// Reads an optional text; refuses an empty one.
    pub(crate) fn text(
        &mut self,
        name: &str,
        max_length: usize,
    ) -> Result<Option<String>, ApiError> {
        match self.patch(name, max_length)? {
            Patch::Keep => Ok(None),
            Patch::Set(text) => Ok(Some(text)),
            Patch::Clear => Err(self.empty(name)),
        }
    }

    /// Reads a required text.
    pub(crate) fn required_text(
        &mut self,
        name: &str,
        max_length: usize,
    ) -> Result<String, ApiError> {
        self.text(name, max_length)?.ok_or_else(|| self.absent(name))
    }

    /// Reads a text that an empty value clears.
    pub(crate) fn patch(
        &mut self,
        name: &str,
        max_length: usize,
    ) -> Result<Patch<String>, ApiError> {
        match self.nodes.remove(name) {
            None => Ok(Patch::Keep),
            Some(Node::Parts(_)) => {
                Err(ApiError::invalid(None, self.name(name), "Invalid string: {...}"))
            }
            Some(Node::Text(text)) if text.is_empty() => Ok(Patch::Clear),
            Some(Node::Text(text)) if text.chars().count() > max_length => Err(ApiError::invalid(
                None,
                self.name(name),
                format!(
                    "Invalid string: {}; must be at most {max_length} characters",
                    excerpt(&text)
                ),
            )),
            Some(Node::Text(text)) => Ok(Patch::Set(text)),
        }
    }

    /// Reads one of the words.
    pub(crate) fn choice(
        &mut self,
        name: &str,
        words: &[&'static str],
    ) -> Result<Option<&'static str>, ApiError> {
        let Some(text) = self.text(name, 5_000)? else { return Ok(None) };
        match words.iter().find(|word| **word == text) {
            Some(word) => Ok(Some(word)),
            None => {
                let name = self.name(name);
                let message = format!("Invalid {name}: must be one of {}", enumerate(words));
                Err(ApiError::invalid(None, name, message))
            }
        }
    }

    /// Reads a whole number.
    pub(crate) fn integer(&mut self, name: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.text(name, 5_000)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| {
            ApiError::invalid(
                Some("parameter_invalid_integer"),
                self.name(name),
                format!("Invalid integer: {}", excerpt(&text)),
            )
        })
    }

    /// Reads `true` or `false`.
    pub(crate) fn boolean(&mut self, name: &str) -> Result<Option<bool>, ApiError> {
        let Some(text) = self.text(name, 5_000)? else { return Ok(None) };
        match text.as_str() {
            "true" => Ok(Some(true)),
            "false" => Ok(Some(false)),
            _ => {
                let message = format!("Invalid boolean: {}", excerpt(&text));
                Err(ApiError::invalid(None, self.name(name), message))
            }
        }
    }

    /// Reads an absolute http or https URL.
    pub(crate) fn url(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        let Some(text) = self.text(name, 5_000)? else { return Ok(None) };
        let fits = Url::parse(&text)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if fits && !text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            Ok(Some(text))
        } else {
            Err(ApiError::invalid(Some("url_invalid"), self.name(name), "Not a valid URL"))
        }
    }

    /// Reads an absolute http or https URL that an empty text clears.
    pub(crate) fn url_patch(&mut self, name: &str) -> Result<Patch<String>, ApiError> {
        if self.clears(name) {
            return Ok(Patch::Clear);
        }
        Ok(self.url(name)?.map_or(Patch::Keep, Patch::Set))
    }

    /// Reads an object.
    pub(crate) fn object(&mut self, name: &str) -> Result<Option<Self>, ApiError> {
        match self.nodes.remove(name) {
            None => Ok(None),
            Some(Node::Parts(nodes)) => Ok(Some(Self { prefix: self.name(name), nodes })),
            Some(Node::Text(_)) => Err(ApiError::invalid(None, self.name(name), "Invalid object")),
        }
    }

    /// Reads a required object.
    pub(crate) fn required_object(&mut self, name: &str) -> Result<Self, ApiError> {
        self.object(name)?.ok_or_else(|| self.absent(name))
    }

    /// Reads an object that an empty text clears.
    pub(crate) fn object_patch(&mut self, name: &str) -> Result<Patch<Self>, ApiError> {
        if self.clears(name) {
            return Ok(Patch::Clear);
        }
        Ok(self.object(name)?.map_or(Patch::Keep, Patch::Set))
    }

    /// Reads a list of objects.
    pub(crate) fn objects(&mut self, name: &str) -> Result<Option<Vec<Self>>, ApiError> {
        let Some(elements) = self.elements(name)? else { return Ok(None) };
        elements
            .into_iter()
            .map(|(prefix, node)| match node {
                Node::Parts(nodes) => Ok(Self { prefix, nodes }),
                Node::Text(_) => Err(ApiError::invalid(None, prefix, "Invalid object")),
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// Reads a list of texts.
    pub(crate) fn texts(&mut self, name: &str) -> Result<Option<Vec<String>>, ApiError> {
        let Some(elements) = self.elements(name)? else { return Ok(None) };
        elements
            .into_iter()
            .map(|(prefix, node)| match node {
                Node::Text(text) => Ok(text),
                Node::Parts(_) => Err(ApiError::invalid(None, prefix, "Invalid string: {...}")),
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// Reads a list of texts that an empty text clears.
    pub(crate) fn texts_patch(&mut self, name: &str) -> Result<Patch<Vec<String>>, ApiError> {
        if self.clears(name) {
            return Ok(Patch::Clear);
        }
        Ok(self.texts(name)?.map_or(Patch::Keep, Patch::Set))
    }

    /// Reads a list of objects that an empty text clears.
    pub(crate) fn objects_patch(&mut self, name: &str) -> Result<Patch<Vec<Self>>, ApiError> {
        if self.clears(name) {
            return Ok(Patch::Clear);
        }
        Ok(self.objects(name)?.map_or(Patch::Keep, Patch::Set))
    }

    /// Reads a whole number from 0 to `max`.
    pub(crate) fn amount(&mut self, name: &str, max: i64) -> Result<Option<i64>, ApiError> {
        self.integer_in(name, 0..=max)
    }

    /// Reads a whole number within the bounds.
    pub(crate) fn integer_in(
        &mut self,
        name: &str,
        bounds: RangeInclusive<i64>,
    ) -> Result<Option<i64>, ApiError> {
        match self.integer(name)? {
            Some(number) if !bounds.contains(&number) => Err(ApiError::invalid(
                Some("parameter_invalid_integer"),
                self.name(name),
                format!("Invalid integer: must be from {} to {}", bounds.start(), bounds.end()),
            )),
            number => Ok(number),
        }
    }

    /// Applies changes to metadata. An empty value removes its key; an empty `metadata` removes all
    /// (<https://docs.stripe.com/api/metadata>: 50 keys of 40 characters, values of 500).
    pub(crate) fn metadata(&mut self, into: &mut Metadata) -> Result<(), ApiError> {
        let mut parts = match self.object_patch("metadata")? {
            Patch::Keep => return Ok(()),
            Patch::Clear => {
                into.clear();
                return Ok(());
            }
            Patch::Set(parts) => parts,
        };
        let keys: Vec<String> = parts.nodes.keys().cloned().collect();
        for key in keys {
            if key.chars().count() > 40 {
                let message =
                    format!("Metadata keys can be at most 40 characters: {}", excerpt(&key));
                return Err(ApiError::invalid(None, self.name("metadata"), message));
            }
            match parts.patch(&key, 500)? {
                Patch::Keep => {}
                Patch::Clear => {
                    into.remove(&key);
                }
                Patch::Set(value) => {
                    into.insert(key, value);
                }
            }
        }
        if into.len() > 50 {
            return Err(ApiError::invalid(None, "metadata", "Metadata can have at most 50 keys"));
        }
        Ok(())
    }

    /// Reads a time or a range of times.
    pub(crate) fn time_range(&mut self, name: &str) -> Result<TimeRange, ApiError> {
        if matches!(self.nodes.get(name), Some(Node::Text(_))) {
            let time = self.integer(name)?;
            return Ok(TimeRange { from: time, to: time });
        }
        let Some(mut range) = self.object(name)? else { return Ok(TimeRange::default()) };
        range.expect(&["gt", "gte", "lt", "lte"], &[])?;
        let above = range.integer("gt")?.map(|time| time.saturating_add(1));
        let below = range.integer("lt")?.map(|time| time.saturating_sub(1));
        let from = range.integer("gte")?;
        let to = range.integer("lte")?;
        Ok(TimeRange { from: above.max(from), to: below.into_iter().chain(to).min() })
    }

    /// Returns the error for a missing required parameter.
    pub(crate) fn absent(&self, name: &str) -> ApiError {
        let name = self.name(name);
        let message = format!("Missing required param: {name}.");
        ApiError::invalid(Some("parameter_missing"), name, message)
    }

    /// Removes the parameter if it is an empty text, and returns whether it was.
    fn clears(&mut self, name: &str) -> bool {
        let clears = self.nodes.get(name) == Some(&Node::Text(String::new()));
        if clears {
            self.nodes.remove(name);
        }
        clears
    }

    fn empty(&self, name: &str) -> ApiError {
        let name = self.name(name);
        let message = format!(
            "You passed an empty string for '{name}'. An empty value unsets a parameter, and \
            '{name}' cannot be unset: leave it out or give it a value."
        );
        ApiError::invalid(Some("parameter_invalid_empty"), name, message)
    }

    /// Reads the elements of a list with their bracketed names, sorted by index.
    fn elements(&mut self, name: &str) -> Result<Option<Vec<(String, Node)>>, ApiError> {
        let bracketed = self.name(name);
        let Some(node) = self.nodes.remove(name) else { return Ok(None) };
        let invalid = || ApiError::invalid(None, bracketed.clone(), "Invalid array");
        let Node::Parts(parts) = node else { return Err(invalid()) };
        let mut elements = parts
            .into_iter()
            .map(|(key, node)| {
                key.parse::<usize>().map(|index| (index, node)).map_err(|_| invalid())
            })
            .collect::<Result<Vec<_>, _>>()?;
        elements.sort_by_key(|(index, _)| *index);
        Ok(Some(
            elements
                .into_iter()
                .map(|(index, node)| (format!("{bracketed}[{index}]"), node))
                .collect(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(text: &str) -> Params {
        let mut nodes = BTreeMap::new();
        super::super::form::parse(text.as_bytes(), &mut nodes).expect("parameters");
        Params::new(nodes)
    }

    #[test]
    fn an_unknown_parameter_is_reported_with_brackets_and_a_suggestion() {
        let error = params("custmer=1").expect(&["customer", "locale"], &[]).expect_err("unknown");
        assert_eq!(error.code, Some("parameter_unknown"));
        assert_eq!(error.message, "Received unknown parameter: custmer. Did you mean customer?");
        let mut outer = params("flow_data[typo]=1&flow_data[zzzzzzzzz]=2");
        let inner = outer.object("flow_data").expect("object").expect("given");
        let error = inner.expect(&["type"], &[]).expect_err("unknown");
        assert_eq!(error.param.as_deref(), Some("flow_data[typo]"));
        assert!(
            error
                .message
                .starts_with("Received unknown parameters: flow_data[typo], flow_data[zzzzzzzzz]")
        );
    }

    #[test]
    fn an_unsimulated_parameter_is_refused_by_name() {
        let error = params("tax[x]=1").expect(&["name"], &["tax"]).expect_err("not simulated");
        assert_eq!(error.param.as_deref(), Some("tax"));
        assert!(error.message.contains("does not simulate"));
    }

    #[test]
    fn wrong_types_and_values_are_refused() {
        let bad = |error: ApiError| (error.code, error.param.unwrap_or_default());
        assert_eq!(bad(params("a[b]=1").text("a", 9).expect_err("text")), (None, "a".to_owned()));
        assert_eq!(bad(params("a=1").object("a").expect_err("object")), (None, "a".to_owned()));
        assert_eq!(bad(params("a=x").texts("a").expect_err("list")), (None, "a".to_owned()));
        assert_eq!(bad(params("a[x]=1").texts("a").expect_err("list")), (None, "a".to_owned()));
        assert_eq!(
            bad(params("a=1.5").integer("a").expect_err("integer")),
            (Some("parameter_invalid_integer"), "a".to_owned())
        );
        assert_eq!(
            bad(params("a=").text("a", 9).expect_err("empty")).0,
            Some("parameter_invalid_empty")
        );
        let error = params("a=x").choice("a", &["p", "q", "r"]).expect_err("word");
        assert_eq!(error.message, "Invalid a: must be one of p, q, or r");
    }

    #[test]
    fn only_web_urls_are_urls() {
        for good in ["https://example.com/a?b=c", "http://127.0.0.1:3000/"] {
            let text: String = url::form_urlencoded::byte_serialize(good.as_bytes()).collect();
            assert_eq!(params(&format!("u={text}")).url("u").expect("fine").as_deref(), Some(good));
        }
        for bad in [
            "example.com",
            "/path",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://",
            "https://a b",
        ] {
            let text: String = url::form_urlencoded::byte_serialize(bad.as_bytes()).collect();
            let error = params(&format!("u={text}")).url("u").expect_err(bad);
            assert_eq!(
                (error.code, error.param.as_deref()),
                (Some("url_invalid"), Some("u")),
                "{bad}"
            );
        }
    }

    #[test]
    fn metadata_is_merged_and_cleared() {
        let mut metadata =
            Metadata::from([("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]);
        params("metadata[a]=&metadata[c]=3").metadata(&mut metadata).expect("fine");
        assert_eq!(metadata.keys().collect::<Vec<_>>(), ["b", "c"]);
        params("metadata=").metadata(&mut metadata).expect("fine");
        assert!(metadata.is_empty());
    }

    #[test]
    fn time_ranges_honour_inclusive_and_exclusive_bounds() {
        let range = params("t[gt]=5&t[lte]=9").time_range("t").expect("range");
        assert_eq!([5, 6, 9, 10].map(|time| range.contains(time)), [false, true, true, false]);
        let exact = params("t=5").time_range("t").expect("time");
        assert_eq!([4, 5, 6].map(|time| exact.contains(time)), [false, true, false]);
        assert!(params("").time_range("t").expect("none").contains(0));
    }
}
