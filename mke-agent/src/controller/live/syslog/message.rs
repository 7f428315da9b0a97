//! How a message is written: RFC 5424, one line of text without control characters, so that nobody can forge or break
//! a line of the remote log (audit-01).

use std::fmt::Write as _;

use mke_core::time::Timestamp;

/// Facility "system daemons".
const DAEMON: u8 = 3;
/// Facility "log audit".
const AUDIT: u8 = 13;
/// Severity "notice".
const NOTICE: u8 = 5;

/// What this program calls itself.
const APP_NAME: &str = "ucp-controller";
/// Longest host name (RFC 5424, section 6).
const MAX_HOST_NAME: usize = 255;

/// The fields of every message that do not change.
#[derive(Debug)]
pub(in super::super) struct Origin {
    host_name: String,
    process: u32,
}

impl Origin {
    /// This process on this machine.
    pub(in super::super) fn here(host_name: &str) -> Self {
        let printable = host_name.chars().filter(char::is_ascii_graphic);
        let mut host_name: String = printable.take(MAX_HOST_NAME).collect();
        if host_name.is_empty() {
            host_name.push('-');
        }
        Self {
            host_name,
            process: std::process::id(),
        }
    }

    /// A message of the program itself. `text` may hold anything.
    pub(super) fn log(&self, severity: u8, at: Timestamp, text: &str) -> Vec<u8> {
        let mut message = self.header(DAEMON * 8 + severity.min(7), at, "-");
        for c in text.chars() {
            if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}') {
                message.extend(c.escape_default());
            } else {
                message.push(c);
            }
        }
        message.into_bytes()
    }

    /// An audit record: a line of JSON in printable ASCII.
    pub(super) fn audit(&self, at: Timestamp, record: &str) -> Vec<u8> {
        let mut message = self.header(AUDIT * 8 + NOTICE, at, "audit");
        message.push_str(record.trim_end());
        message.into_bytes()
    }

    fn header(&self, priority: u8, at: Timestamp, kind: &str) -> String {
        let mut header = String::with_capacity(512);
        // Writing to a String cannot fail.
        let _ = write!(
            header,
            "<{priority}>1 {at} {} {APP_NAME} {} {kind} - ",
            self.host_name, self.process
        );
        header
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(host_name: &str) -> Origin {
        Origin {
            process: 42,
            ..Origin::here(host_name)
        }
    }

    /// CFG-007: the parts of RFC 5424 in their order.
    #[test]
    fn the_parts_of_a_message() {
        let at = Timestamp::from_millis(1_700_000_000_123);
        assert_eq!(
            String::from_utf8(origin("node-1").log(4, at, "careful")).unwrap(),
            "<28>1 2023-11-14T22:13:20.123Z node-1 ucp-controller 42 - - careful"
        );
        assert_eq!(
            String::from_utf8(origin("node-1").audit(at, "{\"audit\":1}\n")).unwrap(),
            "<109>1 2023-11-14T22:13:20.123Z node-1 ucp-controller 42 audit - {\"audit\":1}"
        );
    }

    #[test]
    fn sec_audit_01_nothing_breaks_a_line() {
        let nasty = "a\r\n<0>1 - forged\u{0}\u{1b}[31m\u{2028}\u{202e}\u{85}";
        let text = String::from_utf8(origin("a b\n").log(6, Timestamp::default(), nasty)).unwrap();
        assert!(text.chars().all(|c| !c.is_control()), "{text:?}");
        assert_eq!(text.lines().count(), 1);
        assert!(text.contains(" ab ucp-controller "), "{text}");
        assert!(origin("\u{e9}").host_name == "-");
    }
}
