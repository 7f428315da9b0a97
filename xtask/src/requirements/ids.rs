//! The shape of ids in text: `AUTH-002` for a requirement, `proxy-06` for a security case.

/// Words that look like an id of a requirement and are none.
const NOT_IDS: [&str; 7] = ["AES", "CVE", "FIPS", "HMAC", "RFC", "SHA", "STIG"];

/// Whether the id is that of a security case.
pub(crate) fn is_security(id: &str) -> bool {
    id.starts_with("G-") || id.starts_with(|first: char| first.is_ascii_lowercase())
}

/// All ids in a text, in its order.
pub(crate) fn in_text(text: &str) -> Vec<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    text.split(|c: char| !word(c))
        .filter(|word| is_requirement(word) || is_case(word))
        .map(str::to_owned)
        .collect()
}

/// The security case that a test's name states: `sec_proxy_06_…` is `proxy-06`.
pub(crate) fn in_name(name: &str) -> Option<String> {
    let mut parts = name.strip_prefix("sec_")?.split('_');
    let (area, number) = (parts.next()?, parts.next()?);
    let area = if area == "g" { "G" } else { area };
    let id = format!("{area}-{number}");
    is_case(&id).then_some(id)
}

/// `[A-Z0-9]{2,6}-[0-9]{3}`
fn is_requirement(word: &str) -> bool {
    let Some((area, number)) = word.split_once('-') else {
        return false;
    };
    (2..=6).contains(&area.len())
        && area
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        && area.bytes().any(|byte| byte.is_ascii_uppercase())
        && number.len() == 3
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && !NOT_IDS.contains(&area)
}

/// A known area and two digits.
fn is_case(word: &str) -> bool {
    const AREAS: [&str; 14] = [
        "G", "saml", "ldap", "scim", "authn", "pki", "proxy", "rbac", "config", "archive", "audit", "net",
        "ux", "core",
    ];
    let Some((area, number)) = word.split_once('-') else {
        return false;
    };
    AREAS.contains(&area) && number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_told_from_other_words() {
        assert_eq!(
            in_text("AUTH-002, K8S-010 and (proxy-06): M4-001"),
            ["AUTH-002", "K8S-010", "proxy-06", "M4-001"]
        );
        for text in [
            "SHA-256",
            "AES-128",
            "P-256",
            "CVE-2024-41110",
            "AUTH-2",
            "auth-002",
            "net-new",
            "x-AUTH-002",
        ] {
            assert!(in_text(text).is_empty(), "{text}");
        }
        assert_eq!(in_name("sec_authn_04_streams"), Some("authn-04".to_owned()));
        assert_eq!(in_name("sec_g_02_limits"), Some("G-02".to_owned()));
        assert_eq!(in_name("sec_other_04"), None);
        assert_eq!(in_name("second_authn_04"), None);
        assert!(is_security("G-01") && is_security("pki-01") && !is_security("PKI-001"));
    }
}
