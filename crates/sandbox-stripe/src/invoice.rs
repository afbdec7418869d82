//! Invoices as documents: the hosted page and the PDF behind the secret address that an invoice gets when it is final.

mod document;
mod page;
mod pdf;
mod routes;
mod words;

pub(crate) use self::routes::router;
