//! Node selectors as text, `key=value,key=value`, as annotations of namespaces have them (R96).

use std::collections::BTreeMap;

/// Reads a selector; none when it is not one. Empty text selects every node.
pub(super) fn parse(text: &str) -> Option<BTreeMap<String, String>> {
    let mut selector = BTreeMap::new();
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=')?;
        let (key, value) = (key.trim(), value.trim().trim_start_matches('='));
        if key.is_empty() || value.contains('=') {
            return None;
        }
        let before = selector.insert(key.to_owned(), value.to_owned());
        if before.is_some_and(|before| before != value) {
            return None;
        }
    }
    Some(selector)
}

/// Writes a selector as it is read.
pub(super) fn write(selector: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = selector
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    pairs.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_read_or_refused() {
        for (text, expected) in [
            ("", Some("")),
            ("zone=a", Some("zone=a")),
            (" zone = a , rack=2,", Some("rack=2,zone=a")),
            ("zone==a", Some("zone=a")),
            ("zone", None),
            ("=a", None),
            ("zone=a=b", None),
            ("zone=a,zone=b", None),
        ] {
            assert_eq!(parse(text).as_ref().map(write).as_deref(), expected, "{text}");
        }
    }
}
