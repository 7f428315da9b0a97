//! Pruning without a prune call: list what is unused, keep what the caller may remove, remove that one by one.
//!
//! The Engine's own prune call removes everything unused on the node, whoever it belongs to.

use serde_json::{Map, Value, json};

use super::NEWEST_API;
use super::answer::{Viewer, home};
use super::call::{Call, CallError};
use super::draft::text;
use super::endpoint::AnswerKind;
use super::forward::{Forward, ForwardBody};
use super::path::join;
use super::query::Query;
use crate::demand::ObjectKind;
use crate::operation::Operation;

/// A prune call, as the calls that it stands for.
#[derive(Debug, Clone)]
pub struct Prune {
    kind: ObjectKind,
    each: Operation,
    labels: Vec<String>,
    without_labels: Vec<String>,
    until: Option<Until>,
}

/// One object to remove.
#[derive(Debug, Clone, PartialEq)]
pub struct Removal {
    /// Its full id, for volumes the name.
    pub id: String,
    /// The bytes that it occupies, as far as the list tells.
    pub bytes: u64,
    /// The call that removes it.
    pub forward: Forward,
}

/// The filter `until`: only what was created before.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Until {
    /// Seconds since 1970.
    Time(f64),
    /// Seconds ago.
    Age(f64),
}

impl Call {
    /// The calls that this prune call stands for; nothing for other calls.
    ///
    /// # Errors
    /// Filters that are not `label`, `label!` or, for containers, `until`.
    pub fn prune(&self) -> Result<Option<Prune>, CallError> {
        let AnswerKind::Prune { kind, each } = self.endpoint.answer else {
            return Ok(None);
        };
        let mut prune = Prune {
            kind,
            each,
            labels: Vec::new(),
            without_labels: Vec::new(),
            until: None,
        };
        let filters = self.query.one("filters")?.unwrap_or("{}");
        let filters: Map<String, Value> = serde_json::from_str(filters).unwrap_or_default();
        for (name, values) in &filters {
            for value in values.as_array().into_iter().flatten().map(text) {
                match name.as_str() {
                    "label" => prune.labels.push(value.to_owned()),
                    "label!" => prune.without_labels.push(value.to_owned()),
                    "until" if kind == ObjectKind::Container && prune.until.is_none() => {
                        prune.until = Some(until(value).ok_or(CallError::Value {
                            place: "filter until".to_owned(),
                            why: "must be an age such as `24h` or seconds since 1970",
                        })?);
                    }
                    _ => {
                        return Err(CallError::Value {
                            place: format!("filter {}", name.escape_debug()),
                            why: "cannot be used here; use `label` or `label!`",
                        });
                    }
                }
            }
        }
        Ok(Some(prune))
    }
}

impl Prune {
    /// The call that lists what is unused.
    pub fn listing(&self) -> Forward {
        let (path, unused, more): (_, _, &[(&str, &str)]) = match self.kind {
            ObjectKind::Container => (
                "containers/json",
                json!({ "status": ["created", "exited", "dead"] }),
                &[("all", "1"), ("size", "1")],
            ),
            _ => ("volumes", json!({ "dangling": ["true"] }), &[]),
        };
        let mut query = Query::default();
        for (name, value) in more {
            query.set(name, (*value).to_owned());
        }
        let mut filters = unused;
        if !self.labels.is_empty() {
            filters["label"] = Value::from(self.labels.clone());
        }
        query.set("filters", filters.to_string());
        call("GET", format!("/v{NEWEST_API}/{path}?{query}"))
    }

    /// The removals of what the caller may remove. `listed` is the Engine's answer to [`Prune::listing`], `now` is in
    /// seconds since 1970.
    pub fn removals(&self, listed: &Value, now: f64, viewer: &Viewer<'_>) -> Vec<Removal> {
        let (items, id) = match self.kind {
            ObjectKind::Container => (listed, "Id"),
            _ => (&listed["Volumes"], "Name"),
        };
        let removable =
            |item: &&Value| viewer.admin || (viewer.may)(self.each, &home(self.kind, item, viewer));
        items
            .as_array()
            .into_iter()
            .flatten()
            .filter(|item| self.matches(item, now))
            .filter(removable)
            .filter_map(|item| {
                let id = item[id].as_str()?.to_owned();
                let family = match self.kind {
                    ObjectKind::Container => "containers",
                    _ => "volumes",
                };
                let path = join([family, id.as_str()].into_iter());
                Some(Removal {
                    bytes: item["SizeRw"].as_u64().unwrap_or(0),
                    forward: call("DELETE", format!("/v{NEWEST_API}{path}")),
                    id,
                })
            })
            .collect()
    }

    /// The answer to the prune call, from the removals that the Engine carried out.
    pub fn answer<'r>(&self, removed: impl IntoIterator<Item = &'r Removal>) -> Value {
        let field = match self.kind {
            ObjectKind::Container => "ContainersDeleted",
            _ => "VolumesDeleted",
        };
        let mut ids = Vec::new();
        let mut bytes = 0u64;
        for removal in removed {
            ids.push(removal.id.clone());
            bytes = bytes.saturating_add(removal.bytes);
        }
        json!({ field: ids, "SpaceReclaimed": bytes })
    }

    /// The filters that list calls do not have.
    fn matches(&self, item: &Value, now: f64) -> bool {
        let labels = item["Labels"].as_object();
        let has = |wanted: &String| {
            let (key, value) = match wanted.split_once('=') {
                Some((key, value)) => (key, Some(value)),
                None => (wanted.as_str(), None),
            };
            labels
                .and_then(|labels| labels.get(key))
                .is_some_and(|found| value.is_none_or(|value| text(found) == value))
        };
        let before = match self.until {
            None => return !self.without_labels.iter().any(has),
            Some(Until::Time(time)) => time,
            Some(Until::Age(age)) => now - age,
        };
        // What does not tell its age is kept.
        let old = item["Created"].as_f64().is_some_and(|created| created < before);
        old && !self.without_labels.iter().any(has)
    }
}

fn call(method: &'static str, path_and_query: String) -> Forward {
    Forward {
        method,
        path_and_query,
        body: ForwardBody::None,
        headers: &[],
    }
}

/// Seconds since 1970, or an age in Go's form: `1h30m`.
fn until(text: &str) -> Option<Until> {
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return text.parse().ok().map(Until::Time);
    }
    let mut rest = text;
    let mut age = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, behind) = rest.split_at(digits);
        let end = behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(end);
        let seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            _ => return None,
        };
        age += number.parse::<f64>().ok()? * seconds;
        rest = behind;
    }
    Some(Until::Age(age))
}
