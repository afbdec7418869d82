//! Invoices as documents: the hosted page and the PDF, at a secret URL once the invoice is final.

mod document;
mod page;
mod pdf;
mod routes;
mod words;

pub(crate) use self::routes::router;
