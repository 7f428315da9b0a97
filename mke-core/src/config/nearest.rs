//! "Did you mean …": the known key that is most like an unknown one.

use super::keys::{interlock_keys, keys};

/// Longest path that is compared: the longest known one has fewer characters.
const LONGEST: usize = 96;

/// The known key most like `path`, if one is at all alike.
pub(super) fn nearest(path: &str, interlock: bool) -> Option<String> {
    if path.len() > LONGEST {
        return None;
    }
    let known = if interlock { interlock_keys() } else { keys() };
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
        .map(|key| {
            let path = key.path();
            let other = path.to_lowercase();
            // A key in the wrong table is as likely a mistake as a typing error.
            let by_path = edit_distance(&lower, &other);
            let distance = by_path.min(edit_distance(&own_name, last(&other)));
            (distance, by_path, path)
        })
        .filter(|(distance, ..)| *distance <= 3 && *distance * 2 < own_name.chars().count().max(3))
        .min()
        .map(|(.., path)| path)
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// Levenshtein distance; texts whose lengths alone differ by more than anybody asks for are far apart.
fn edit_distance(a: &str, b: &str) -> usize {
    if a.len().abs_diff(b.len()) > 12 {
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
