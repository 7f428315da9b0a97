//! "Did you mean …": the known key that is most like an unknown one.

use std::sync::LazyLock;

use super::key::Key;
use super::keys::{interlock_keys, keys};

/// Longest path that is compared: the longest known one has fewer characters.
const LONGEST: usize = 96;

/// Most that a key may differ from what was written: more is no typing error.
const FAR: usize = 3;

/// A known key as it is spelled, and in small letters.
struct Known {
    path: String,
    lower: String,
}

/// The known key most like `path`, if one is at all alike.
pub(super) fn nearest(path: &str, interlock: bool) -> Option<String> {
    if path.len() > LONGEST {
        return None;
    }
    static KEYS: LazyLock<Vec<Known>> = LazyLock::new(|| known(keys()));
    static INTERLOCK_KEYS: LazyLock<Vec<Known>> = LazyLock::new(|| known(interlock_keys()));
    let known = if interlock { &INTERLOCK_KEYS } else { &KEYS };
    // Rows are counted in files, not in the names of keys.
    let mut plain = String::new();
    let mut in_row = false;
    for c in path.chars() {
        match c {
            '[' => {
                in_row = true;
                plain.push_str("[]");
            }
            ']' => in_row = false,
            _ if in_row => {}
            _ => plain.push(c),
        }
    }
    let own_name = last(&plain).to_lowercase();
    let lower = plain.to_lowercase();
    known
        .iter()
        .filter_map(|key| {
            // A key in the wrong table is as likely a mistake as a typing error.
            let by_name = edit_distance(&own_name, last(&key.lower), FAR);
            let by_path = edit_distance(&lower, &key.lower, if by_name <= FAR { LONGEST } else { FAR });
            let distance = by_path.min(by_name);
            let alike = distance <= FAR && distance * 2 < own_name.chars().count().max(3);
            alike.then_some((distance, by_path, &key.path))
        })
        .min()
        .map(|(.., path)| path.clone())
}

fn known(keys: &[&Key]) -> Vec<Known> {
    let paths = keys.iter().map(|key| key.path());
    let known = paths.map(|path| Known {
        lower: path.to_lowercase(),
        path,
    });
    known.collect()
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// Levenshtein distance; texts whose lengths alone differ by more than `most` are far apart.
fn edit_distance(a: &str, b: &str, most: usize) -> usize {
    if a.len().abs_diff(b.len()) > most {
        return usize::MAX;
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(&b) {
            let substituted = diagonal + usize::from(a != *b);
            diagonal = *cell;
            left = substituted.min(left + 1).min(diagonal + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_and_wrong_tables() {
        for (path, expected) in [
            (
                "auth.sessions.per_user_limt",
                Some("auth.sessions.per_user_limit"),
            ),
            (
                "cluster_config.lifetime_minutes",
                Some("auth.sessions.lifetime_minutes"),
            ),
            ("registries[3].host_adress", Some("registries[].host_address")),
            ("Cluster_Config.Pod_Cidr", Some("cluster_config.pod_cidr")),
            ("auth.samlenabled", Some("auth.samlEnabled")),
            ("nonsense", None),
            ("x", None),
        ] {
            assert_eq!(nearest(path, false).as_deref(), expected, "{path}");
        }
        assert_eq!(nearest("PolInterval", true).as_deref(), Some("PollInterval"));
    }
}
