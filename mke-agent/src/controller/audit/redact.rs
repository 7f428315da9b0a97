//! Takes secrets out of bodies and queries, by what a value is called and not by which path it came to.
//!
//! Endpoints whose whole body is secret are marked in their tables; this is the net below them, for odd
//! spellings, new versions and error bodies (audit-04).

use mke_rbac::engine::Query;
use serde_json::Value;

/// What stands in the place of a secret.
const MASK: &str = "********";

/// Deepest nesting that is looked into; deeper values are masked whole.
const MAX_DEPTH: usize = 64;

/// Parts of keys that mark a secret, compared without capitals, `_` and `-`.
const SECRET_PARTS: &[&str] = &[
    "password",
    "passphrase",
    "passwd",
    "secret",
    "token",
    "privatekey",
    "unlockkey",
    "registryauth",
    "registryconfig",
    "samlresponse",
    "otp",
    "credential",
    "authorization",
];

/// Keys that mark a secret when they are the whole key.
const SECRET_KEYS: &[&str] = &["code", "auth", "key", "data", "signingcakey"];

/// Keys that only look like secrets: references and settings that auditors need.
const HARMLESS: &[&str] = &[
    "secretid",
    "secretname",
    "secrets",
    "credentialspec",
    "otpenabled",
];

/// Parameters of a query whose values are masked whole: addresses that may hold a password, and texts whose parts have
/// no fixed form, such as build arguments and instructions of a Dockerfile.
const MASKED_PARAMETERS: &[&str] = &["buildargs", "remote", "changes", "labels", "fromsrc", "outputs"];

/// What separates assignments that stand in one text, such as options of a mount or a command line.
const SEPARATORS: &[char] = &[',', ';', '&', ' ', '\t', '\r', '\n'];

fn is_secret(key: &str) -> bool {
    let plain: String = key
        .chars()
        .filter(|c| *c != '_' && *c != '-')
        .collect::<String>()
        .to_lowercase();
    !HARMLESS.contains(&plain.as_str())
        && (SECRET_KEYS.contains(&plain.as_str()) || SECRET_PARTS.iter().any(|part| plain.contains(part)))
}

/// Masks every secret inside a value.
pub(super) fn redact(value: &mut Value) {
    descend(value, 0);
}

fn descend(value: &mut Value, depth: usize) {
    match value {
        Value::Object(_) | Value::Array(_) if depth == MAX_DEPTH => *value = MASK.into(),
        Value::Object(map) => {
            for (key, inner) in map.iter_mut() {
                if is_secret(key) {
                    *inner = MASK.into();
                } else {
                    descend(inner, depth + 1);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| descend(item, depth + 1)),
        Value::String(text) => mask_text(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Masks what a text says of secrets: values assigned to secret names, and who logs in at an address.
fn mask_text(text: &mut String) {
    // Environment entries have the form `NAME=value`; the value goes to the end, whatever it holds.
    if let Some((name, _)) = text.split_once('=')
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && is_secret(name)
    {
        *text = format!("{name}={MASK}");
        return;
    }
    if text.contains('=') {
        *text = mask_assignments(text);
    }
    if text.contains("://") {
        *text = mask_logins(text);
    }
}

/// Masks values of secret names among several assignments. A value may hold separators itself, so it goes on to
/// the next assignment or option.
fn mask_assignments(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut hiding = false;
    for piece in text.split_inclusive(SEPARATORS) {
        let word = piece.trim_end_matches(SEPARATORS);
        if let Some(names) = secret_names(word) {
            hiding = true;
            shown.push_str(names);
            shown.push_str(MASK);
            shown.push_str(&piece[word.len()..]);
        } else if !hiding || word.contains('=') || word.starts_with('-') {
            hiding = false;
            shown.push_str(piece);
        }
    }
    shown
}

/// The part of a word up to the `=` behind the first secret name: `o=password=` of `o=password=x`.
fn secret_names(word: &str) -> Option<&str> {
    let mut begin = 0;
    for (at, sign) in word.match_indices('=') {
        if is_secret(&word[begin..at]) {
            return Some(&word[..at + sign.len()]);
        }
        begin = at + sign.len();
    }
    None
}

/// Masks `user:password@` of addresses: a user alone is often a token.
fn mask_logins(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (scheme, behind) = rest.split_at(at + "://".len());
        shown.push_str(scheme);
        let end = behind
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\''))
            .unwrap_or(behind.len());
        rest = match behind[..end].rfind('@') {
            Some(login) => {
                shown.push_str(MASK);
                &behind[login..]
            }
            None => behind,
        };
    }
    shown.push_str(rest);
    shown
}

/// Masks the values of secret parameters of a query, and secrets inside the others.
pub(super) fn redact_query(query: &str) -> String {
    query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((key, _)) if is_masked(key) || holds_secret(pair) => format!("{key}={MASK}"),
            _ => pair.to_owned(),
        })
        .collect::<Vec<_>>()
        .join("&")
}

fn is_masked(key: &str) -> bool {
    key.contains('%') || is_secret(key) || MASKED_PARAMETERS.contains(&key.to_lowercase().as_str())
}

/// Whether the decoded value of a parameter holds something to mask. One that cannot be decoded may.
fn holds_secret(pair: &str) -> bool {
    let Ok(query) = Query::parse(pair) else {
        return true;
    };
    query.pairs().any(|(_, value)| {
        let mut masked = value.to_owned();
        mask_text(&mut masked);
        masked != value
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// AUD-006, audit-04: whatever the nesting, capitals and separators.
    #[test]
    fn sec_audit_04_secrets_are_masked_by_structure() {
        let mut value = json!({
            "Name": "web",
            "Password": "canary",
            "old_password": "canary",
            "Data": "canary",
            "JoinTokens": { "Worker": "canary" },
            "list": [{ "RemoteAddrs": [], "JoinToken": "canary", "IdentityToken": "canary" }],
            "Env": ["DB_PASSWORD=canary", "PATH=/bin"],
            "Secrets": [{ "SecretID": "s1", "SecretName": "db" }],
        });
        redact(&mut value);
        let text = value.to_string();
        assert!(!text.contains("canary"), "{text}");
        for kept in ["web", "PATH=/bin", "s1", "DB_PASSWORD="] {
            assert!(text.contains(kept), "{kept} should stay in {text}");
        }
    }

    /// audit-04: secrets inside texts, up to the next assignment or option.
    #[test]
    fn sec_audit_04_secrets_inside_texts_are_masked() {
        for (text, shown) in [
            (
                "DB_PASSWORD=canary, with=canary and spaces",
                "DB_PASSWORD=********",
            ),
            (
                "run --db-password=canary --verbose",
                "run --db-password=******** --verbose",
            ),
            (
                "username=web,password=canary,addr=nas",
                "username=web,password=********,addr=nas",
            ),
            ("type=cifs,o=password=canary", "type=cifs,o=password=********"),
            (
                "sh -c X_TOKEN='canary canary' --next",
                "sh -c X_TOKEN=******** --next",
            ),
            (
                "Host=db;Password=canary;Database=x",
                "Host=db;Password=********;Database=x",
            ),
            ("URL=https://me:canary@db/x?a=b", "URL=https://********@db/x?a=b"),
            (
                "https://canary@git/x https://me:can@ary@git",
                "https://********@git/x https://********@git",
            ),
            ("node.labels.key==x", "node.labels.key==x"),
            (
                "mail@example.com http://host/a@b",
                "mail@example.com http://host/a@b",
            ),
        ] {
            let mut value = json!([text]);
            redact(&mut value);
            assert_eq!(value, json!([shown]));
        }
    }

    /// audit-04: parameters without a fixed form are masked whole, others when their decoded value holds a secret.
    #[test]
    fn sec_audit_04_secrets_in_queries_are_masked() {
        for secret in [
            "buildargs=%7B%22A%22%3A%22canary%22%7D",
            "BuildArgs=canary",
            "remote=https://canary@git/x",
            "changes=ENV+A+canary",
            "labels=%7B%22a%22:%22canary%22%7D",
            "fromSrc=http://u:canary@h/x.tar",
            "outputs=canary",
            "filters=%7B%22label%22%3A%5B%22db_password%3Dcanary%22%5D%7D",
            "x=https%3A%2F%2Fu%3Acanary%40h",
            "x=canary%ff",
            "tok%65n=canary",
        ] {
            let shown = redact_query(&format!("name=web&{secret}&t=a%3A1"));
            assert!(!shown.contains("canary"), "{shown}");
            assert!(
                shown.starts_with("name=web&") && shown.ends_with("&t=a%3A1"),
                "{shown}"
            );
        }
    }

    #[test]
    fn deep_values_are_masked_whole() {
        let mut value = json!("canary");
        for _ in 0..100 {
            value = json!([value]);
        }
        redact(&mut value);
        assert!(!value.to_string().contains("canary"));
    }
}
