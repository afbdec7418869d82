//! [`error_chain`]: an error and its sources in one line, for logs.

use std::error::Error;

/// Joins the text of an error and of its sources with `: `.
#[must_use]
pub fn error_chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::fmt::Error);

    #[test]
    fn error_chain_joins_an_error_and_its_source() {
        let source = std::fmt::Error.to_string();
        assert_eq!(error_chain(&Outer(std::fmt::Error)), format!("outer: {source}"));
        assert_eq!(error_chain(&std::fmt::Error), source);
    }
}
