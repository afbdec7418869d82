//! [`ReturnUrlError`]: the rules for return URLs.

/// The rule that a return URL breaks. For the log and the caller. It never contains the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReturnUrlError {
    /// Longer than 2,048 bytes, before or after normalisation.
    #[error("it is longer than 2,048 bytes")]
    TooLong,
    /// The scheme is not `https`, or `http` without a loopback host.
    #[error("it does not start with https://")]
    Scheme,
    /// Contains a control character, white space or a backslash.
    #[error("it contains white space, a control character or a backslash")]
    Character,
    /// The host is missing or invalid.
    #[error("its host is not a plain host name or bracketed IPv6 address")]
    Host,
    /// The port is not a number from 1 to 65535.
    #[error("its port is not a number from 1 to 65535")]
    Port,
    /// The URL parser rejects it.
    #[error("it is not a valid URL")]
    Unparsable,
    /// The origin is not allowed.
    #[error("its origin is not allowed")]
    OriginNotAllowed,
    /// The provider does not support return URLs.
    #[error("the provider does not support return URLs")]
    Unsupported,
}
