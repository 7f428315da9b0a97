//! On which node somebody wants a container, volume or network: the forms that clients of the classic Swarm use.
//!
//! A name `node/name` asks for a node. `constraint:` and `affinity:` in the environment of a container ask for nodes by
//! what they are or hold; they are taken out of the environment, and kept in the labels in which clients look for them.
//! Wishes narrow down where something may go. They give no right to use a node.

use serde_json::{Map, Value};

use super::call::CallError;
use super::draft::{items, text};

/// The label with the constraints of a container: a JSON list of texts.
pub const CONSTRAINTS: &str = "com.docker.swarm.constraints";
/// The label with its affinities.
pub const AFFINITIES: &str = "com.docker.swarm.affinities";
/// Most wishes of one container.
const MAX_WISHES: usize = 64;

/// Everything that a request says about the node it wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// The name or id of the node that stood before a name.
    pub node: Option<String>,
    /// What the node must be.
    pub constraints: Vec<Wish>,
    /// What the node must hold.
    pub affinities: Vec<Wish>,
}

impl Wishes {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.node.is_none() && self.constraints.is_empty() && self.affinities.is_empty()
    }
}

/// One expression: `node==n1`, `storage!=disk*`, `region==~eu`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// What is looked at.
    pub key: String,
    /// Whether it must be equal, or must not.
    pub equal: bool,
    /// Whether another node will do when none fits.
    pub soft: bool,
    /// The value, in which `*` stands for any text.
    pub value: String,
}

impl Wish {
    /// Reads an expression.
    ///
    /// # Errors
    /// Without `==` or `!=`, without a key, and with a regular expression as value.
    pub fn parse(expression: &str) -> Result<Self, CallError> {
        let wrong = |why| CallError::Value {
            place: expression.chars().take(100).collect(),
            why,
        };
        let (position, equal) = match (expression.find("=="), expression.find("!=")) {
            (Some(equal), Some(unequal)) => (equal.min(unequal), equal < unequal),
            (Some(equal), None) => (equal, true),
            (None, Some(unequal)) => (unequal, false),
            (None, None) => return Err(wrong("must have the form `key==value` or `key!=value`")),
        };
        let (key, rest) = expression.split_at(position);
        let value = rest.get(2..).unwrap_or_default();
        let (soft, value) = match value.strip_prefix('~') {
            Some(value) => (true, value),
            None => (false, value),
        };
        if key.trim().is_empty() {
            return Err(wrong("needs a key before `==` or `!=`"));
        }
        if value.len() > 1 && value.starts_with('/') && value.ends_with('/') {
            return Err(wrong("holds a regular expression; use `*` for any text instead"));
        }
        Ok(Self {
            key: key.trim().to_owned(),
            equal,
            soft,
            value: value.trim().to_owned(),
        })
    }

    /// Whether any of these values has the form that is named, whatever the operator says about it.
    pub fn names<'v>(&self, values: impl IntoIterator<Item = &'v str>) -> bool {
        values.into_iter().any(|value| fits(&self.value, value))
    }
}

/// Whether a text fits a pattern in which `*` stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Splits `node/name`. A slash in front is part of how the Engine writes names.
pub(super) fn node_of(name: &str) -> Option<(&str, &str)> {
    name.trim_start_matches('/').split_once('/')
}

/// Takes the wishes out of the environment and the labels of a container to be made; they stay in its labels.
pub(super) fn of_container(body: &mut Map<String, Value>) -> Result<Wishes, CallError> {
    let mut constraints = labelled(body, CONSTRAINTS)?;
    let mut affinities = labelled(body, AFFINITIES)?;
    let found = constraints.len() + affinities.len();
    if let Some(Value::Array(environment)) = body.get_mut("Env") {
        environment.retain(|variable| {
            let variable = text(variable);
            if let Some(expression) = variable.strip_prefix("constraint:") {
                constraints.push(expression.to_owned());
            } else if let Some(expression) = variable.strip_prefix("affinity:") {
                affinities.push(expression.to_owned());
            } else {
                return true;
            }
            false
        });
    }
    let all = constraints.len() + affinities.len();
    if all > MAX_WISHES {
        return Err(CallError::Value {
            place: "Env".to_owned(),
            why: "holds more than 64 constraints and affinities",
        });
    }
    if all > found {
        keep(body, CONSTRAINTS, &constraints);
        keep(body, AFFINITIES, &affinities);
    }
    let parsed = |list: &[String]| {
        list.iter()
            .map(|wish| Wish::parse(wish))
            .collect::<Result<Vec<_>, _>>()
    };
    Ok(Wishes {
        node: None,
        constraints: parsed(&constraints)?,
        affinities: parsed(&affinities)?,
    })
}

fn labelled(body: &Map<String, Value>, label: &str) -> Result<Vec<String>, CallError> {
    let Some(list) = body.get("Labels").and_then(|labels| labels.get(label)) else {
        return Ok(Vec::new());
    };
    let parsed: Value = serde_json::from_str(text(list)).unwrap_or_default();
    if !parsed.is_array() || items(&parsed).any(|item| !item.is_string()) {
        return Err(CallError::Value {
            place: format!("Labels.{label}"),
            why: "must be a JSON list of texts",
        });
    }
    Ok(items(&parsed).map(|item| text(item).to_owned()).collect())
}

fn keep(body: &mut Map<String, Value>, label: &str, list: &[String]) {
    if list.is_empty() {
        return;
    }
    let value = Value::String(Value::from(list.to_vec()).to_string());
    match body.entry("Labels").or_insert(Value::Null) {
        Value::Object(labels) => {
            labels.insert(label.to_owned(), value);
        }
        slot => *slot = Value::Object(Map::from_iter([(label.to_owned(), value)])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn wishes(body: Value) -> (Result<Wishes, CallError>, Value) {
        let Value::Object(mut body) = body else { panic!() };
        let found = of_container(&mut body);
        (found, Value::Object(body))
    }

    fn wish(key: &str, equal: bool, soft: bool, value: &str) -> Wish {
        Wish {
            key: key.to_owned(),
            equal,
            soft,
            value: value.to_owned(),
        }
    }

    /// DAPI-001: clients of the classic Swarm say it in the environment; the container does not see it there.
    #[test]
    fn wishes_leave_the_environment() {
        let (found, body) = wishes(json!({
            "Env": ["A=constraint:x==y", "constraint:node==n1", "affinity:container!=~web*", "B=c"],
            "Labels": { "own": "1" },
        }));
        let found = found.unwrap();
        assert_eq!(found.constraints, [wish("node", true, false, "n1")]);
        assert_eq!(found.affinities, [wish("container", false, true, "web*")]);
        assert_eq!(body["Env"], json!(["A=constraint:x==y", "B=c"]));
        assert_eq!(body["Labels"][CONSTRAINTS], r#"["node==n1"]"#);
        assert_eq!(body["Labels"][AFFINITIES], r#"["container!=~web*"]"#);
        assert_eq!(body["Labels"]["own"], "1");
        // What was kept says the same to whoever makes the container again.
        let (again, same) = wishes(body.clone());
        assert_eq!((again.unwrap().constraints, same), (found.constraints, body));
    }

    #[test]
    fn what_is_no_wish() {
        for env in [
            "constraint:node",
            "constraint:==n1",
            "affinity:x==/a.*/",
            "constraint:",
        ] {
            assert!(wishes(json!({ "Env": [env] })).0.is_err(), "{env}");
        }
        for label in ["n1", "{}", "[1]"] {
            assert!(
                wishes(json!({ "Labels": { CONSTRAINTS: label } })).0.is_err(),
                "{label}"
            );
        }
        let many: Vec<_> = (0..65).map(|n| format!("constraint:a=={n}")).collect();
        assert!(wishes(json!({ "Env": many })).0.is_err());
        let plain = json!({ "Env": ["A=b"], "Labels": null });
        let (found, body) = wishes(plain.clone());
        assert!(found.unwrap().is_empty());
        assert_eq!(body, plain);
    }

    #[test]
    fn values_and_patterns() {
        for (pattern, text, expected) in [
            ("n1", "n1", true),
            ("n1", "n10", false),
            ("n*", "n10", true),
            ("*", "", true),
            ("*1", "n1", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
        assert_eq!(Wish::parse("a!=b==c").unwrap(), wish("a", false, false, "b==c"));
        assert_eq!(Wish::parse("a==~b").unwrap(), wish("a", true, true, "b"));
        assert!(wish("node", true, false, "n*").names(["x", "n2"]));
    }

    #[test]
    fn nodes_before_names() {
        for (name, expected) in [
            ("n1/web", Some(("n1", "web"))),
            ("/n1/web", Some(("n1", "web"))),
            ("/web", None),
            ("web", None),
        ] {
            assert_eq!(node_of(name), expected, "{name}");
        }
    }
}
