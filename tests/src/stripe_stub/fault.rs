//! Faults of Stripe or the network. Data files script them by name.

use std::str::FromStr;
use std::time::Duration;

use serde_json::Value;

/// The stub's treatment of one request. [`Fault::from_name`] parses it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Fault {
    /// `ok`: no fault.
    #[default]
    None,
    /// `<status>[:<code>[:<param>]]`: an error in Stripe's envelope. Optional suffixes are `+retry`
    /// and `+no-retry` (`Stripe-Should-Retry`) and `+after=<seconds>` (`Retry-After`). Examples:
    /// `500`, `429:lock_timeout`, `400:resource_missing:customer`, `503+no-retry+after=7`.
    Error(ErrorAnswer),
    /// `no-portal-configuration`: Stripe's 400 for an account without saved portal settings.
    NoPortalConfiguration,
    /// `leaky`: a 400 whose message contains the key, another key, a session's URL, and control
    /// characters.
    Leaky,
    /// `html:<status>`: an HTML page with this status, like a proxy's.
    Html(u16),
    /// `delay:<milliseconds>`: waits, then responds without a fault.
    Delay(Duration),
    /// `stall`: reads the request and never responds.
    Stall,
    /// `reset`: closes the connection without a response.
    Reset,
    /// `reset-after-head`, `reset-after-head:<status>`: sends the head (default 200), then closes.
    ResetAfterHead(u16),
    /// `truncated`, `truncated:<status>`: sends half of the body, then closes.
    Truncated(u16),
    /// `stall-after-head`: sends the head of a 200, then nothing more.
    StallAfterHead,
    /// `oversize`: a session larger than 1 MiB, with `Content-Length`.
    Oversize,
    /// `oversize-chunked`: a chunked session larger than 1 MiB.
    OversizeChunked,
    /// `redirect`, `redirect:<status>`: a redirect (default 302) to the same stub.
    Redirect(u16),
    /// `session:<variant>`: a wrong session, by one of the variants below.
    Session(SessionVariant),
    /// `answer:<pointer>=<JSON>`, `answer-without:<pointer>`: the requested object with another
    /// value at a pointer (RFC 6901), or without the value. Example: `answer:/livemode=true`.
    Changed(String, Option<Value>),
}

/// An error response.
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

/// A variant of a session, named by `session:<name>`. All are wrong unless stated otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionVariant {
    /// `created`: status 201.
    Created,
    /// `content-type`: sent as `text/html`.
    ContentType,
    /// `no-content-type`.
    NoContentType,
    /// `not-json`: text that is not JSON, with the media type of JSON.
    NotJson,
    /// `empty`: no body.
    Empty,
    /// `array`: a JSON array of a session's values.
    Array,
    /// `customer`: for another customer.
    Customer,
    /// `no-customer`.
    NoCustomer,
    /// `livemode`: for the other mode.
    Livemode,
    /// `no-livemode`.
    NoLivemode,
    /// `object`: another object type.
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
    /// `unknown-field`: a correct session with unknown fields.
    UnknownField,
    /// `charset`: a correct session as `application/json; charset=utf-8` in capitals.
    Charset,
}

/// The error for an unknown fault name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultNameError(String);

impl Fault {
    /// Parses a fault's name. The variants document the names.
    ///
    /// # Errors
    /// [`FaultNameError`] if the name is unknown.
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
        write!(f, "unknown fault name {:?}", self.0)
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
