//! Versions of resources and the conditions on them (RFC 7644, section 3.14; RFC 9110, section 13).
//!
//! A version is a digest of what clients can read and write, so it is the same on every manager and changes whoever
//! makes the change.

use sha2::{Digest as _, Sha256};

use super::document::Document;
use super::error::ScimError;

/// The version of a resource, as the header `ETag` shows it.
pub(super) fn of(document: &Document) -> String {
    // Members of a document stand in the order in which its renderer writes them, so equal resources have equal text.
    let text = serde_json::to_string(document).unwrap_or_default();
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    format!("W/\"{}\"", hex::encode(digest.get(..12).unwrap_or_default()))
}

/// # Errors
///
/// 412 when `If-Match` names other versions.
pub(super) fn must_match(condition: Option<&str>, version: &str) -> Result<(), ScimError> {
    match condition {
        None => Ok(()),
        Some(condition) if names(condition, version) => Ok(()),
        Some(_) => Err(ScimError::changed()),
    }
}

/// Whether a list of versions names this one. Weak and strong spelling mean the same here.
pub(super) fn names(condition: &str, version: &str) -> bool {
    let plain = |tag: &str| {
        let tag = tag.trim();
        tag.strip_prefix("W/").unwrap_or(tag).to_owned()
    };
    condition.trim() == "*" || condition.split(',').any(|tag| plain(tag) == plain(version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions() {
        let version = "W/\"abc\"";
        for (condition, matches) in [
            ("*", true),
            (" * ", true),
            ("W/\"abc\"", true),
            ("\"abc\"", true),
            ("\"x\", W/\"abc\"", true),
            ("\"x\"", false),
            ("abc", false),
            ("", false),
        ] {
            assert_eq!(names(condition, version), matches, "{condition}");
        }
        assert!(must_match(None, version).is_ok());
        assert_eq!(must_match(Some("\"x\""), version).unwrap_err().status, 412);
    }
}
