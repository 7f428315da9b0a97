//! Reading: one JSON record per line, of either kind.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use serde_json::Value;

use super::{AuditLog, Coverage, EngineUse, KubernetesUse, LogEntry, LogUser, Logged, LoggedCheck, Outcome};

/// How many complaints about lines are kept.
const COMPLAINTS: usize = 5;

/// Longest line, in bytes. Records hold bodies of at most 64 KiB; longer lines are no records.
const MAX_LINE: usize = 1 << 20;

/// The API group of Kubernetes audit events.
const EVENTS: &str = "audit.k8s.io/";

/// Reads a log line by line and condenses it on the way.
#[derive(Debug, Default)]
pub struct LogReader {
    coverage: Coverage,
    entries: Vec<LogEntry>,
    known: HashMap<String, usize>,
    /// Requests whose answer has begun; their end is no second request.
    begun: HashSet<String>,
}

impl LogReader {
    /// Takes the next line. What cannot be read is counted and complained about in [`Coverage`].
    pub fn line(&mut self, line: &str) {
        let line = line.trim();
        if line.is_empty() {
            return;
        }
        self.coverage.lines += 1;
        if line.len() > MAX_LINE {
            return self.complain("is longer than a record can be");
        }
        match serde_json::from_str::<Value>(line) {
            Ok(value) => self.value(value),
            Err(error) => self.complain(&format!("is no JSON: {error}")),
        }
    }

    /// What was read.
    pub fn finish(self) -> AuditLog {
        AuditLog {
            coverage: self.coverage,
            entries: self.entries,
        }
    }

    fn value(&mut self, mut value: Value) {
        if let Some(record) = value.get_mut("audit") {
            let record = record.take();
            return match serde_json::from_value::<Record>(record) {
                Ok(record) => self.record(record),
                Err(error) => self.complain(&format!("is no record of the controller: {error}")),
            };
        }
        let version = value
            .get("apiVersion")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if !version.starts_with(EVENTS) {
            return self.complain("is neither a record of the controller nor a Kubernetes audit event");
        }
        if let Some(Value::Array(items)) = value.get_mut("items").map(Value::take) {
            return items.into_iter().for_each(|item| self.event(item));
        }
        self.event(value);
    }

    fn event(&mut self, value: Value) {
        match serde_json::from_value::<Event>(value) {
            Ok(event) => self.kubernetes(event),
            Err(error) => self.complain(&format!("is no Kubernetes audit event: {error}")),
        }
    }

    fn complain(&mut self, problem: &str) {
        self.coverage.unreadable += 1;
        if self.coverage.complaints.len() < COMPLAINTS {
            let text = format!("line {} {problem}", self.coverage.lines);
            self.coverage.complaints.push(text);
        }
    }

    /// Whether this record stands for its request: that of the end, or of the beginning of an endless answer.
    fn counts(&mut self, stage: &str, id: &str) -> bool {
        let counts = match stage {
            "ResponseStarted" => self.begun.insert(id.to_owned()),
            "ResponseComplete" | "Panic" => !self.begun.remove(id),
            _ => false,
        };
        self.coverage.repeated += u64::from(!counts);
        counts
    }

    fn time(&mut self, time: &str) {
        if time.is_empty() {
            return;
        }
        let coverage = &mut self.coverage;
        if coverage.first.as_deref().is_none_or(|first| time < first) {
            coverage.first = Some(time.to_owned());
        }
        if coverage.last.as_deref().is_none_or(|last| time > last) {
            coverage.last = Some(time.to_owned());
        }
    }

    fn record(&mut self, record: Record) {
        if !self.counts(&record.stage, &record.audit_id) {
            return;
        }
        self.time(&record.timestamp);
        let shown = record.level == "Request";
        let uri = match shown {
            true => &record.request_uri,
            false => &record.metadata.endpoint,
        };
        let Some(call) = EngineUse::read(
            &record.metadata.method,
            uri,
            record.request_object.as_ref(),
            shown,
        ) else {
            self.coverage.control_plane += 1;
            return;
        };
        self.coverage.without_bodies += u64::from(call.may_need_more());
        let outcome = match record.response_status.map(|status| status.code) {
            Some(403) => Outcome::Denied(
                record
                    .metadata
                    .missing
                    .map(|missing| missing.checks)
                    .unwrap_or_default(),
            ),
            Some(101 | 200..=399) => Outcome::Allowed,
            _ => Outcome::Unclear,
        };
        let user = LogUser {
            id: record.user.uid,
            name: record.user.username,
            groups: Vec::new(),
        };
        self.add(user, Logged::Engine(call), outcome, record.timestamp);
    }

    fn kubernetes(&mut self, event: Event) {
        if !self.counts(&event.stage, &event.audit_id) {
            return;
        }
        let time = event
            .stage_timestamp
            .or(event.request_received_timestamp)
            .unwrap_or_default();
        self.time(&time);
        let decision = event.annotations.get("authorization.k8s.io/decision");
        let code = event.response_status.map(|status| status.code);
        let outcome = match (decision.map(String::as_str), code) {
            (Some("allow"), _) => Outcome::Allowed,
            (Some("forbid"), _) | (None, Some(403)) => Outcome::Denied(Vec::new()),
            (None, Some(200..=399 | 101)) => Outcome::Allowed,
            _ => Outcome::Unclear,
        };
        let request = match event.object_ref {
            Some(object) => KubernetesUse {
                verb: event.verb,
                group: object.api_group,
                resource: Some(object.resource),
                subresource: object.subresource.filter(|text| !text.is_empty()),
                name: object.name.filter(|text| !text.is_empty()),
                namespace: object.namespace.filter(|text| !text.is_empty()),
                path: None,
            },
            None => KubernetesUse {
                verb: event.verb,
                path: event.request_uri.split('?').next().map(str::to_owned),
                ..KubernetesUse::default()
            },
        };
        // Who acts for somebody else used a right for that too; the request itself is the other one's.
        if let Some(other) = event.impersonated_user {
            for right in impersonation(&other) {
                self.add(
                    event.user.user(),
                    Logged::Kubernetes(right),
                    Outcome::Allowed,
                    time.clone(),
                );
            }
            return self.add(other.user(), Logged::Kubernetes(request), outcome, time);
        }
        self.add(event.user.user(), Logged::Kubernetes(request), outcome, time);
    }

    fn add(&mut self, user: LogUser, request: Logged, outcome: Outcome, last: String) {
        self.coverage.requests += 1;
        let entry = LogEntry {
            user,
            request,
            outcome,
            count: 0,
            last: String::new(),
        };
        // Two entries are the same when all of their fields are.
        let key = serde_json::to_string(&entry).unwrap_or_default();
        let next = self.entries.len();
        let at = *self.known.entry(key).or_insert(next);
        if at == next {
            self.entries.push(entry);
        }
        if let Some(entry) = self.entries.get_mut(at) {
            entry.count += 1;
            if last > entry.last {
                entry.last = last;
            }
        }
    }
}

/// The rights that acting for somebody needs (R88).
fn impersonation(other: &EventUser) -> Vec<KubernetesUse> {
    let named = |group: &str, resource: &str, name: &str, namespace: Option<&str>| KubernetesUse {
        verb: "impersonate".to_owned(),
        group: group.to_owned(),
        resource: Some(resource.to_owned()),
        name: Some(name.to_owned()),
        namespace: namespace.map(str::to_owned),
        ..KubernetesUse::default()
    };
    let account = other.username.strip_prefix("system:serviceaccount:");
    match account.and_then(|account| account.split_once(':')) {
        // The groups of a service account come by themselves.
        Some((namespace, name)) => vec![named("", "serviceaccounts", name, Some(namespace))],
        None => {
            let groups = other
                .groups
                .iter()
                .filter(|group| *group != "system:authenticated");
            let user = named("", "users", &other.username, None);
            [user]
                .into_iter()
                .chain(groups.map(|group| named("", "groups", group, None)))
                .collect()
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    metadata: Metadata,
    #[serde(default)]
    level: String,
    #[serde(default)]
    timestamp: String,
    #[serde(default, rename = "auditID")]
    audit_id: String,
    stage: String,
    #[serde(default, rename = "requestURI")]
    request_uri: String,
    #[serde(default)]
    user: User,
    response_status: Option<Status>,
    request_object: Option<Value>,
}

#[derive(Deserialize)]
struct Metadata {
    method: String,
    endpoint: String,
    #[serde(default)]
    missing: Option<MissingRights>,
}

#[derive(Deserialize)]
struct MissingRights {
    #[serde(default)]
    checks: Vec<LoggedCheck>,
}

#[derive(Default, Deserialize)]
struct User {
    #[serde(default)]
    username: String,
    #[serde(default)]
    uid: String,
}

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    code: u16,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(default, rename = "auditID")]
    audit_id: String,
    stage: String,
    #[serde(default, rename = "requestURI")]
    request_uri: String,
    verb: String,
    user: EventUser,
    impersonated_user: Option<EventUser>,
    object_ref: Option<ObjectReference>,
    response_status: Option<Status>,
    stage_timestamp: Option<String>,
    request_received_timestamp: Option<String>,
    #[serde(default)]
    annotations: HashMap<String, String>,
}

#[derive(Deserialize)]
struct EventUser {
    #[serde(default)]
    username: String,
    #[serde(default)]
    groups: Vec<String>,
}

impl EventUser {
    fn user(&self) -> LogUser {
        LogUser {
            id: String::new(),
            name: self.username.clone(),
            groups: self.groups.clone(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectReference {
    #[serde(default)]
    resource: String,
    subresource: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
    #[serde(default)]
    api_group: String,
}
