//! The form in which the store keeps a configuration: the text of a file.
//!
//! Written is what [`Config::to_toml`] gives, with secrets, plus later versions' keys that are set. Read is any text of
//! a file, also one that an operator wrote, with comments and with keys of newer versions; and the records of the first
//! version of this program, which kept eleven fields as JSON.

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Config, RawConfig, ReadOptions, Syntax};

impl Serialize for Config {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_toml())
    }
}

impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StoredVisitor)
    }
}

/// The options under which stored text is read: it was accepted once, by this version or a newer one.
const STORED: ReadOptions<'_> = ReadOptions {
    file: None,
    keep_unknown: true,
    in_force: true,
};

struct StoredVisitor;

impl<'de> Visitor<'de> for StoredVisitor {
    type Value = Config;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the text of a configuration file")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Config, E> {
        Config::read(text, &STORED)
            .map(|reading| reading.value)
            .map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Config, A::Error> {
        /// Names of the old record beside those of the file.
        const RENAMED: [(&str, &str); 4] = [
            ("audit_log", "audit_log_configuration"),
            ("scheduling", "scheduling_configuration"),
            ("log", "log_configuration"),
            ("cluster", "cluster_config"),
        ];
        let mut fields = serde_json::Map::new();
        while let Some((name, value)) = map.next_entry::<String, serde_json::Value>()? {
            let renamed = RENAMED.iter().find(|(old, _)| *old == name);
            fields.insert(renamed.map_or(name, |(_, new)| (*new).to_owned()), value);
        }
        let text = serde_json::Value::Object(fields).to_string();
        let mut raw = RawConfig::from_json(&text).map_err(A::Error::custom)?;
        // The record was JSON, its names were those of the file.
        raw.syntax = Syntax::Toml;
        raw.read(&STORED)
            .map(|reading| reading.value)
            .map_err(A::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::AuditLevel;

    #[test]
    fn the_old_form_and_the_new_one_are_read() {
        let old = r#"{"auth":{"backend":"managed","default_new_user_role":"viewonly","sessions":{"lifetime_minutes":90,
            "renewal_threshold_minutes":20,"per_user_limit":10,"store_token_per_session":false}},
            "audit_log":{"level":"request","support_dump_include_audit_logs":true},
            "scheduling":{"enable_admin_ucp_scheduling":true},"log":{"level":"DEBUG"},
            "custom_api_server_headers":[{"name":"X-A","value":"1"}],
            "cluster":{"exclude_server_identity_headers":true}}"#;
        let config: Config = serde_json::from_str(old).unwrap();
        assert_eq!(config.auth.sessions.lifetime_minutes, 90);
        assert_eq!(config.audit_log.level, AuditLevel::Request);
        assert_eq!(config.custom_api_server_headers[0].name, "X-A");
        assert!(config.cluster.exclude_server_identity_headers);

        let new = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<Config>(&new).unwrap(), config);
        for text in ["1", "\"[auth]\\nbackend = 1\"", "{\"nonsense\":1}"] {
            assert!(serde_json::from_str::<Config>(text).is_err(), "{text}");
        }
    }

    /// Text of an operator with comments, and keys of a newer version, are no reason to refuse the store.
    #[test]
    fn text_of_a_newer_version_is_read() {
        let text = "# mke-version: 9.1\n[auth]\nbackend = \"managed\" # as ever\nnew_key = 1\n";
        let stored = serde_json::to_string(text).unwrap();
        assert!(serde_json::from_str::<Config>(&stored).is_ok());
    }
}
