//! [`check`] validates a request head before hyper reads it. Both use the same parser (`httparse`),
//! so they read each head in the same way.

use http::Uri;
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::uri::Authority;
use httparse::{EMPTY_HEADER, Error, Header, Request, Status};

use crate::fault::Fault;
use crate::request_id::{RequestId, X_REQUEST_ID};

/// Maximum length of the request target, in bytes.
const MAX_TARGET: usize = 8 * 1024;
/// Maximum length of all header lines in bytes, with names, separators and line ends.
const MAX_HEADER_BYTES: usize = 16 * 1024;
const MAX_HEADERS: usize = 64;
/// Maximum length of the request line in bytes: method, target and version.
const MAX_REQUEST_LINE: usize = MAX_TARGET + 256;
/// Header slots of the parser. Equal to hyper's default, so hyper parses every head that passes.
const SLOTS: usize = 100;

/// Result of checking the bytes at the start of the buffer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The head is incomplete.
    Incomplete,
    /// The head is complete and unambiguous.
    Accepted {
        /// Length in bytes.
        length: usize,
        framing: Framing,
        /// Offsets of the names of `Upgrade` headers.
        upgrades: Vec<usize>,
    },
    Refused(Refusal),
}

/// How the end of the body is determined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    Chunked,
}

/// A refused head.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) fault: Fault,
    pub(super) is_head: bool,
    pub(super) id: Option<RequestId>,
}

impl Refusal {
    pub(super) fn new(fault: Fault) -> Self {
        Self { fault, is_head: false, id: None }
    }

    /// Returns a valid request that replaces the refused one.
    pub(super) fn placeholder(&self) -> String {
        let method = if self.is_head { "HEAD" } else { "GET" };
        let id = self.id.as_ref().map(|id| format!("{X_REQUEST_ID}: {id}\r\n")).unwrap_or_default();
        format!("{method} /.refused HTTP/1.1\r\nhost: refused\r\n{id}\r\n")
    }
}

/// Checks the head at the start of `bytes`. The caller has skipped empty lines before it.
pub(super) fn check(bytes: &[u8]) -> Verdict {
    let mut slots = [EMPTY_HEADER; SLOTS];
    let mut request = Request::new(&mut slots);
    match request.parse(bytes) {
        Ok(Status::Complete(length)) => match validate(&request, bytes, length) {
            Ok(framing) => {
                Verdict::Accepted { length, framing, upgrades: upgrades(&request, bytes) }
            }
            Err(fault) => {
                let is_head = request.method == Some("HEAD");
                Verdict::Refused(Refusal { fault, is_head, id: single_request_id(request.headers) })
            }
        },
        Ok(Status::Partial) => check_partial(request.path, bytes),
        Err(Error::TooManyHeaders) => Verdict::Refused(Refusal::new(Fault::HeadersTooLarge)),
        Err(error) => Verdict::Refused(Refusal::new(bad_head(match error {
            Error::Version => "Use HTTP/1.1.",
            Error::HeaderName | Error::HeaderValue | Error::NewLine => {
                "Send well-formed header lines without line folding."
            }
            _ => "Send a well-formed HTTP/1.1 request line.",
        }))),
    }
}

/// Refuses an incomplete head that already exceeds a limit.
pub(super) fn check_partial(target: Option<&str>, bytes: &[u8]) -> Verdict {
    let line = bytes.iter().position(|byte| *byte == b'\n');
    let fault = match line {
        _ if target.is_some_and(|target| target.len() > MAX_TARGET) => Fault::UriTooLong,
        None if bytes.len() > MAX_REQUEST_LINE => Fault::UriTooLong,
        Some(line) if bytes.len() - line > MAX_HEADER_BYTES => Fault::HeadersTooLarge,
        _ => return Verdict::Incomplete,
    };
    Verdict::Refused(Refusal::new(fault))
}

fn validate(request: &Request<'_, '_>, bytes: &[u8], length: usize) -> Result<Framing, Fault> {
    let target = request.path.unwrap_or_default();
    if target.len() > MAX_TARGET {
        return Err(Fault::UriTooLong);
    }
    let line = bytes.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    if request.headers.len() > MAX_HEADERS || length - line > MAX_HEADER_BYTES {
        return Err(Fault::HeadersTooLarge);
    }
    check_target(request.method.unwrap_or_default(), target)?;
    let is_http_11 = request.version == Some(1);
    check_host(request.headers, is_http_11)?;
    framing(request.headers, is_http_11)
}

/// Accepts the four forms of RFC 9112, 3.2. Rejects fragments, which the `http` crate drops
/// silently.
fn check_target(method: &str, target: &str) -> Result<(), Fault> {
    let malformed = || bad_head("Send a well-formed request target.");
    let uri: Uri = target.parse().map_err(|_| malformed())?;
    let well_formed = match method {
        "CONNECT" => uri.authority().is_some() && uri.scheme().is_none(),
        "OPTIONS" if target == "*" => true,
        _ => {
            target.starts_with('/')
                || uri.scheme_str().is_some_and(|scheme| matches!(scheme, "http" | "https"))
        }
    };
    if well_formed && !target.contains('#') { Ok(()) } else { Err(malformed()) }
}

/// Requires exactly one valid `Host` (RFC 9112, 3.2). It is optional in HTTP/1.0.
fn check_host(headers: &[Header<'_>], is_http_11: bool) -> Result<(), Fault> {
    let mut hosts = values(headers, HOST.as_str());
    match (hosts.next(), hosts.next()) {
        (None, _) if is_http_11 => Err(bad_head("Send a Host header.")),
        (Some(_), Some(_)) => Err(bad_head("Send exactly one Host header.")),
        (Some(host), None) if !is_host(host) => Err(bad_head("Send a well-formed Host header.")),
        _ => Ok(()),
    }
}

fn is_host(value: &[u8]) -> bool {
    value.is_empty()
        || Authority::try_from(value).is_ok_and(|authority| !authority.as_str().contains('@'))
}

/// Reads the framing (RFC 9112, 6). Unlike hyper, it rejects repeated equal lengths and a length
/// with an encoding.
fn framing(headers: &[Header<'_>], is_http_11: bool) -> Result<Framing, Fault> {
    let mut lengths = values(headers, CONTENT_LENGTH.as_str());
    let mut encodings = values(headers, TRANSFER_ENCODING.as_str());
    let (length, encoding) = (lengths.next(), encodings.next());
    if lengths.next().is_some() {
        return Err(bad_head("Send only one Content-Length header."));
    }
    match (length, encoding) {
        (Some(_), Some(_)) => {
            Err(bad_head("Send either Content-Length or Transfer-Encoding, not both."))
        }
        (None, Some(_)) if !is_http_11 => {
            Err(bad_head("Remove Transfer-Encoding or use HTTP/1.1."))
        }
        (None, Some(encoding))
            if encodings.next().is_none() && encoding.eq_ignore_ascii_case(b"chunked") =>
        {
            Ok(Framing::Chunked)
        }
        (None, Some(_)) => Err(bad_head("Use chunked as the only Transfer-Encoding.")),
        (None, None) => Ok(Framing::Length(0)),
        (Some(length), None) => content_length(length),
    }
}

fn content_length(value: &[u8]) -> Result<Framing, Fault> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(bad_head("Send Content-Length as one decimal number."));
    }
    let number = std::str::from_utf8(value).ok().and_then(|digits| digits.parse::<u64>().ok());
    // A number that does not fit is well-formed, so the body is too large.
    match number {
        Some(length) if i64::try_from(length).is_ok() => Ok(Framing::Length(length)),
        _ => Err(Fault::PayloadTooLarge),
    }
}

fn single_request_id(headers: &[Header<'_>]) -> Option<RequestId> {
    let mut ids = values(headers, "x-request-id");
    match (ids.next(), ids.next()) {
        (Some(only), None) => RequestId::parse(only),
        _ => None,
    }
}

/// Returns the offsets of `Upgrade` names. A server may ignore this header (RFC 9110, 7.8).
fn upgrades(request: &Request<'_, '_>, bytes: &[u8]) -> Vec<usize> {
    let upgrades =
        request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("upgrade"));
    upgrades.map(|header| header.name.as_ptr().addr() - bytes.as_ptr().addr()).collect()
}

fn values<'a>(headers: &'a [Header<'a>], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    headers
        .iter()
        .filter(move |header| header.name.eq_ignore_ascii_case(name))
        .map(|header| header.value)
}

fn bad_head(detail: &str) -> Fault {
    Fault::BadRequestHead { detail: detail.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(head: &str) -> Option<Framing> {
        match check(head.as_bytes()) {
            Verdict::Accepted { length, framing, .. } => {
                assert_eq!(length, head.len());
                Some(framing)
            }
            _ => None,
        }
    }

    fn refused(head: &str) -> Option<Fault> {
        match check(head.as_bytes()) {
            Verdict::Refused(refusal) => Some(refusal.fault),
            _ => None,
        }
    }

    #[test]
    fn head_is_incomplete_until_its_last_byte() {
        let head = "POST /a?b=c HTTP/1.1\r\nHost: h:80\r\nContent-Length: 07\r\n\r\n";
        for end in 0..head.len() {
            assert_eq!(check(&head.as_bytes()[..end]), Verdict::Incomplete, "at {end}");
        }
        assert_eq!(accepted(head), Some(Framing::Length(7)));
    }

    #[test]
    fn bare_line_feeds_end_lines_as_in_hyper() {
        assert_eq!(
            accepted("GET / HTTP/1.1\nHost: h\nTransfer-Encoding: Chunked\n\n"),
            Some(Framing::Chunked)
        );
    }

    #[test]
    fn ambiguous_framing_is_refused() {
        for lines in [
            "Content-Length: 5\r\nContent-Length: 5",
            "Content-Length: 5\r\ncontent-length: 6",
            "Content-Length: 5, 5",
            "Content-Length: +5",
            "Content-Length: -1",
            "Content-Length: 0x5",
            "Content-Length:",
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: 5",
            "Transfer-Encoding: gzip, chunked",
            "Transfer-Encoding: chunked, identity",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: \u{b}chunked",
            "Transfer-Encoding : chunked",
            "Content-Length : 5",
            "X: a\r\n folded: b",
            "X: a\r\n\tContent-Length: 5",
            "X: a\rContent-Length: 5",
            " X: first line folded",
            "X\0: a",
            "X: a\0",
            "no colon",
        ] {
            let head = format!("POST / HTTP/1.1\r\nHost: h\r\n{lines}\r\n\r\n");
            assert!(matches!(refused(&head), Some(Fault::BadRequestHead { .. })), "{lines:?}");
        }
        assert!(refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n").is_some());
    }

    #[test]
    fn huge_content_length_gets_payload_too_large() {
        for length in ["9223372036854775808", "18446744073709551616", "99999999999999999999999999"]
        {
            let head = format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n");
            assert_eq!(refused(&head), Some(Fault::PayloadTooLarge));
        }
    }

    #[test]
    fn host_must_be_single_and_well_formed() {
        for host in [
            "Host: a\r\nHost: a\r\n",
            "Host: a\r\nhost: b\r\n",
            "",
            "Host: a b\r\n",
            "Host: u@a\r\n",
            "Host: a/b\r\n",
        ] {
            assert!(refused(&format!("GET / HTTP/1.1\r\n{host}\r\n")).is_some(), "{host:?}");
        }
        for host in ["Host:\r\n", "Host: [::1]:80\r\n", "hOST: a.b\r\n"] {
            assert!(accepted(&format!("GET / HTTP/1.1\r\n{host}\r\n")).is_some(), "{host:?}");
        }
        assert!(accepted("GET / HTTP/1.0\r\n\r\n").is_some());
        assert!(refused("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n").is_some());
    }

    #[test]
    fn malformed_request_lines_are_refused() {
        for line in [
            "GET  / HTTP/1.1",
            "GET / HTTP/1.1 ",
            "GET / HTTP/2.0",
            "GET / HTTP/1.2",
            "GET / http/1.1",
            "GET /",
            "GET /#f HTTP/1.1",
            "GET a HTTP/1.1",
            "GET * HTTP/1.1",
            "GET ftp://h/ HTTP/1.1",
            "CONNECT /a HTTP/1.1",
            "PRI * HTTP/2.0",
            "G@T / HTTP/1.1",
            "GET /\0 HTTP/1.1",
            "GET /\t HTTP/1.1",
            "\u{16}\u{3}\u{1}",
        ] {
            assert!(refused(&format!("{line}\r\nHost: h\r\n\r\n")).is_some(), "{line:?}");
        }
        for line in [
            "OPTIONS * HTTP/1.1",
            "GET http://h/a HTTP/1.1",
            "CONNECT h:443 HTTP/1.1",
            "BREW / HTTP/1.1",
        ] {
            assert!(accepted(&format!("{line}\r\nHost: h\r\n\r\n")).is_some(), "{line:?}");
        }
    }

    #[test]
    fn size_limits_are_exact() {
        let target =
            |length: usize| format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "a".repeat(length - 1));
        assert!(accepted(&target(MAX_TARGET)).is_some());
        assert_eq!(refused(&target(MAX_TARGET + 1)), Some(Fault::UriTooLong));

        let headers = |count: usize| {
            format!("GET / HTTP/1.1\r\nHost: h\r\n{}\r\n", "X: a\r\n".repeat(count - 1))
        };
        assert!(accepted(&headers(MAX_HEADERS)).is_some());
        for count in [MAX_HEADERS + 1, SLOTS, SLOTS + 1, 300] {
            assert_eq!(refused(&headers(count)), Some(Fault::HeadersTooLarge));
        }

        let bytes = |total: usize| {
            format!("GET / HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n", "a".repeat(total - 16))
        };
        assert!(accepted(&bytes(MAX_HEADER_BYTES)).is_some());
        assert_eq!(refused(&bytes(MAX_HEADER_BYTES + 1)), Some(Fault::HeadersTooLarge));
    }

    #[test]
    fn incomplete_heads_are_refused_when_they_exceed_a_limit() {
        assert_eq!(refused(&"A".repeat(MAX_REQUEST_LINE + 1)), Some(Fault::UriTooLong));
        assert_eq!(
            refused(&format!("GET /{}", "a".repeat(MAX_REQUEST_LINE))),
            Some(Fault::UriTooLong)
        );
        let endless = format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(MAX_HEADER_BYTES));
        assert_eq!(refused(&endless), Some(Fault::HeadersTooLarge));
    }

    #[test]
    fn refusal_keeps_the_request_id_and_creates_a_valid_placeholder() {
        let Verdict::Refused(refusal) = check(b"HEAD / HTTP/1.1\r\nX-Request-Id: a.B-1_\r\n\r\n")
        else {
            panic!("a head without Host was accepted");
        };
        assert_eq!(refusal.id.as_ref().map(RequestId::as_str), Some("a.B-1_"));
        let placeholder = refusal.placeholder();
        assert!(
            placeholder.starts_with("HEAD ") && placeholder.contains("x-request-id: a.B-1_\r\n")
        );
        assert_eq!(accepted(&placeholder), Some(Framing::Length(0)));
        assert_eq!(
            accepted(&Refusal::new(Fault::RequestTimeout).placeholder()),
            Some(Framing::Length(0))
        );
    }
}
