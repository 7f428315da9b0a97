//! [`Config`] to text, every key listed.

use std::fmt::Write as _;

use super::Config;
use super::keys::{KEYS, Scalar};

impl Config {
    /// The whole configuration as TOML: tables in the documented order, keys indented by two spaces, one
    /// `key = value` a line, so that line tools can edit it.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        self.write_toml(&mut text, false);
        text
    }

    /// An example file: the defaults, each key with a comment that says what it does.
    pub fn example() -> String {
        let mut text = String::from("# The keys that the control plane knows, with their defaults.\n\n");
        Self::default().write_toml(&mut text, true);
        text
    }

    fn write_toml(&self, text: &mut String, comments: bool) {
        let mut current = "";
        for key in KEYS {
            if key.table != current {
                if !current.is_empty() {
                    text.push('\n');
                }
                current = key.table;
                let indent = "  ".repeat(current.matches('.').count());
                push(text, format_args!("{indent}[{current}]\n"));
            }
            let indent = "  ".repeat(current.matches('.').count() + 1);
            if comments {
                push(text, format_args!("{indent}# {}\n", key.about));
            }
            let value = match (key.get)(self) {
                Scalar::Bool(value) => value.to_string(),
                Scalar::Integer(value) => value.to_string(),
                Scalar::Text(value) => quoted(&value),
            };
            push(text, format_args!("{indent}{} = {value}\n", key.name));
        }
        for header in &self.custom_api_server_headers {
            push(text, format_args!("\n[[custom_api_server_headers]]\n"));
            push(
                text,
                format_args!(
                    "  name = {}\n  value = {}\n",
                    quoted(&header.name),
                    quoted(&header.value)
                ),
            );
        }
    }
}

/// Writing to a `String` cannot fail.
fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(arguments);
}

fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{AuditLevel, CustomHeader};

    /// AUD-008: what is written is read back, and line tools find each key.
    #[test]
    fn round_trip() {
        let mut config = Config::default();
        config.audit_log.level = AuditLevel::Request;
        config.audit_log.support_dump_include_audit_logs = true;
        config.auth.sessions.per_user_limit = 0;
        config.custom_api_server_headers = vec![CustomHeader {
            name: "X-Owner".into(),
            value: "a \"quoted\" \\ team".into(),
        }];
        let text = config.to_toml();
        assert_eq!(Config::parse(&text).unwrap(), config);
        for line in [
            "[auth]",
            "  backend = \"managed\"",
            "  [auth.sessions]",
            "    per_user_limit = 0",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "no line `{line}` in:\n{text}"
            );
        }
        for key in KEYS {
            assert!(
                text.contains(&format!("{} = ", key.name)),
                "{} is missing",
                key.name
            );
        }
    }

    #[test]
    fn the_example_is_the_default() {
        assert_eq!(Config::parse(&Config::example()).unwrap(), Config::default());
    }
}
