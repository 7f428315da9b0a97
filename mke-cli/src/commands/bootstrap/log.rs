//! Log lines of the bootstrapper, in the form that existing installers read: `time="…" level=… msg="…"`, or JSON with the
//! same three fields.

use std::io::Write as _;

use mke_agent::install::{Level, Progress};
use mke_core::time::{Clock as _, SystemClock};
use serde_json::json;

/// Writes lines on standard error.
pub(super) struct Log {
    json: bool,
    debug: bool,
}

impl Log {
    /// A log on standard error.
    pub(super) fn to_stderr(json: bool, debug: bool) -> Self {
        Self { json, debug }
    }

    /// Why the command failed: the last line.
    pub(super) fn fatal(&self, text: &str) {
        self.write("fatal", text);
    }

    fn write(&self, level: &str, text: &str) {
        let line = line(self.json, &SystemClock.now().to_string(), level, text);
        // Whoever reads no log must not make the installation fail.
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    }
}

impl Progress for Log {
    fn say(&self, level: Level, text: &str) {
        if level > Level::Debug || self.debug {
            self.write(level.as_str(), text);
        }
    }
}

fn line(as_json: bool, time: &str, level: &str, text: &str) -> String {
    if as_json {
        return json!({ "level": level, "msg": text, "time": time }).to_string();
    }
    format!("time=\"{time}\" level={level} msg={}", quoted(text))
}

/// In quotes, with what would end the line or the quotes escaped.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => quoted.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CLI-004: both forms, one line each, whatever the text holds.
    #[test]
    fn lines() {
        let text = "pulled \"a\\b\"\nnext\u{1b}[0m";
        let shown = line(false, "2026-01-02T03:04:05Z", "warning", text);
        assert_eq!(
            shown,
            r#"time="2026-01-02T03:04:05Z" level=warning msg="pulled \"a\\b\"\nnext\x1b[0m""#
        );
        let shown = line(true, "2026-01-02T03:04:05Z", "info", text);
        assert!(!shown.contains('\n'));
        let read: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(
            (&read["level"], &read["msg"], &read["time"]),
            (&json!("info"), &json!(text), &json!("2026-01-02T03:04:05Z"))
        );
    }
}
