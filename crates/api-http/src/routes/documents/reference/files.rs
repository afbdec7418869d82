//! The static files of the API reference.

use super::asset::{Asset, Content};

/// Version of the npm package `@scalar/api-reference`; `scripts/vendor-scalar` has the same.
pub(super) const SCALAR_VERSION: &str = "1.76.0";
const SCALAR_PATH: &str = "/docs/scalar-api-reference-1.76.0.js";
const SCALAR: &[u8] = include_bytes!("../../../../assets/reference/scalar-api-reference.js.gz");

const SCRIPT: &[u8] = include_bytes!("../../../../assets/reference/reference.js");
const STYLE: &[u8] = include_bytes!("../../../../assets/reference/reference.css");

/// The bundle's path contains its version, so its bytes never change.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// Browsers keep the file and ask with its entity tag before they use it.
const REVALIDATE: &str = "no-cache";

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";

pub(super) fn all() -> [Asset; 3] {
    [
        Asset::new(SCALAR_PATH, JAVASCRIPT, FOREVER, Content::Gzip(SCALAR)),
        Asset::new("/docs/reference.js", JAVASCRIPT, REVALIDATE, Content::Plain(SCRIPT)),
        Asset::new("/docs/reference.css", CSS, REVALIDATE, Content::Plain(STYLE)),
    ]
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::routes::documents::reference::asset::decompress;

    /// SHA-256 of `dist/browser/standalone.js` in the npm package; `scripts/vendor-scalar` prints it.
    const SCALAR_SHA256: &str = "dcb027152bf20bf2f6dcd66e8f9fb073c1a9e274cf0b94b939a7d99ab8947060";

    #[test]
    fn scalar_bundle_has_the_checksum_of_the_npm_package() {
        let digest = Sha256::digest(decompress(SCALAR).unwrap());
        let text: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(text, SCALAR_SHA256);
    }

    #[test]
    fn version_is_the_same_in_path_script_and_notice() {
        let pinned = format!("VERSION={SCALAR_VERSION}\n");
        assert!(include_str!("../../../../../../scripts/vendor-scalar").contains(&pinned));
        assert!(SCALAR_PATH.contains(SCALAR_VERSION));
        let notice = include_str!("../../../../assets/reference/README.md");
        assert!(notice.contains(&format!("version {SCALAR_VERSION},")));
    }
}
