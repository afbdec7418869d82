//! The composition root: only this module and `config` name adapters.

pub(crate) mod accounts;
pub(crate) mod clock;
pub(crate) mod key_generator;
pub(crate) mod keys;
pub(crate) mod provider;
pub(crate) mod store;

/// Installs the cryptography for TLS. A second call has no effect.
pub(crate) fn install_crypto_provider() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
