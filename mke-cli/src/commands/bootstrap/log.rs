//! Log lines of the bootstrapper, in the form that existing installers read: `time="…" level=… msg="…"`, or JSON with the
//! same three fields.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use mke_agent::install::{Around, Level, Progress};
use mke_core::time::{Clock as _, SystemClock};
use serde_json::json;

/// The file in which lines are kept.
const FILE: &str = "ucp-bootstrap.log";

/// Writes lines on standard error.
pub(super) struct Log {
    json: bool,
    debug: bool,
    /// Every line is also kept here, those for whoever looks for a fault too.
    kept: Option<Mutex<File>>,
}

impl Log {
    /// A log on standard error.
    pub(super) fn to_stderr(json: bool, debug: bool) -> Self {
        Self {
            json,
            debug,
            kept: None,
        }
    }

    /// Keeps every line in a file of this directory as well, when that exists: the images have none of their own, so somebody
    /// mounted it. On the host nothing is written there.
    pub(super) fn kept_in(mut self, directory: impl AsRef<Path>, around: &Around) -> Self {
        if around.in_container && directory.as_ref().is_dir() {
            let path = directory.as_ref().join(FILE);
            match OpenOptions::new().create(true).append(true).open(&path) {
                Ok(file) => self.kept = Some(Mutex::new(file)),
                Err(error) => self.warn(&format!("no log is kept in {}: {error}", path.display())),
            }
        }
        self
    }

    /// Why the command failed: the last line.
    pub(super) fn fatal(&self, text: &str) {
        self.write("fatal", text);
    }

    fn write(&self, level: &str, text: &str) {
        let line = line(self.json, &SystemClock.now().to_string(), level, text);
        self.keep(&line);
        // Whoever reads no log must not make the installation fail.
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    }

    fn keep(&self, line: &str) {
        if let Some(file) = &self.kept {
            // As above: a full disk is no reason to leave an installation half removed.
            let _ = writeln!(file.lock().unwrap_or_else(PoisonError::into_inner), "{line}");
        }
    }
}

impl Progress for Log {
    fn say(&self, level: Level, text: &str) {
        if level > Level::Debug || self.debug {
            self.write(level.as_str(), text);
        } else {
            self.keep(&line(
                self.json,
                &SystemClock.now().to_string(),
                level.as_str(),
                text,
            ));
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

    /// UNI-006: with a directory for logs every line stays, also those that are not shown; without one, and outside of the
    /// container, nothing is written.
    #[test]
    fn lines_that_stay() {
        let container = Around {
            in_container: true,
            ..Around::default()
        };
        let directory = tempfile::tempdir().unwrap();
        let kept = || std::fs::read_to_string(directory.path().join(FILE)).unwrap_or_default();
        let absent = directory.path().join("absent");
        for (place, around) in [(directory.path(), &Around::default()), (&absent, &container)] {
            Log::to_stderr(false, false)
                .kept_in(place, around)
                .info("no trace");
        }
        assert_eq!((kept(), absent.exists()), (String::new(), false));
        for text in ["first run", "second run"] {
            let log = Log::to_stderr(false, false).kept_in(directory.path(), &container);
            log.debug(text);
            log.fatal("why it failed");
        }
        let lines: Vec<String> = kept().lines().map(str::to_owned).collect();
        assert_eq!(lines.len(), 4, "{lines:?}");
        assert!(
            lines[0].contains("level=debug msg=\"first run\"") && lines[3].contains("level=fatal"),
            "{lines:?}"
        );
    }

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
