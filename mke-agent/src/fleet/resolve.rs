//! Which object of which node a name means, when all nodes answer as one. Pure.
//!
//! The order is that of a single engine: a full id, then a full name, then the beginning of an id. A step that finds one
//! object decides; one that finds several is ambiguous. `node/name` looks at one node.

/// An object of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'e> {
    /// The id; of volumes the name.
    pub id: &'e str,
    /// Every name, without a slash in front.
    pub name: &'e str,
    /// The position of its node.
    pub node: usize,
}

/// What a name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// Objects of these nodes, all with one id; one node each.
    On(Vec<usize>),
    /// Nothing that is known.
    Nothing,
    /// Several objects of different ids, on these nodes.
    Several(Vec<usize>),
}

/// Finds what a name without a node in front means.
pub fn meaning<'e>(name: &str, entries: impl Iterator<Item = Entry<'e>> + Clone) -> Meaning {
    if name.is_empty() {
        return Meaning::Nothing;
    }
    let steps: [&dyn Fn(&Entry<'_>) -> bool; 3] =
        [&|entry| entry.id == name, &|entry| entry.name == name, &|entry| {
            entry.id.starts_with(name)
        }];
    for step in steps {
        let found: Vec<Entry<'_>> = entries.clone().filter(|entry| step(entry)).collect();
        let Some(first) = found.first() else {
            continue;
        };
        let mut nodes: Vec<usize> = found.iter().map(|entry| entry.node).collect();
        nodes.sort_unstable();
        nodes.dedup();
        return if found.iter().all(|entry| entry.id == first.id) {
            Meaning::On(nodes)
        } else {
            Meaning::Several(nodes)
        };
    }
    Meaning::Nothing
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(id: &'static str, name: &'static str, node: usize) -> Entry<'static> {
        Entry { id, name, node }
    }

    /// DAPI-002: ids before names before prefixes, and two answers are none.
    #[test]
    fn the_order_of_an_engine() {
        let entries = [
            entry("aa11", "web", 0),
            entry("aa22", "db", 1),
            entry("bb33", "web", 1),
            entry("cc44", "aa11", 2),
            entry("dd55", "dd", 0),
            entry("dd66", "x", 2),
            entry("ee77", "img", 0),
            entry("ee77", "img", 2),
        ];
        for (name, expected) in [
            ("aa11", Meaning::On(vec![0])),
            ("db", Meaning::On(vec![1])),
            ("web", Meaning::Several(vec![0, 1])),
            ("bb", Meaning::On(vec![1])),
            ("aa", Meaning::Several(vec![0, 1])),
            ("dd", Meaning::On(vec![0])),
            ("dd6", Meaning::On(vec![2])),
            ("img", Meaning::On(vec![0, 2])),
            ("ee", Meaning::On(vec![0, 2])),
            ("nothing", Meaning::Nothing),
            ("", Meaning::Nothing),
        ] {
            assert_eq!(meaning(name, entries.iter().copied()), expected, "{name}");
        }
    }

    proptest! {
        /// The same as looking three times through everything and counting different ids.
        #[test]
        fn as_the_slow_way(
            objects in prop::collection::vec(("[ab]{1,4}", "[ab]{1,3}", 0usize..3), 0..8),
            name in "[ab]{0,4}",
        ) {
            let entries: Vec<Entry<'_>> =
                objects.iter().map(|(id, name, node)| Entry { id, name, node: *node }).collect();
            let matching = |step: u8| -> Vec<&Entry<'_>> {
                entries.iter().filter(|entry| match step {
                    0 => entry.id == name,
                    1 => entry.name == name,
                    _ => entry.id.len() >= name.len() && entry.id[..name.len()] == name,
                }).collect()
            };
            let step = (0..3).map(matching).find(|found| !found.is_empty() && !name.is_empty());
            let found = meaning(&name, entries.iter().copied());
            match step {
                None => prop_assert_eq!(found, Meaning::Nothing),
                Some(objects) => {
                    let ids: std::collections::BTreeSet<_> = objects.iter().map(|entry| entry.id).collect();
                    let nodes: Vec<usize> = objects.iter().map(|entry| entry.node)
                        .collect::<std::collections::BTreeSet<_>>().into_iter().collect();
                    let expected = if ids.len() == 1 { Meaning::On(nodes) } else { Meaning::Several(nodes) };
                    prop_assert_eq!(found, expected);
                }
            }
        }
    }
}
