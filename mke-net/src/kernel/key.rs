//! Names of kernel parameters: `net.ipv4.ip_forward`, and what file below `/proc/sys` that is. Nothing else is ever opened.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The name of a parameter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key(String);

/// A text that names no parameter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` names no kernel parameter; write it like `net.ipv4.ip_forward`, or with `/` when a part has a dot in it"
)]
pub struct KeyError(String);

impl Key {
    /// The parts, from the outermost: `net`, `ipv4`, `ip_forward`.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// The file, relative to the root of the machine.
    pub fn file(&self) -> PathBuf {
        PathBuf::from("proc/sys").join(&self.0)
    }

    /// Whether it belongs to a network namespace, and not to the whole machine.
    pub fn is_net(&self) -> bool {
        self.0.starts_with("net/")
    }

    /// The interface whose forwarding this switches.
    pub(super) fn forwarding_of(&self) -> Option<&str> {
        self.0.strip_prefix("net/ipv4/conf/")?.strip_suffix("/forwarding")
    }
}

impl FromStr for Key {
    type Err = KeyError;

    /// As sysctl(8): the first separator, `.` or `/`, decides; the other one then stands for a character of a part.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let wrong = || KeyError(text.to_owned());
        let path: String = match text.find(['.', '/']).map(|place| text[place..].starts_with('.')) {
            None => return Err(wrong()),
            Some(true) => text
                .chars()
                .map(|c| match c {
                    '.' => '/',
                    '/' => '.',
                    c => c,
                })
                .collect(),
            Some(false) => text.to_owned(),
        };
        let sound = |part: &str| {
            !part.is_empty()
                && part != "."
                && part != ".."
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && !b"*?[]\\=#;".contains(&byte))
        };
        if !path.split('/').all(sound) {
            return Err(wrong());
        }
        Ok(Self(path))
    }
}

impl TryFrom<String> for Key {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        text.parse()
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.to_string()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name: String = self
            .0
            .chars()
            .map(|c| match c {
                '/' => '.',
                '.' => '/',
                c => c,
            })
            .collect();
        f.pad(&name)
    }
}

/// A value as it is compared: what stands between its words does not count.
pub(super) fn normal(value: &str) -> String {
    value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SYS-001: names go through unchanged, and none leads out of `/proc/sys`.
    #[test]
    fn names() {
        for (text, path, shown) in [
            (
                "net.ipv4.ip_forward",
                "proc/sys/net/ipv4/ip_forward",
                "net.ipv4.ip_forward",
            ),
            (
                "vm/overcommit_memory",
                "proc/sys/vm/overcommit_memory",
                "vm.overcommit_memory",
            ),
            (
                "net/ipv4/conf/eth0.5/forwarding",
                "proc/sys/net/ipv4/conf/eth0.5/forwarding",
                "net.ipv4.conf.eth0/5.forwarding",
            ),
            (
                "net.ipv4.conf.eth0/5.forwarding",
                "proc/sys/net/ipv4/conf/eth0.5/forwarding",
                "net.ipv4.conf.eth0/5.forwarding",
            ),
        ] {
            let key: Key = text.parse().unwrap();
            assert_eq!(key.file(), PathBuf::from(path));
            assert_eq!(key.to_string(), shown);
            assert_eq!(key.to_string().parse::<Key>().unwrap(), key);
        }
        for wrong in [
            "",
            "net",
            "/etc/passwd",
            "net/../../etc/passwd",
            "net...x",
            "net.",
            ".net",
            "net.a b",
            "net.*.x",
            "a.b\n",
            "net./.x",
            "net.ä",
        ] {
            assert!(wrong.parse::<Key>().is_err(), "{wrong:?}");
        }
    }
}
