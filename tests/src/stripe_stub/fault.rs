//! What can go wrong at Stripe or on the way, each nameable so that a data file can script it.

use std::str::FromStr;
use std::time::Duration;

use serde_json::Value;

/// How the stub treats one request. Parsed from a name by [`Fault::from_name`].
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Fault {
    /// `ok`: no fault. It behaves.
    #[default]
    None,
    /// `<status>[:<code>[:<param>]]`, then any of `+retry`, `+no-retry` (`Stripe-Should-Retry`) and `+after=<seconds>`
    /// (`Retry-After`): an error in Stripe's envelope. For instance `500`, `429:lock_timeout`, `400:resource_missing:customer`,
    /// `503+no-retry+after=7`.
    Error(ErrorAnswer),
    /// `no-portal-configuration`: Stripe's 400 where the portal's settings were never saved.
    NoPortalConfiguration,
    /// `leaky`: a 400 whose message holds the key, another key, a session's URL, and control characters.
    Leaky,
    /// `html:<status>`: an HTML page with this status, as a proxy in between gives.
    Html(u16),
    /// `delay:<milliseconds>`: waits, then behaves.
    Delay(Duration),
    /// `stall`: takes the request and never answers.
    Stall,
    /// `reset`: closes the connection before any answer.
    Reset,
    /// `reset-after-head`, `reset-after-head:<status>`: sends the head (200 by default), then closes.
    ResetAfterHead(u16),
    /// `truncated`, `truncated:<status>`: sends half of the body, then closes.
    Truncated(u16),
    /// `stall-after-head`: sends the head of a 200, then nothing more.
    StallAfterHead,
    /// `oversize`: a session of more than 1 MiB, with its length declared.
    Oversize,
    /// `oversize-chunked`: the same in chunks, no length declared.
    OversizeChunked,
    /// `redirect`, `redirect:<status>`: a redirect (302 by default) to this same stub.
    Redirect(u16),
    /// `session:<variant>`: an answer that is no session, by one of the variants below.
    Session(SessionVariant),
    /// `answer:<pointer>=<JSON>`, `answer-without:<pointer>`: what was asked for, with something else in a place (RFC 6901), or
    /// without it. For instance `answer:/livemode=true`.
    Changed(String, Option<Value>),
}

/// An error answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorAnswer {
    /// The status.
    pub status: u16,
    /// The envelope's `code`.
    pub code: Option<String>,
    /// The envelope's `param`.
    pub param: Option<String>,
    /// `Stripe-Should-Retry`.
    pub should_retry: Option<bool>,
    /// `Retry-After` in seconds.
    pub retry_after: Option<u32>,
}

/// What is wrong with a session that the stub gives, named by `session:<name>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionVariant {
    /// `created`: all right, but with status 201.
    Created,
    /// `content-type`: sent as `text/html`.
    ContentType,
    /// `no-content-type`.
    NoContentType,
    /// `not-json`: sent as JSON, and is none.
    NotJson,
    /// `empty`: no body at all.
    Empty,
    /// `array`: a JSON array of a session's values.
    Array,
    /// `customer`: for another customer.
    Customer,
    /// `no-customer`.
    NoCustomer,
    /// `livemode`: of the other mode.
    Livemode,
    /// `no-livemode`.
    NoLivemode,
    /// `object`: of another type.
    Object,
    /// `http-url`: a plain http URL.
    HttpUrl,
    /// `loopback-http-url`: a plain http URL on loopback.
    LoopbackHttpUrl,
    /// `user-url`: a URL with a user name.
    UserUrl,
    /// `not-a-url`.
    NotAUrl,
    /// `url-twice`.
    UrlTwice,
    /// `no-url`.
    NoUrl,
    /// `null-url`.
    NullUrl,
    /// `unknown-field`: all right, with fields that no schema knows.
    UnknownField,
    /// `charset`: all right, as `application/json; charset=utf-8` in capitals.
    Charset,
}

/// No fault has this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultNameError(String);

impl Fault {
    /// The fault of this name; the names stand at the variants.
    ///
    /// # Errors
    /// [`FaultNameError`] where no fault has this name.
    pub fn from_name(name: &str) -> Result<Self, FaultNameError> {
        let unknown = || FaultNameError(name.to_owned());
        if name.starts_with(|first: char| first.is_ascii_digit()) {
            return error(name).map(Self::Error).ok_or_else(unknown);
        }
        let (kind, argument) =
            name.split_once(':').map_or((name, None), |(kind, argument)| (kind, Some(argument)));
        let status = |default: u16| {
            argument.map_or(Some(default), |text| text.parse().ok()).ok_or_else(unknown)
        };
        Ok(match (kind, argument) {
            ("ok", None) => Self::None,
            ("no-portal-configuration", None) => Self::NoPortalConfiguration,
            ("leaky", None) => Self::Leaky,
            ("html", Some(_)) => Self::Html(status(0)?),
            ("delay", Some(time)) => {
                Self::Delay(Duration::from_millis(time.parse().map_err(|_| unknown())?))
            }
            ("stall", None) => Self::Stall,
            ("stall-after-head", None) => Self::StallAfterHead,
            ("reset", None) => Self::Reset,
            ("reset-after-head", _) => Self::ResetAfterHead(status(200)?),
            ("truncated", _) => Self::Truncated(status(200)?),
            ("oversize", None) => Self::Oversize,
            ("oversize-chunked", None) => Self::OversizeChunked,
            ("redirect", _) => Self::Redirect(status(302)?),
            ("answer", Some(change)) => {
                let (pointer, value) = change.split_once('=').ok_or_else(unknown)?;
                Self::Changed(
                    pointer.to_owned(),
                    Some(serde_json::from_str(value).map_err(|_| unknown())?),
                )
            }
            ("answer-without", Some(pointer)) => Self::Changed(pointer.to_owned(), None),
            ("session", Some(variant)) => Self::Session(variant.parse().map_err(|()| unknown())?),
            _ => return Err(unknown()),
        })
    }
}

fn error(name: &str) -> Option<ErrorAnswer> {
    let mut flags = name.split('+');
    let mut parts = flags.next()?.splitn(3, ':');
    let mut answer = ErrorAnswer {
        status: parts.next()?.parse().ok().filter(|status| (100..=999).contains(status))?,
        code: parts.next().filter(|code| !code.is_empty()).map(str::to_owned),
        param: parts.next().map(str::to_owned),
        should_retry: None,
        retry_after: None,
    };
    for flag in flags {
        match flag {
            "retry" => answer.should_retry = Some(true),
            "no-retry" => answer.should_retry = Some(false),
            _ => answer.retry_after = Some(flag.strip_prefix("after=")?.parse().ok()?),
        }
    }
    Some(answer)
}

impl FromStr for SessionVariant {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Ok(match name {
            "created" => Self::Created,
            "content-type" => Self::ContentType,
            "no-content-type" => Self::NoContentType,
            "not-json" => Self::NotJson,
            "empty" => Self::Empty,
            "array" => Self::Array,
            "customer" => Self::Customer,
            "no-customer" => Self::NoCustomer,
            "livemode" => Self::Livemode,
            "no-livemode" => Self::NoLivemode,
            "object" => Self::Object,
            "http-url" => Self::HttpUrl,
            "loopback-http-url" => Self::LoopbackHttpUrl,
            "user-url" => Self::UserUrl,
            "not-a-url" => Self::NotAUrl,
            "url-twice" => Self::UrlTwice,
            "no-url" => Self::NoUrl,
            "null-url" => Self::NullUrl,
            "unknown-field" => Self::UnknownField,
            "charset" => Self::Charset,
            _ => return Err(()),
        })
    }
}

impl std::fmt::Display for FaultNameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "no fault is called {:?}", self.0)
    }
}

impl std::error::Error for FaultNameError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_name_has_status_code_param_and_flags() {
        let fault = Fault::from_name(
            "400:resource_missing:flow_data[subscription_cancel][subscription]+no-retry+after=7",
        );
        let expected = ErrorAnswer {
            status: 400,
            code: Some("resource_missing".to_owned()),
            param: Some("flow_data[subscription_cancel][subscription]".to_owned()),
            should_retry: Some(false),
            retry_after: Some(7),
        };
        assert_eq!(fault, Ok(Fault::Error(expected)));
    }

    #[test]
    fn unknown_fault_name_is_rejected() {
        for bad in [
            "",
            "okay",
            "500+maybe",
            "99",
            "delay",
            "delay:soon",
            "session:",
            "html",
            "truncated:x",
            "answer:/x",
            "answer:/x=y",
        ] {
            assert!(Fault::from_name(bad).is_err(), "{bad}");
        }
    }
}
