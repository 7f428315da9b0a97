//! Which crate may use which: `cli, bindings -> agent, client -> auth, net -> rbac -> core`.

use super::graph::Graph;

/// What only tests may use, apart from programs that measure and from `xtask`.
const FOR_TESTS: [&str; 2] = ["mke-lab", "mke-test-support"];

/// The layers of the crates that end up in programs of the product.
const PRODUCT: std::ops::RangeInclusive<u8> = 2..=6;

/// The layer of each member of the workspace. A dependency must lie in a lower layer.
const LAYERS: [(&str, u8); 16] = [
    // These start services and engines, and know nothing of the product.
    ("mke-lab", 0),
    ("mke-test-support", 1),
    // Uses none of the crates below, so that it builds in seconds.
    ("xtask", 1),
    // Shares no code with what it checks.
    ("mke-proof", 0),
    ("mke-core", 2),
    ("mke-rbac", 3),
    ("mke-auth", 4),
    ("mke-net", 4),
    ("mke-agent", 5),
    // Speaks to the agent and shares no code with it.
    ("mke-client", 5),
    ("mke-cli", 6),
    ("mke-python", 6),
    // These use the crates from outside, as strangers would.
    ("mke-bench", 7),
    ("mke-conformance", 7),
    ("mke-upstream", 7),
    ("mke-examples", 7),
];

fn layer(name: &str) -> Option<u8> {
    LAYERS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, layer)| *layer)
}

/// Every edge that does not point down. A crate may name itself to see its own features in its tests.
pub(super) fn problems(graph: &Graph) -> Vec<String> {
    let mut problems = Vec::new();
    for member in graph.members() {
        let Some(above) = layer(&member.name) else {
            problems.push(format!(
                "{} has no layer: give it one in xtask and in ARCHITECTURE.md",
                member.name
            ));
            continue;
        };
        for (other, kind) in member.dependencies() {
            let itself = other == member.name && kind == "dev";
            if FOR_TESTS.contains(&other) && kind != "dev" && PRODUCT.contains(&above) {
                problems.push(format!(
                    "{} must not depend on {other} ({kind}): only tests use it",
                    member.name
                ));
            }
            if layer(other).is_some_and(|below| below >= above) && !itself {
                problems.push(format!(
                    "{} must not depend on {other} ({kind}): arrows point down only",
                    member.name
                ));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(member: &str, dependency: &str, kind: &str) -> Graph {
        let kind = if kind.is_empty() {
            "null".to_owned()
        } else {
            format!("\"{kind}\"")
        };
        Graph::of(&format!(
            r#"{{"workspace_members": ["m"], "packages": [{{"id": "m", "name": "{member}", "version": "0.1.0",
                "dependencies": [{{"name": "{dependency}", "kind": {kind}}}]}}]}}"#
        ))
    }

    #[test]
    fn only_down() {
        for (member, dependency, kind, allowed) in [
            ("mke-rbac", "mke-core", "", true),
            ("mke-cli", "mke-agent", "", true),
            ("mke-core", "mke-core", "dev", true),
            ("mke-core", "serde", "", true),
            ("mke-core", "mke-test-support", "dev", true),
            ("mke-agent", "mke-test-support", "", false),
            ("mke-agent", "mke-lab", "build", false),
            ("mke-bench", "mke-test-support", "", true),
            ("mke-test-support", "mke-lab", "", true),
            ("xtask", "mke-lab", "", true),
            ("mke-lab", "mke-core", "dev", false),
            ("mke-core", "mke-core", "", false),
            ("mke-core", "mke-rbac", "", false),
            ("mke-rbac", "mke-auth", "dev", false),
            ("mke-auth", "mke-net", "", false),
            ("mke-agent", "mke-cli", "build", false),
            ("xtask", "mke-core", "", false),
            ("newcomer", "serde", "", false),
        ] {
            let problems = problems(&graph(member, dependency, kind));
            assert_eq!(
                problems.is_empty(),
                allowed,
                "{member} -> {dependency} {kind}: {problems:?}"
            );
        }
    }
}
