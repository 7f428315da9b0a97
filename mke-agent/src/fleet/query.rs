//! What a list call asks for, taken apart: what the nodes are asked, and what is looked at here. Pure.
//!
//! Kept lists answer what can be told from an item of a list. For everything else the engines are asked, each for itself;
//! only what no single engine knows is decided here: which node, and what was made before or after a container that is
//! on another node.

use std::collections::BTreeMap;

use mke_rbac::engine::{NEWEST_API, Query};
use serde_json::Value;

use super::container::Container;
use crate::engine::lookup::escaped_query;

/// What an engine knows as a state.
const STATES: [&str; 7] = [
    "created",
    "dead",
    "exited",
    "paused",
    "removing",
    "restarting",
    "running",
];
/// What counts as running unless all are asked for.
const RUNNING: [&str; 3] = ["paused", "restarting", "running"];

/// A list call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListQuery {
    version: String,
    path: String,
    parameters: Vec<(String, String)>,
    filters: BTreeMap<String, Vec<String>>,
    /// Names or ids of the nodes that are asked for; empty for all.
    pub nodes: Vec<String>,
    /// Full ids of containers; only what is older than them is listed.
    pub before: Vec<String>,
    /// Full ids of containers; only what is younger than them is listed.
    pub since: Vec<String>,
}

impl ListQuery {
    /// Takes a call apart as it would be sent to one engine. Nothing for what is no list call.
    pub fn read(path_and_query: &str) -> Option<Self> {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let (version, path) = path.strip_prefix("/v")?.split_once('/')?;
        let query = Query::parse(query).ok()?;
        let mut list = Self {
            version: version.to_owned(),
            path: format!("/{path}"),
            parameters: Vec::new(),
            filters: BTreeMap::new(),
            nodes: Vec::new(),
            before: Vec::new(),
            since: Vec::new(),
        };
        for (name, value) in query.pairs() {
            match name {
                "filters" if !value.is_empty() => {
                    let filters: BTreeMap<String, Vec<String>> = serde_json::from_str(value).ok()?;
                    list.filters.extend(filters);
                }
                "before" if !value.is_empty() => list.before.push(value.to_owned()),
                "since" if !value.is_empty() => list.since.push(value.to_owned()),
                _ if value.is_empty() => {}
                _ => list.parameters.push((name.to_owned(), value.to_owned())),
            }
        }
        list.nodes = list.filters.remove("node").unwrap_or_default();
        if list.path == "/containers/json" {
            list.before
                .extend(list.filters.remove("before").unwrap_or_default());
            list.since
                .extend(list.filters.remove("since").unwrap_or_default());
        }
        list.filters.retain(|_, values| !values.is_empty());
        Some(list)
    }

    /// Whether the kept lists of containers hold the answer.
    pub fn kept_containers(&self) -> bool {
        let known = |(name, values): (&String, &Vec<String>)| match name.as_str() {
            "label" => true,
            "status" => values.iter().all(|value| STATES.contains(&value.as_str())),
            _ => false,
        };
        self.version == NEWEST_API
            && self.filters.iter().all(known)
            && self.parameters.iter().all(|(name, _)| name == "all")
    }

    /// Whether the kept lists of other objects hold the answer.
    pub fn kept_objects(&self) -> bool {
        self.version == NEWEST_API
            && self.filters.is_empty()
            && self.parameters.iter().all(|(_, value)| off(value))
    }

    /// Whether a kept container is asked for, as far as filters go.
    pub fn wants(&self, container: &Container) -> bool {
        let all = self
            .parameters
            .iter()
            .any(|(name, value)| name == "all" && !off(value));
        let by_state = match self.filters.get("status") {
            Some(states) => states.contains(&container.state),
            None => all || RUNNING.contains(&container.state.as_str()),
        };
        let labels = self.filters.get("label").map(Vec::as_slice).unwrap_or_default();
        by_state
            && labels.iter().all(|wanted| {
                let (key, value) = match wanted.split_once('=') {
                    Some((key, value)) => (key, Some(value)),
                    None => (wanted.as_str(), None),
                };
                let found = container.labels.get(key).and_then(Value::as_str);
                found.is_some_and(|found| value.is_none_or(|value| value == found))
            })
    }

    /// The question for each engine.
    pub fn for_engine(&self) -> String {
        let mut query: Vec<String> = self
            .parameters
            .iter()
            .map(|(name, value)| format!("{}={}", escaped_query(name), escaped_query(value)))
            .collect();
        if !self.filters.is_empty() {
            let filters = serde_json::json!(self.filters).to_string();
            query.push(format!("filters={}", escaped_query(&filters)));
        }
        let mark = if query.is_empty() { "" } else { "?" };
        format!("/v{}{}{mark}{}", self.version, self.path, query.join("&"))
    }
}

/// As the engine reads switches.
fn off(value: &str) -> bool {
    matches!(
        value.trim().to_lowercase().as_str(),
        "" | "0" | "no" | "false" | "none"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn list(query: &str) -> ListQuery {
        ListQuery::read(&format!("/v1.41/containers/json{query}")).unwrap()
    }

    /// DAPI-007: states and labels are told from kept lists; what cannot be told from them is asked.
    #[test]
    fn who_answers() {
        for (query, kept, engine) in [
            ("", true, "/v1.41/containers/json"),
            ("?all=1", true, "/v1.41/containers/json?all=1"),
            ("?all=1&size=1", false, "/v1.41/containers/json?all=1&size=1"),
            (
                "?filters=%7B%22status%22%3A%5B%22exited%22%5D%7D",
                true,
                "/v1.41/containers/json?filters=%7B%22status%22%3A%5B%22exited%22%5D%7D",
            ),
            (
                "?filters=%7B%22status%22%3A%5B%22odd%22%5D%7D",
                false,
                "/v1.41/containers/json?filters=%7B%22status%22%3A%5B%22odd%22%5D%7D",
            ),
            (
                "?filters=%7B%22name%22%3A%5B%22a%22%5D%2C%22node%22%3A%5B%22n1%22%5D%7D",
                false,
                "/v1.41/containers/json?filters=%7B%22name%22%3A%5B%22a%22%5D%7D",
            ),
            (
                "?filters=%7B%22node%22%3A%5B%22n1%22%5D%7D",
                true,
                "/v1.41/containers/json",
            ),
            (
                "?before=aa&filters=%7B%22since%22%3A%5B%22bb%22%5D%7D",
                true,
                "/v1.41/containers/json",
            ),
        ] {
            let list = list(query);
            assert_eq!(list.kept_containers(), kept, "{query}");
            assert_eq!(list.for_engine(), engine, "{query}");
        }
        assert_eq!(list("?before=aa").before, ["aa"]);
        let old = ListQuery::read("/v1.24/containers/json").unwrap();
        assert!(!old.kept_containers() && !old.kept_objects());
        assert!(ListQuery::read("/v1.41/networks").unwrap().kept_objects());
        assert!(
            ListQuery::read("/v1.41/images/json?all=0")
                .unwrap()
                .kept_objects()
        );
        assert!(
            !ListQuery::read("/v1.41/images/json?digests=1")
                .unwrap()
                .kept_objects()
        );
        assert!(ListQuery::read("/networks").is_none());
    }

    /// DAPI-007: as the engine filters.
    #[test]
    fn what_is_asked_for() {
        let container = |state: &str| {
            let item =
                serde_json::json!([{ "Id": "a", "Names": ["/a"], "State": state, "Labels": { "k": "v" } }]);
            super::super::container::read(item.to_string().as_bytes(), "n", Instant::now())
                .unwrap()
                .remove(0)
        };
        let filters = |filters: Value| format!("?filters={}", escaped_query(&filters.to_string()));
        for (query, state, expected) in [
            (String::new(), "running", true),
            (String::new(), "paused", true),
            (String::new(), "exited", false),
            ("?all=true".to_owned(), "exited", true),
            ("?all=False".to_owned(), "exited", false),
            (
                filters(serde_json::json!({ "status": ["exited", "dead"] })),
                "exited",
                true,
            ),
            (
                filters(serde_json::json!({ "status": ["exited"] })),
                "running",
                false,
            ),
            (filters(serde_json::json!({ "label": ["k"] })), "running", true),
            (filters(serde_json::json!({ "label": ["k=v"] })), "exited", false),
            (
                filters(serde_json::json!({ "label": ["k=v", "x"] })),
                "running",
                false,
            ),
            (filters(serde_json::json!({ "label": ["k=w"] })), "running", false),
        ] {
            assert_eq!(list(&query).wants(&container(state)), expected, "{query} {state}");
        }
    }
}
