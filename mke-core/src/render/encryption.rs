//! How secrets of Kubernetes are encrypted in the store: the one file of rendering that holds a secret (ARCH-014,
//! KMS-001).
//!
//! What is new is written with the first provider, and what is there is read with the one that wrote it. With a plugin of a
//! key management service that is first; then comes the key on the managers' disks, so that what was written before
//! stays readable; at last comes plain text, which was there before there was any key. The file is made once and its
//! contents are not compared afterwards (KMS-003).

use std::fmt;

use zeroize::Zeroizing;

use super::api_server::yaml;
use super::facts::NodeFacts;
use super::flags::Origin;
use super::problem::{RenderProblem, RenderProblems};
use super::{Mount, Work};
use crate::config::Config;
use crate::secret::Secret;

/// The name of the file.
pub const FILE: &str = "encryption.yaml";

/// The length of the key: AES with 256 bits.
const KEY_BYTES: usize = 32;

/// The name under which the file lists the key. What is stored refers to it.
const KEY_NAME: &str = "key1";

/// The key of AES-CBC. `Debug` prints nothing of it.
#[derive(Clone)]
pub struct EncryptionKey(Zeroizing<[u8; KEY_BYTES]>);

impl EncryptionKey {
    /// A key from random bytes.
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Reads a key from base64, as the file holds it; white space around it is left out.
    ///
    /// # Errors
    /// When the text is not base64 of 32 bytes. The message repeats nothing of it.
    pub fn from_base64(text: &Secret) -> Result<Self, RenderProblem> {
        let bytes = decode(text.expose().trim());
        bytes.map(Self).ok_or_else(|| {
            let why =
                "must be 32 bytes as base64, 44 characters; make one with `head -c 32 /dev/urandom | base64`";
            RenderProblem::new("the encryption key", why)
        })
    }

    /// The key as base64.
    pub fn to_base64(&self) -> Secret {
        Secret::new(encode(self.0.as_slice()))
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptionKey(..)")
    }
}

/// A file that holds a secret: its owner alone may read it (mode 0600). `Debug` prints no text.
#[derive(Debug)]
pub struct SecretFile {
    /// Where the component looks for it.
    pub path: String,
    /// Its text.
    pub text: Secret,
}

/// The `EncryptionConfiguration` of the API server.
///
/// # Errors
/// When the plugin of the key management service is on without name or socket, or one of them cannot be used.
pub fn render(config: &Config, facts: &NodeFacts, key: &EncryptionKey) -> Result<SecretFile, RenderProblems> {
    let mut problems = RenderProblems::default();
    facts.check(&mut problems);
    let plugin = plugin(config, &mut problems);
    // Written by hand, so that no copy of the key stays behind in a tree; the one text in it that comes from a person is
    // quoted as YAML.
    let mut text = Zeroizing::new(String::from(
        "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- resources:\n  - secrets\n  providers:\n",
    ));
    if let Some(plugin) = plugin {
        let quote = |text: &str| yaml(&text.into()).trim_end().to_owned();
        text.push_str(&format!(
            "  - kms:\n      name: {}\n      endpoint: {}\n",
            quote(plugin.name),
            quote(&format!("unix://{}", plugin.socket))
        ));
        if let Some(size) = plugin.cache {
            text.push_str(&format!("      cachesize: {size}\n"));
        }
    }
    text.push_str("  - aescbc:\n      keys:\n");
    text.push_str(&format!("      - name: {KEY_NAME}\n        secret: "));
    text.push_str(key.to_base64().expose());
    text.push_str("\n  - identity: {}\n");
    problems.or(SecretFile {
        path: format!("{}/{FILE}", facts.paths.config),
        text: Secret::new(text.as_str()),
    })
}

struct Plugin<'c> {
    name: &'c str,
    socket: &'c str,
    cache: Option<i64>,
}

/// The plugin, when it is on.
fn plugin<'c>(config: &'c Config, problems: &mut RenderProblems) -> Option<Plugin<'c>> {
    const NAME: &str = "cluster_config.kms_name";
    const ENDPOINT: &str = "cluster_config.kms_endpoint";
    let api = &config.cluster.api_server;
    if !api.kms_enabled {
        return None;
    }
    let name = api.kms_name.as_deref().unwrap_or_default();
    // The name becomes a part of every key in the store, between colons.
    if name.is_empty()
        || name
            .chars()
            .any(|c| c == ':' || c.is_control() || c.is_whitespace())
    {
        problems.add(
            NAME,
            format!("{name:?} is no name of a plugin: write one without colons and spaces, such as `vault`"),
        );
    }
    let endpoint = api.kms_endpoint.as_deref().unwrap_or_default();
    let socket = endpoint.strip_prefix("unix://").unwrap_or(endpoint);
    let steps_up = socket.split('/').any(|step| step == "..");
    if !socket.starts_with('/') || socket.ends_with('/') || steps_up || socket.chars().any(char::is_control) {
        problems.add(
            ENDPOINT,
            format!(
                "{endpoint:?} is no UNIX socket on the host: write a path such as `/var/run/kms/vault.sock`"
            ),
        );
    }
    Some(Plugin {
        name,
        socket,
        cache: api.kms_cachesize,
    })
}

/// Makes the plugin's socket visible to the API server, at the path that it has on the host (KMS-001).
pub(super) fn mount(work: &mut Work<'_>) {
    let Some(plugin) = plugin(work.config, &mut work.problems) else {
        return;
    };
    work.mounts.push(Mount {
        source: plugin.socket.to_owned(),
        target: plugin.socket.to_owned(),
        read_only: false,
        origin: Origin::Key("cluster_config.kms_endpoint"),
    });
    work.notes.push(format!(
        "the plugin `{}` must answer at {} before this node becomes a manager; nobody here starts, watches or removes it",
        plugin.name, plugin.socket
    ));
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let sextet = word >> (18 - 6 * place) & 63;
            let sign = ALPHABET.get(sextet as usize).copied().unwrap_or(b'=');
            text.push(if place <= chunk.len() {
                char::from(sign)
            } else {
                '='
            });
        }
    }
    text
}

/// 32 bytes from 43 characters and one `=`.
fn decode(text: &str) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let signs = text.strip_suffix('=').filter(|signs| signs.len() == 43)?;
    let mut bytes = Zeroizing::new([0u8; KEY_BYTES]);
    let (mut word, mut bits, mut at) = (0u32, 0, 0);
    for sign in signs.bytes() {
        let sextet = ALPHABET.iter().position(|known| *known == sign)?;
        word = word << 6 | u32::try_from(sextet).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            *bytes.get_mut(at)? = (word >> bits & 0xff) as u8;
            at += 1;
        }
        word &= (1 << bits) - 1;
    }
    // What is left over must be nothing: one key has one spelling.
    (at == KEY_BYTES && word == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_as_text() {
        let text = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let key = EncryptionKey::from_base64(&Secret::new(format!(" {text}\n"))).unwrap();
        assert_eq!(key.0.as_slice(), (0..32).collect::<Vec<u8>>());
        assert_eq!(key.to_base64().expose(), text);
        assert_eq!(format!("{key:?}"), "EncryptionKey(..)");
        for bad in [
            "",
            "AAECAwQFBgcICQoLDA0ODw==",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdH-8=",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=AAAA",
        ] {
            let error = EncryptionKey::from_base64(&Secret::new(bad)).unwrap_err();
            assert!(bad.is_empty() || !error.to_string().contains(bad), "{error}");
        }
    }
}
