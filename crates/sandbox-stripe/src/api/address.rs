//! A postal address in a request.

use super::error::ApiError;
use super::params::{Params, Patch};
use crate::model::Address;

/// Reads the parts of an address.
pub(super) fn read(mut params: Params) -> Result<Address, ApiError> {
    params.expect(&["city", "country", "line1", "line2", "postal_code", "state"], &[])?;
    let mut part = |name| {
        params.patch(name, 5_000).map(|patch| match patch {
            Patch::Set(text) => Some(text),
            Patch::Keep | Patch::Clear => None,
        })
    };
    Ok(Address {
        city: part("city")?,
        country: part("country")?,
        line1: part("line1")?,
        line2: part("line2")?,
        postal_code: part("postal_code")?,
        state: part("state")?,
    })
}
