//! Named volumes: which there are on which nodes, and what lies in them (VOL-001, VOL-002).

use serde::Serialize;

use super::Role;
use super::volume_table::VOLUMES;

/// What a volume holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// Certificates and keys that can be issued again.
    Certificates,
    /// Data that cannot be made again.
    Data,
    /// The key of an authority.
    RootAuthority,
    /// What other configuration can be made into again.
    Configuration,
    /// What lasts only for a while.
    Scratch,
    /// Links to logs.
    Logs,
}

/// One named volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Volume {
    /// Its name.
    pub name: &'static str,
    /// What kind of things it holds.
    pub content: Content,
    /// What it holds.
    pub contents: &'static str,
    /// The nodes that have it.
    pub roles: &'static [Role],
    /// Whether managers keep the same in it.
    pub replicated: bool,
    /// Whether backups hold it.
    pub in_backup: bool,
    /// Files that are known to lie in it.
    pub files: &'static [&'static str],
    /// Whether this product makes it; if not, the name is only kept.
    pub made: bool,
}

impl Volume {
    pub(super) const fn new(name: &'static str, content: Content, contents: &'static str) -> Self {
        Self {
            name,
            content,
            contents,
            roles: &[],
            replicated: false,
            in_backup: false,
            files: &[],
            made: true,
        }
    }

    pub(super) const fn on(mut self, roles: &'static [Role]) -> Self {
        self.roles = roles;
        self
    }

    pub(super) const fn replicated(mut self) -> Self {
        self.replicated = true;
        self
    }

    pub(super) const fn in_backup(mut self) -> Self {
        self.in_backup = true;
        self
    }

    pub(super) const fn files(mut self, files: &'static [&'static str]) -> Self {
        self.files = files;
        self
    }

    pub(super) const fn never_made(mut self) -> Self {
        self.made = false;
        self
    }

    /// Whether what it holds is gone for good when it is removed.
    pub const fn precious(&self) -> bool {
        matches!(self.content, Content::Data | Content::RootAuthority)
    }

    /// Where an engine with this data directory keeps it, unless it has a driver of its own (VOL-004).
    ///
    /// ```
    /// let kv = mke_core::product::volume("ucp-kv").ok_or("no such volume")?;
    /// assert_eq!(kv.default_path("/var/lib/docker"), "/var/lib/docker/volumes/ucp-kv/_data");
    /// # Ok::<(), &'static str>(())
    /// ```
    pub fn default_path(&self, data_root: &str) -> String {
        format!("{}/volumes/{}/_data", data_root.trim_end_matches('/'), self.name)
    }
}

/// Every volume of the documents.
pub fn volumes() -> &'static [Volume] {
    VOLUMES
}

/// The volume with this name.
pub fn volume(name: &str) -> Option<&'static Volume> {
    VOLUMES.iter().find(|volume| volume.name == name)
}

/// The volumes that the product makes on nodes with this role.
pub fn volumes_of(role: Role) -> impl Iterator<Item = &'static Volume> {
    VOLUMES
        .iter()
        .filter(move |volume| volume.made && volume.roles.contains(&role))
}
