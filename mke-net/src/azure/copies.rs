//! `azure.json` must be one and the same file on every node (AZ-002).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::finding::{Finding, Severity};

/// The file of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// The node.
    pub node: String,
    /// Its text; `None` when it is not there.
    pub text: Option<String>,
    /// Its owner's id.
    pub owner: u32,
    /// Its mode, the lowest nine bits.
    pub mode: u32,
}

/// What is wrong with the copies of the nodes, without a word of their content: it holds a secret.
pub fn findings(copies: &[Copy]) -> Vec<Finding> {
    const FILE: &str = "/etc/kubernetes/azure.json";
    let mut found = Vec::new();
    let mut forms: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for copy in copies {
        let Some(text) = &copy.text else {
            found.push(Finding::new(
                "azure-json-missing",
                Severity::Error,
                "a node does not know its cloud",
                format!("{FILE} is not there on {}", copy.node),
                "copy the file of another node, owner root, mode 0644",
            ));
            continue;
        };
        if copy.owner != 0 || copy.mode != 0o644 {
            found.push(Finding::new(
                "azure-json-rights",
                Severity::Error,
                "the file of the cloud has other rights than components expect",
                format!(
                    "{FILE} on {} belongs to user {} and has mode {:04o}",
                    copy.node, copy.owner, copy.mode
                ),
                format!("run `chown root {FILE} && chmod 0644 {FILE}`"),
            ));
        }
        match serde_json::from_str::<Value>(text) {
            // The order of members and spaces mean nothing.
            Ok(value) => forms.entry(sorted(&value)).or_default().push(&copy.node),
            Err(error) => found.push(Finding::new(
                "azure-json-form",
                Severity::Error,
                "the file of the cloud is no JSON",
                format!(
                    "{FILE} on {}, line {}, column {}",
                    copy.node,
                    error.line(),
                    error.column()
                ),
                "correct the file, or copy that of another node",
            )),
        }
    }
    if forms.len() > 1 {
        let mut groups: Vec<_> = forms.values().map(|nodes| nodes.join(", ")).collect();
        groups.sort_by_key(|group| group.len());
        found.push(Finding::new(
            "azure-json-differs",
            Severity::Error,
            "nodes describe the cloud in different ways",
            format!("{FILE} has {} forms: {}", forms.len(), groups.join(" | ")),
            "use one file on all nodes",
        ));
    }
    found
}

fn sorted(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: BTreeMap<_, _> = members.iter().map(|(key, value)| (key, sorted(value))).collect();
            format!("{members:?}")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(node: &str, text: Option<&str>) -> Copy {
        Copy {
            node: node.to_owned(),
            text: text.map(str::to_owned),
            owner: 0,
            mode: 0o644,
        }
    }

    fn ids(copies: &[Copy]) -> Vec<String> {
        findings(copies)
            .iter()
            .map(|finding| finding.id.clone().into_owned())
            .collect()
    }

    /// AZ-002: one file, the same rights, on all nodes; its secret is never shown.
    #[test]
    fn copies_that_differ_are_told() {
        let good = r#"{"tenantId":"t","aadClientSecret":"hush"}"#;
        let same = "{ \"aadClientSecret\":\"hush\",\n\"tenantId\":\"t\" }";
        assert_eq!(ids(&[copy("n1", Some(good)), copy("n2", Some(same))]), [""; 0]);
        assert_eq!(
            ids(&[copy("n1", Some(good)), copy("n2", Some(r#"{"tenantId":"u"}"#))]),
            ["azure-json-differs"]
        );
        assert_eq!(
            ids(&[copy("n1", None), copy("n2", Some("{"))]),
            ["azure-json-missing", "azure-json-form"]
        );
        let open = Copy {
            mode: 0o666,
            ..copy("n1", Some(good))
        };
        let owned = Copy {
            owner: 1000,
            ..copy("n2", Some(good))
        };
        assert_eq!(
            ids(&[open.clone(), owned]),
            ["azure-json-rights", "azure-json-rights"]
        );
        let text = format!(
            "{:?}",
            findings(&[
                open,
                copy("n2", Some("hush")),
                copy("n3", Some(r#"{"a":"hush"}"#))
            ])
        );
        assert!(!text.contains("hush"), "{text}");
    }
}
