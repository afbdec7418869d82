//! What Stripe's customer portal can do, as of the pinned version.

use billing_domain::{Capabilities, FlowKind, LocaleSupport};

/// The values of `locale` in `POST /v1/billing_portal/sessions`, from the published schema. `auto` is the browser's.
const LOCALES: LocaleSupport = LocaleSupport {
    auto: Some("auto"),
    tags: &[
        "bg", "cs", "da", "de", "el", "en", "en-AU", "en-CA", "en-GB", "en-IE", "en-IN", "en-NZ",
        "en-SG", "es", "es-419", "et", "fi", "fil", "fr", "fr-CA", "hr", "hu", "id", "it", "ja",
        "ko", "lt", "lv", "ms", "mt", "nb", "nl", "pl", "pt", "pt-BR", "ro", "ru", "sk", "sl",
        "sv", "th", "tr", "vi", "zh", "zh-HK", "zh-TW",
    ],
};

/// The schema knows a fourth flow, `subscription_update_confirm`, which the service does not offer. A session's expiry is
/// not in the answer.
pub(crate) fn portal() -> Capabilities {
    Capabilities { return_url: true, locales: LOCALES, flows: FlowKind::ALL.into(), expiry: false }
}
