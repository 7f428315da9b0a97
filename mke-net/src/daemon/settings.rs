//! The settings that matter for a cluster.

use std::fmt;

use ipnet::Ipv4Net;
use jsonc_parser::ast;
use jsonc_parser::common::Ranged as _;

use crate::address::AddressPool;

/// What a file says about the settings that matter for a cluster; `None` and empty where it says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DaemonSettings {
    /// Pools of bridge networks; empty means the Engine's own.
    pub pools: Vec<AddressPool>,
    /// Address and network of `docker0`.
    pub bip: Option<Ipv4Net>,
    /// The part of `docker0` from which containers get addresses.
    pub fixed_cidr: Option<Ipv4Net>,
    /// Where the Engine keeps everything; `/var/lib/docker` without it.
    pub data_root: Option<String>,
    /// How layers of images are stored.
    pub storage_driver: Option<String>,
    /// Where the Engine listens.
    pub hosts: Vec<String>,
    /// Whether clients on the network need a certificate.
    pub tls_verify: bool,
    /// Whether processes of containers never gain rights.
    pub no_new_privileges: bool,
    /// Whose ids containers get instead of the host's.
    pub userns_remap: Option<String>,
    /// Whether containers go on without the Engine.
    pub live_restore: bool,
    /// Registries without TLS.
    pub insecure_registries: Vec<String>,
    /// Options such as `native.cgroupdriver=systemd`.
    pub exec_opts: Vec<String>,
}

/// A setting that means nothing as it is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: `{key}` {what}")]
pub struct Problem {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The setting.
    pub key: String,
    /// What is wrong with it, and what would be right.
    pub what: String,
}

impl DaemonSettings {
    /// Reads an object, and tells every problem.
    pub(super) fn read(object: &ast::Object<'_>, text: &str) -> (Self, Vec<Problem>) {
        let mut reader = Reader {
            object,
            text,
            problems: Vec::new(),
        };
        let settings = Self {
            pools: reader.pools("default-address-pools"),
            bip: reader.net(
                "bip",
                "an address with the length of its network such as `172.17.0.1/16`",
            ),
            fixed_cidr: reader.net("fixed-cidr", "a network such as `172.17.8.0/24`"),
            data_root: reader.text("data-root"),
            storage_driver: reader.text("storage-driver"),
            hosts: reader.texts("hosts"),
            tls_verify: reader.flag("tlsverify"),
            no_new_privileges: reader.flag("no-new-privileges"),
            userns_remap: reader.text("userns-remap").filter(|name| !name.is_empty()),
            live_restore: reader.flag("live-restore"),
            insecure_registries: reader.texts("insecure-registries"),
            exec_opts: reader.texts("exec-opts"),
        };
        reader
            .problems
            .sort_by_key(|problem| (problem.line, problem.column));
        (settings, reader.problems)
    }
}

struct Reader<'a> {
    object: &'a ast::Object<'a>,
    text: &'a str,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    fn value(&self, key: &str) -> Option<&'a ast::Value<'a>> {
        // Of a key that is there twice, the Engine takes the last one.
        let mut properties = self.object.properties.iter().rev();
        properties
            .find(|property| property.name.as_str() == key)
            .map(|property| &property.value)
    }

    fn problem(&mut self, key: &str, at: &ast::Value<'_>, what: impl fmt::Display) {
        let (before, _) = self
            .text
            .split_at_checked(at.range().start)
            .unwrap_or((self.text, ""));
        let line = before.rsplit('\n').next().unwrap_or("");
        self.problems.push(Problem {
            line: before.matches('\n').count() + 1,
            column: line.chars().count() + 1,
            key: key.to_owned(),
            what: what.to_string(),
        });
    }

    fn flag(&mut self, key: &str) -> bool {
        match self.value(key) {
            None => false,
            Some(ast::Value::BooleanLit(flag)) => flag.value,
            Some(other) => {
                self.problem(key, other, "is `true` or `false`");
                false
            }
        }
    }

    fn text(&mut self, key: &str) -> Option<String> {
        match self.value(key)? {
            ast::Value::StringLit(text) => Some(text.value.to_string()),
            other => {
                self.problem(key, other, "is a text in quotes");
                None
            }
        }
    }

    fn texts(&mut self, key: &str) -> Vec<String> {
        match self.value(key) {
            None => Vec::new(),
            Some(ast::Value::Array(array)) => {
                let mut texts = Vec::new();
                for element in &array.elements {
                    match element {
                        ast::Value::StringLit(text) => texts.push(text.value.to_string()),
                        other => self.problem(key, other, "holds texts in quotes only"),
                    }
                }
                texts
            }
            Some(other) => {
                self.problem(key, other, "is a list of texts `[ … ]`");
                Vec::new()
            }
        }
    }

    fn net(&mut self, key: &str, form: &str) -> Option<Ipv4Net> {
        let at = self.value(key)?;
        let text = self.text(key).filter(|text| !text.is_empty())?;
        let net = text.parse().ok();
        if net.is_none() {
            self.problem(key, at, format_args!("is `{text}`, not {form}"));
        }
        net
    }

    fn pools(&mut self, key: &str) -> Vec<AddressPool> {
        let form = "is a list of pools such as `{\"base\":\"10.10.0.0/16\",\"size\":24}`";
        let array = match self.value(key) {
            None => return Vec::new(),
            Some(ast::Value::Array(array)) => array,
            Some(other) => {
                self.problem(key, other, form);
                return Vec::new();
            }
        };
        let mut pools = Vec::new();
        for element in &array.elements {
            let ast::Value::Object(pool) = element else {
                self.problem(key, element, form);
                continue;
            };
            let field = |name: &str| {
                pool.properties
                    .iter()
                    .find(|field| field.name.as_str() == name)
                    .map(|field| &field.value)
            };
            let base = match field("base") {
                Some(ast::Value::StringLit(base)) => base.value.parse::<Ipv4Net>().ok(),
                _ => None,
            };
            let size = match field("size") {
                Some(ast::Value::NumberLit(size)) => size.value.parse::<u8>().ok(),
                _ => None,
            };
            match (base, size) {
                (Some(base), Some(size)) => match AddressPool::new(base, size) {
                    Ok(pool) => pools.push(pool),
                    Err(problem) => {
                        self.problem(key, element, format_args!("has a pool without use: {problem}"))
                    }
                },
                _ => self.problem(key, element, form),
            }
        }
        pools
    }
}

#[cfg(test)]
mod tests {
    use super::super::DaemonFile;
    use super::*;

    #[test]
    fn settings_are_read() {
        let text = r#"{"default-address-pools":[{"base":"10.10.0.0/16","size":24}],"bip":"10.1.0.1/24","hosts":["fd://"],
            "data-root":"/data","live-restore":true,"exec-opts":["native.cgroupdriver=systemd"]}"#;
        let (settings, problems) = DaemonFile::parse(text).unwrap().settings();
        assert_eq!(problems, []);
        assert_eq!(
            settings.pools,
            [AddressPool::new("10.10.0.0/16".parse().unwrap(), 24).unwrap()]
        );
        assert_eq!(settings.bip, "10.1.0.1/24".parse().ok());
        assert_eq!(settings.data_root.as_deref(), Some("/data"));
        assert!(settings.live_restore && !settings.tls_verify && !settings.no_new_privileges);
    }

    #[test]
    fn every_problem_is_told_with_its_place() {
        let text = "{\n \"bip\": \"10.1.0.1\",\n \"hosts\": [\"fd://\", 7],\n \"live-restore\": \"yes\",\n \"default-address-pools\": [\n  \
                    {\"base\":\"10.0.0.0/16\",\"size\":8},\n  {\"base\":\"10.0.0.0/16\"}, 5 ],\n \"data-root\": [] }";
        let (settings, problems) = DaemonFile::parse(text).unwrap().settings();
        let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
        let pools = "is a list of pools such as `{\"base\":\"10.10.0.0/16\",\"size\":24}`";
        assert_eq!(
            texts,
            [
                "line 2, column 9: `bip` is `10.1.0.1`, not an address with the length of its network such as \
                 `172.17.0.1/16`"
                    .to_owned(),
                "line 3, column 21: `hosts` holds texts in quotes only".to_owned(),
                "line 4, column 18: `live-restore` is `true` or `false`".to_owned(),
                "line 6, column 3: `default-address-pools` has a pool without use: networks of /8 do not fit into \
                 10.0.0.0/16, choose a size from 16 to 30"
                    .to_owned(),
                format!("line 7, column 3: `default-address-pools` {pools}"),
                format!("line 7, column 27: `default-address-pools` {pools}"),
                "line 8, column 15: `data-root` is a text in quotes".to_owned(),
            ]
        );
        assert_eq!(settings.hosts, ["fd://"]);
    }
}
