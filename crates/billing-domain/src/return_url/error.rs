//! [`ReturnUrlError`]: the rules that a return URL can break.

/// Why a return URL was refused. For the log and the caller: it names the rule, never the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReturnUrlError {
    /// Longer than 2,048 bytes, as given or once normalised.
    #[error("it is longer than 2,048 bytes")]
    TooLong,
    /// It does not start with `https://`, or with `http://` on a loopback host.
    #[error("it does not start with https://")]
    Scheme,
    /// A control character, white space or a backslash.
    #[error("it contains white space, a control character or a backslash")]
    Character,
    /// The host is missing or holds what a host name cannot.
    #[error("its host is not a plain host name or bracketed IPv6 address")]
    Host,
    /// A colon that is not followed by a port from 1 to 65535.
    #[error("its port is not a number from 1 to 65535")]
    Port,
    /// The URL parser refused it.
    #[error("it is not a valid URL")]
    Unparsable,
    /// A fine URL whose origin is not allowed.
    #[error("its origin is not allowed")]
    OriginNotAllowed,
    /// The provider cannot lead users to a URL of the caller's choice.
    #[error("the provider does not support return URLs")]
    Unsupported,
}
