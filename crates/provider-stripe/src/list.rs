//! Reads Stripe's lists page by page (<https://docs.stripe.com/api/pagination>).

use billing_domain::Deadline;
use billing_domain::ports::{Page, ProviderError};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::call::Call;
use crate::classify::Failure;
use crate::object;
use crate::operation::Operation;
use crate::stripe_api::StripeApi;

/// Page size: Stripe's maximum.
const LIMIT: &str = "100";
/// Maximum pages of one customer (1,000 objects).
const MAX_PAGES: usize = 10;

/// A list request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listing<'a> {
    pub(crate) operation: Operation,
    pub(crate) path: &'static str,
    /// Filters in the query.
    pub(crate) filters: &'a [(&'static str, &'a str)],
    pub(crate) deadline: Deadline,
}

#[derive(Deserialize)]
struct ListObject<T> {
    object: String,
    data: Vec<T>,
    has_more: bool,
}

impl StripeApi {
    /// Reads the page after the object `after`. `each` converts every object or returns why it is
    /// invalid.
    pub(crate) async fn page<T: DeserializeOwned, U>(
        &self,
        listing: Listing<'_>,
        after: Option<&str>,
        each: impl Fn(T) -> Result<U, String>,
    ) -> Result<Page<U>, Failure> {
        let mut url = self.settings.api_base().endpoint(listing.path);
        url.query_pairs_mut()
            .extend_pairs(listing.filters)
            .append_pair("limit", LIMIT)
            .extend_pairs(after.map(|id| ("starting_after", id)));
        let call = Call::get(listing.operation, url, listing.deadline);
        self.call(&call, |body| parse(body, &each)).await
    }

    /// Reads all pages, at most [`MAX_PAGES`].
    pub(crate) async fn pages<T: DeserializeOwned, U>(
        &self,
        listing: Listing<'_>,
        id: impl Fn(&U) -> &str,
        each: impl Fn(T) -> Result<U, String>,
    ) -> Result<Vec<U>, Failure> {
        let mut all: Vec<U> = Vec::new();
        for _ in 0..MAX_PAGES {
            let page = self.page(listing, all.last().map(&id), &each).await?;
            all.extend(page.items);
            if !page.has_more {
                return Ok(all);
            }
        }
        let context = format!("{}: more than {MAX_PAGES} pages", listing.operation);
        Err(Failure::permanent(ProviderError::Unusable { context }))
    }
}

fn parse<T: DeserializeOwned, U>(
    body: &[u8],
    each: impl Fn(T) -> Result<U, String>,
) -> Result<Page<U>, String> {
    let list: ListObject<T> = object::read(body, "list")?;
    if list.object != "list" {
        return Err("the object is not a list".to_owned());
    }
    if list.has_more && list.data.is_empty() {
        return Err("the list continues after an empty page".to_owned());
    }
    let items = list.data.into_iter().map(each).collect::<Result<_, _>>()?;
    Ok(Page { items, has_more: list.has_more })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Numbered {
        n: u32,
    }

    fn read(body: &str) -> Result<Page<u32>, String> {
        parse(body.as_bytes(), |numbered: Numbered| {
            if numbered.n < 10 { Ok(numbered.n) } else { Err("too large".to_owned()) }
        })
    }

    #[test]
    fn list_keeps_its_sort_order_and_has_more() {
        let page =
            read(r#"{"object":"list","data":[{"n":2},{"n":1}],"has_more":true,"url":"/v1/x"}"#);
        assert_eq!(page, Ok(Page { items: vec![2, 1], has_more: true }));
    }

    #[test]
    fn p4_invalid_lists_are_rejected() {
        for bad in [
            r#"{"object":"search_result","data":[],"has_more":false}"#,
            r#"{"object":"list","data":[],"has_more":true}"#,
            r#"{"object":"list","data":[[1]],"has_more":false}"#,
            r#"{"object":"list","data":{"n":1},"has_more":false}"#,
            r#"{"object":"list","data":[{"n":1},{"n":10}],"has_more":false}"#,
            r#"{"object":"list","data":[{"n":1}]}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
