//! Maps faults of the edge and of the `Authorization` header.

use http_edge::{BearerFault, Fault, Problem};

use super::{internal_error, problem};
use crate::error_code::ErrorCode;

/// Maps a fault of the edge.
pub(crate) fn from_fault(fault: &Fault) -> Problem {
    match fault {
        Fault::BadRequestHead { detail } | Fault::InvalidBody { detail } => {
            problem(ErrorCode::InvalidRequest, detail.clone())
        }
        Fault::UriTooLong => {
            problem(ErrorCode::UriTooLong, "Shorten the request URI to at most 8 KiB.")
        }
        Fault::HeadersTooLarge => problem(
            ErrorCode::HeadersTooLarge,
            "Send at most 64 headers with at most 16 KiB in total.",
        ),
        Fault::PayloadTooLarge => problem(
            ErrorCode::PayloadTooLarge,
            "Send a body of at most 16 KiB, or 1 MiB on the webhook route.",
        ),
        Fault::UnsupportedMediaType => problem(
            ErrorCode::UnsupportedMediaType,
            "Send the body as `Content-Type: application/json` in UTF-8 without a content coding.",
        ),
        Fault::RequestTimeout => {
            problem(ErrorCode::RequestTimeout, "Send the complete body within 5 seconds.")
        }
        Fault::NotFound => problem(
            ErrorCode::NotFound,
            "Check the path. Case, slashes and percent-encoding must match exactly.",
        ),
        Fault::MethodNotAllowed => {
            problem(ErrorCode::MethodNotAllowed, "Use a method that the `Allow` header lists.")
        }
        Fault::Panic => internal_error(),
    }
}

/// Maps a malformed `Authorization` header.
pub(crate) fn from_bearer_fault(fault: BearerFault) -> Problem {
    match fault {
        BearerFault::Missing => problem(
            ErrorCode::MissingCredential,
            "Send the credential as `Authorization: Bearer <credential>`.",
        ),
        BearerFault::Several => {
            problem(ErrorCode::InvalidRequest, "Send exactly one `Authorization` header.")
        }
        BearerFault::Malformed => problem(
            ErrorCode::InvalidRequest,
            "Send one credential in `Authorization`, without white space or commas.",
        ),
    }
}
