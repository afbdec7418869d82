//! Capabilities of Stripe's customer portal in the pinned version.

use billing_domain::{Capabilities, FlowKind, LocaleSupport};

/// Values of `locale` in `POST /v1/billing_portal/sessions`, from the published schema. `auto` uses
/// the browser's language.
const LOCALES: LocaleSupport = LocaleSupport {
    auto: Some("auto"),
    tags: &[
        "bg", "cs", "da", "de", "el", "en", "en-AU", "en-CA", "en-GB", "en-IE", "en-IN", "en-NZ",
        "en-SG", "es", "es-419", "et", "fi", "fil", "fr", "fr-CA", "hr", "hu", "id", "it", "ja",
        "ko", "lt", "lv", "ms", "mt", "nb", "nl", "pl", "pt", "pt-BR", "ro", "ru", "sk", "sl",
        "sv", "th", "tr", "vi", "zh", "zh-HK", "zh-TW",
    ],
};

/// Returns the capabilities. The service does not offer the flow `subscription_update_confirm`.
/// Stripe's response has no expiry.
pub(crate) fn portal() -> Capabilities {
    Capabilities { return_url: true, locales: LOCALES, flows: FlowKind::ALL.into(), expiry: false }
}
