//! Lists and their pages (<https://docs.stripe.com/api/pagination>).

use serde_json::Value;

use super::error::ApiError;
use super::params::Params;
use crate::model::Record;
use crate::state::{Cursor, State, Table};
use crate::view::list_object;

/// The parameters that every list accepts.
pub(crate) const PAGE_PARAMS: [&str; 3] = ["limit", "starting_after", "ending_before"];

/// The requested page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    limit: usize,
    after: Option<String>,
    before: Option<String>,
}

impl Page {
    pub(crate) fn read(params: &mut Params) -> Result<Self, ApiError> {
        let limit = params.integer("limit")?.unwrap_or(10);
        let after = params.text("starting_after", 5_000)?;
        let before = params.text("ending_before", 5_000)?;
        if after.is_some() && before.is_some() {
            let message =
                "Received both starting_after and ending_before parameters. Pass only one of them.";
            return Err(ApiError::refused(400, None, message));
        }
        let out_of_range = |bound: &str| {
            let message = format!("This value must be {bound} (it currently is '{limit}').");
            ApiError::invalid(Some("parameter_invalid_integer"), "limit", message)
        };
        match usize::try_from(limit) {
            Ok(limit @ 1..=100) => Ok(Self { limit, after, before }),
            Ok(1..) => Err(out_of_range("less than or equal to 100")),
            _ => Err(out_of_range("greater than or equal to 1")),
        }
    }
}

/// Returns the `customer` filter of a list.
pub(super) fn customer(params: &mut Params, state: &State) -> Result<Option<String>, ApiError> {
    match params.text("customer", 5_000)? {
        Some(id) if state.customers.get(&id).is_none() => {
            Err(ApiError::missing("customer", &id, "customer"))
        }
        customer => Ok(customer),
    }
}

/// Returns a page of a table, newest first: one customer's records or all, filtered by `keep`.
pub(crate) fn page<T: Record>(
    (table, what): (&Table<T>, &str),
    owner: Option<&str>,
    page: &Page,
    url: &str,
    keep: impl Fn(&T) -> bool,
    view: impl Fn(&T) -> Value,
) -> Result<Value, ApiError> {
    let position =
        |id: &str, param| table.position(id).ok_or_else(|| ApiError::missing(what, id, param));
    let cursor = match (&page.after, &page.before) {
        (Some(id), _) => Cursor::OlderThan(position(id, "starting_after")?),
        (None, Some(id)) => Cursor::NewerThan(position(id, "ending_before")?),
        (None, None) => Cursor::Start,
    };
    let mut rows: Vec<&T> =
        table.from(cursor, owner).filter(|record| keep(record)).take(page.limit + 1).collect();
    let has_more = rows.len() > page.limit;
    rows.truncate(page.limit);
    if matches!(cursor, Cursor::NewerThan(_)) {
        rows.reverse();
    }
    Ok(list_object(rows.into_iter().map(view).collect(), has_more, url))
}

/// Returns a page of records in their own order, and whether there are more.
pub(crate) fn page_of<'a, T>(
    rows: &'a [T],
    id: impl Fn(&T) -> &str,
    what: &str,
    page: &Page,
) -> Result<(&'a [T], bool), ApiError> {
    let position = |wanted: &str, param| {
        rows.iter()
            .position(|row| id(row) == wanted)
            .ok_or_else(|| ApiError::missing(what, wanted, param))
    };
    let (start, end) = match (&page.after, &page.before) {
        (Some(after), _) => (position(after, "starting_after")? + 1, rows.len()),
        (None, Some(before)) => {
            let end = position(before, "ending_before")?;
            let start = end.saturating_sub(page.limit);
            return Ok((&rows[start..end], start > 0));
        }
        (None, None) => (0, rows.len()),
    };
    let last = end.min(start + page.limit);
    Ok((&rows[start..last], last < end))
}
