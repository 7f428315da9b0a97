//! Audit records: who asked for what, when, from where, and what came of it.
//!
//! One record is one line of JSON in pure ASCII, whatever the request contained, so that nobody can break,
//! forge or hide a line (audit-01, audit-02). A write is recorded before it is done; when that record cannot be
//! written the request is refused (audit-05). This module decides nothing about access.

mod notes;
mod redact;

pub use notes::Notes;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use http::{Method, StatusCode};
use mke_core::config::AuditLevel;
use mke_core::time::Timestamp;
use serde::Serialize;
use serde_json::Value;

use redact::redact_query;

use super::live::Logs;

/// Whether and how an endpoint is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recording {
    /// Recorded, at the level `request` with its body.
    Full,
    /// Recorded, but its body never.
    NoBody,
    /// Not recorded (AUD-005).
    Ignored,
}

/// Where records go.
pub struct Audit {
    sink: Mutex<Box<dyn Write + Send>>,
    /// Records are a part of the controller's log, so they go where that is sent (AUD-004, CFG-007).
    logs: Logs,
}

/// When in the life of a request a record was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Stage {
    /// Before a write is done.
    RequestReceived,
    /// The answer has begun and goes on as a stream.
    ResponseStarted,
    /// The answer is complete.
    ResponseComplete,
    /// The program failed while it handled the request.
    Panic,
}

/// The moment of a record.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// How far the request is.
    pub stage: Stage,
    /// The time.
    pub now: Timestamp,
    /// The status of the answer, once there is one.
    pub status: Option<StatusCode>,
}

/// What is known of a request from its arrival on.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// A random id that all records of the request share.
    pub id: String,
    /// When it came.
    pub received: Timestamp,
    /// Its method.
    pub method: Method,
    /// Its path as sent.
    pub path: String,
    /// Its query as sent.
    pub query: Option<String>,
    /// The other end of the connection.
    pub peer: SocketAddr,
}

/// Who asked, as far as it was found out.
#[derive(Debug, Clone, Default)]
pub struct Asker {
    /// The account's name; empty without a valid credential.
    pub name: String,
    /// The account's id.
    pub id: String,
}

#[derive(Serialize)]
struct Envelope<'a> {
    audit: Record<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    metadata: Metadata<'a>,
    level: &'static str,
    timestamp: Timestamp,
    #[serde(rename = "auditID")]
    audit_id: &'a str,
    stage: Stage,
    #[serde(rename = "requestURI")]
    request_uri: String,
    verb: String,
    user: User<'a>,
    #[serde(rename = "sourceIPs")]
    source_ips: [String; 1],
    request_received_timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_status: Option<ResponseStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_object: Option<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    method: &'a str,
    endpoint: &'a str,
    remote_address: String,
    license_key: &'static str,
    #[serde(rename = "objectIDs", skip_serializing_if = "Vec::is_empty")]
    object_ids: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<&'static str>,
}

#[derive(Serialize)]
struct User<'a> {
    username: &'a str,
    uid: &'a str,
}

#[derive(Serialize)]
struct ResponseStatus {
    code: u16,
}

impl Audit {
    /// Records go to `sink`, one line each, and to the remote syslog of `logs`, if it has one. What counts is the sink:
    /// a record is written when that has taken it.
    pub fn new(sink: Box<dyn Write + Send>, logs: Logs) -> Self {
        Self {
            sink: Mutex::new(sink),
            logs,
        }
    }

    /// Writes one record. Nothing is written at the level `Off`. When this returns without error the line has
    /// been handed to the operating system.
    pub fn record(
        &self,
        level: AuditLevel,
        moment: Moment,
        arrival: &Arrival,
        asker: &Asker,
        notes: &Notes,
    ) -> io::Result<()> {
        let (level_name, with_body) = match level {
            AuditLevel::Off => return Ok(()),
            AuditLevel::Metadata => ("Metadata", false),
            AuditLevel::Request => ("Request", true),
        };
        let noted = notes.taken();
        let asker = noted.asker.as_ref().unwrap_or(asker);
        let endpoint = arrival.path.as_str();
        let request_uri = match (&arrival.query, with_body) {
            (Some(query), true) => format!("{endpoint}?{}", redact_query(query)),
            _ => endpoint.to_owned(),
        };
        let record = Record {
            metadata: Metadata {
                method: arrival.method.as_str(),
                endpoint,
                remote_address: arrival.peer.to_string(),
                license_key: "unlicensed",
                object_ids: noted.object_ids,
                missing: noted.missing,
                source: noted.change.map(|(source, _)| source.as_str()),
                change: noted.change.map(|(_, what)| what),
            },
            level: level_name,
            timestamp: moment.now,
            audit_id: &arrival.id,
            stage: moment.stage,
            request_uri,
            verb: arrival.method.as_str().to_ascii_lowercase(),
            user: User {
                username: &asker.name,
                uid: &asker.id,
            },
            source_ips: [arrival.peer.ip().to_string()],
            request_received_timestamp: arrival.received,
            response_status: moment.status.map(|status| ResponseStatus {
                code: status.as_u16(),
            }),
            request_object: noted.body.filter(|_| with_body),
        };
        self.write(moment.now, &Envelope { audit: record })
    }

    fn write(&self, at: Timestamp, value: &impl Serialize) -> io::Result<()> {
        let mut line = Vec::with_capacity(512);
        value.serialize(&mut serde_json::Serializer::with_formatter(&mut line, Ascii))?;
        line.push(b'\n');
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        sink.write_all(&line)?;
        sink.flush()?;
        drop(sink);
        if let Ok(text) = std::str::from_utf8(&line) {
            self.logs.audit(at, text);
        }
        Ok(())
    }
}

/// Writes JSON without any character that a terminal or a line reader could take for something else.
struct Ascii;

impl serde_json::ser::Formatter for Ascii {
    fn write_string_fragment<W: Write + ?Sized>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(|c: char| !(' '..='~').contains(&c)) {
            let (plain, unusual) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            let mut chars = unusual.chars();
            if let Some(c) = chars.next() {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
            rest = chars.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

/// Whether requests to a path are left out (AUD-005). Logins are not: only the registry check `/auth` is.
pub fn is_ignored(path: &str) -> bool {
    const EXACT: &[&str] = &[
        "/_ping",
        "/ca",
        "/auth",
        "/trustedregistryca",
        "/kubeauth",
        "/metrics",
        "/info",
        "/openid_keys",
    ];
    const WHOLE_TREES: &[&str] = &["/version", "/debug", "/apidocs", "/kubernetesdocs", "/manage"];
    EXACT.contains(&path)
        || WHOLE_TREES.iter().any(|tree| {
            path.strip_prefix(tree)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, mpsc};

    struct Sink(mpsc::Sender<Vec<u8>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0
                .send(bytes.to_vec())
                .map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn record(level: AuditLevel, path: &str, query: Option<&str>, notes: &Notes) -> Option<String> {
        let (sender, lines) = mpsc::channel();
        let audit = Audit::new(Box::new(Sink(sender)), Logs::default());
        let arrival = Arrival {
            id: "id-1".into(),
            received: Timestamp::from_secs(1),
            method: Method::POST,
            path: path.into(),
            query: query.map(str::to_owned),
            peer: "192.0.2.1:1234".parse().unwrap(),
        };
        let asker = Asker {
            name: "jane".into(),
            id: "u1".into(),
        };
        audit
            .record(
                level,
                Moment {
                    stage: Stage::ResponseComplete,
                    now: Timestamp::from_secs(2),
                    status: Some(StatusCode::CREATED),
                },
                &arrival,
                &asker,
                notes,
            )
            .unwrap();
        lines.try_recv().ok().map(|line| String::from_utf8(line).unwrap())
    }

    /// AUD-001, AUD-002, AUD-003, AUD-010: the envelope, and what each level adds.
    #[test]
    fn levels() {
        let notes = Notes::default();
        notes.object_id("o1");
        notes.set_recording(Recording::Full);
        notes.body(br#"{"Name":"web"}"#);
        assert_eq!(record(AuditLevel::Off, "/x", None, &notes), None);
        let metadata = record(AuditLevel::Metadata, "/x", Some("name=web"), &notes).unwrap();
        assert!(
            !metadata.contains("web") && metadata.contains("\"o1\""),
            "{metadata}"
        );
        let value: Value = serde_json::from_str(&metadata).unwrap();
        for key in [
            "metadata",
            "level",
            "timestamp",
            "auditID",
            "stage",
            "requestURI",
            "verb",
            "user",
            "sourceIPs",
            "requestReceivedTimestamp",
        ] {
            assert!(value["audit"].get(key).is_some(), "{key} is missing");
        }
        assert_eq!(value["audit"]["user"]["username"], "jane");
        assert_eq!(value["audit"]["responseStatus"]["code"], 201);
        let request = record(AuditLevel::Request, "/x", Some("name=web"), &notes).unwrap();
        let value: Value = serde_json::from_str(&request).unwrap();
        assert_eq!(value["audit"]["requestObject"]["Name"], "web");
        assert_eq!(value["audit"]["requestURI"], "/x?name=web");
    }

    #[test]
    fn sec_audit_01_nothing_breaks_a_line() {
        let nasty = "/a\r\n\0\u{1b}[31m\u{202e}\u{2028}\u{7f}{\"audit\":\u{1f600}";
        let line = record(AuditLevel::Metadata, nasty, None, &Notes::default()).unwrap();
        assert!(line.ends_with('\n'));
        let text = line.trim_end_matches('\n');
        assert!(text.chars().all(|c| (' '..='~').contains(&c)), "{text}");
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(value["audit"]["requestURI"], nasty);
    }

    #[test]
    fn sec_audit_02_text_cannot_pass_for_a_record() {
        let path = "/{\"audit\":{\"auditID\":\"forged\"}}";
        let line = record(AuditLevel::Metadata, path, None, &Notes::default()).unwrap();
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["audit"]["auditID"], "id-1");
        assert_eq!(line.lines().count(), 1);
    }

    #[test]
    fn sec_authn_06_tokens_in_a_query_are_not_recorded() {
        let line = record(
            AuditLevel::Request,
            "/info",
            Some("token=abc&Auth_Token=def&x=1"),
            &Notes::default(),
        )
        .unwrap();
        assert!(
            !line.contains("abc") && !line.contains("def") && line.contains("x=1"),
            "{line}"
        );
    }

    /// AUD-005, audit-03: left out are exactly the listed endpoints; a login is recorded.
    #[test]
    fn ignored_endpoints() {
        for path in [
            "/_ping",
            "/ca",
            "/auth",
            "/version",
            "/version/x",
            "/info",
            "/metrics",
        ] {
            assert!(is_ignored(path), "{path}");
        }
        for path in [
            "/auth/login",
            "/id/login",
            "/versions",
            "/infos",
            "/_ping/x",
            "/accounts",
            "/",
        ] {
            assert!(!is_ignored(path), "{path}");
        }
    }

    #[test]
    fn a_broken_sink_is_an_error() {
        let (sender, lines) = mpsc::channel();
        drop(lines);
        let audit = Arc::new(Audit::new(Box::new(Sink(sender)), Logs::default()));
        assert!(audit.write(Timestamp::default(), &1).is_err());
    }
}
