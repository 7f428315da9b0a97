//! Which crate may use which: `cli, bindings -> agent -> auth, net -> rbac -> core`.

use super::graph::Graph;

/// The layer of each member of the workspace. A dependency must lie in a lower layer.
const LAYERS: [(&str, u8); 13] = [
    ("mke-core", 0),
    // Shares no code with what it checks.
    ("mke-proof", 0),
    // Starts services for tests and knows nothing of the product.
    ("mke-test-support", 0),
    ("mke-rbac", 1),
    ("mke-auth", 2),
    ("mke-net", 2),
    ("mke-agent", 3),
    ("mke-cli", 4),
    // These use the crates from outside, as strangers would.
    ("mke-bench", 5),
    ("mke-conformance", 5),
    ("mke-upstream", 5),
    ("mke-examples", 5),
    // Uses none of them, so that it builds in seconds.
    ("xtask", 0),
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
