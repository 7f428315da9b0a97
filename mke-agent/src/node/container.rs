//! One wanted container: everything that decides how it runs, and the digest by which drift is told.

use std::collections::BTreeMap;
use std::net::IpAddr;

use mke_core::product::{ImageRef, Protocol};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A wanted container of a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContainerSpec {
    /// The component's name, which is the container's.
    pub name: String,
    /// Its image.
    pub image: ImageRef,
    /// The program.
    pub entrypoint: Vec<String>,
    /// The program's arguments.
    pub command: Vec<String>,
    /// Further arguments that are no reason to make it anew: they help it to begin, and it finds out later changes itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub first_start: Vec<String>,
    /// Its environment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// What it sees besides its image.
    pub mounts: Vec<MountSpec>,
    /// Ports of the node that lead to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<PublishedPort>,
    /// Its network.
    pub network: NetworkMode,
    /// Name servers and what belongs to them.
    #[serde(default)]
    pub dns: DnsSettings,
    /// When the engine starts it again by itself.
    pub restart: Restart,
    /// Whether it may do everything that root may, on the node itself.
    #[serde(default)]
    pub privileged: bool,
    /// Whether it sees the processes of the node.
    #[serde(default)]
    pub host_processes: bool,
    /// Kernel capabilities that it keeps; without [`Self::privileged`] all others are dropped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
    /// Whether its own files cannot be changed.
    pub read_only: bool,
    /// The most memory it may take, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// The most processes it may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<u32>,
    /// How many seconds it gets to end orderly.
    pub stop_seconds: u32,
    /// The size of a log file from which the next one is begun, as the engine writes it.
    pub log_size: String,
    /// How many log files are kept.
    pub log_files: u32,
    /// Digests of files that it reads only when it starts, by their place in its volumes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reads: BTreeMap<String, String>,
    /// Components that must run before it is started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
}

/// Something that a container sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MountSpec {
    /// What it is.
    pub source: MountSource,
    /// Where the container sees it.
    pub target: String,
    /// Whether it may only read.
    #[serde(default)]
    pub read_only: bool,
}

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MountSource {
    /// A named volume.
    Volume(String),
    /// A path of the node.
    Path(String),
    /// Memory that is gone when the container ends.
    Memory,
}

/// A port of the node that leads to a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedPort {
    /// The node's address, when not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The port of the node.
    pub node: u16,
    /// The port of the container.
    pub container: u16,
    /// `true` is UDP, else TCP.
    #[serde(default)]
    pub udp: bool,
}

/// How a container is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkMode {
    /// It joins this bridge network.
    Bridge(String),
    /// It shares the node's network.
    Host,
}

/// How a container finds names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct DnsSettings {
    /// Name servers.
    pub servers: Vec<String>,
    /// Options of the resolver.
    pub options: Vec<String>,
    /// Search domains.
    pub search: Vec<String>,
}

/// When the engine starts a container again by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// Whenever it ends, unless somebody stopped it.
    UnlessStopped,
    /// Never.
    Never,
}

impl PublishedPort {
    /// Its protocol.
    pub const fn protocol(&self) -> Protocol {
        if self.udp { Protocol::Udp } else { Protocol::Tcp }
    }
}

/// Digests what is written to it.
struct Digesting(Sha256);

impl std::io::Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl ContainerSpec {
    /// The digest of everything that makes two containers of a component differ. [`Self::first_start`] and [`Self::needs`]
    /// do not: they say how to begin, not what it is.
    pub fn digest(&self) -> String {
        // Every field is named, so that nobody adds one without thinking of this.
        let Self {
            name,
            image,
            entrypoint,
            command,
            first_start: _,
            environment,
            mounts,
            ports,
            network,
            dns,
            restart,
            privileged,
            host_processes,
            capabilities,
            read_only,
            memory,
            processes,
            stop_seconds,
            log_size,
            log_files,
            reads,
            needs: _,
        } = self;
        let what = (name, image, entrypoint, command, environment);
        let around = (mounts, ports, network, dns, restart, reads);
        let rights = (privileged, host_processes, capabilities, read_only);
        let limits = (memory, processes, stop_seconds, log_size, log_files);
        let mut text = Digesting(Sha256::new());
        // Texts, numbers and lists are always JSON; if that ever fails, no container agrees with the digest of a part, and
        // the fault shows as one that is made anew.
        let _ = serde_json::to_writer(&mut text, &(what, around, rights, limits));
        hex::encode(text.0.finalize())
    }

    /// The digest of [`Self::first_start`].
    pub fn first_start_digest(&self) -> String {
        let mut text = Sha256::new();
        for argument in &self.first_start {
            text.update(argument.as_bytes());
            text.update([0]);
        }
        hex::encode(text.finalize())
    }

    /// The volumes that it sees.
    pub fn volumes(&self) -> impl Iterator<Item = &str> {
        self.mounts.iter().filter_map(|mount| match &mount.source {
            MountSource::Volume(name) => Some(name.as_str()),
            MountSource::Path(_) | MountSource::Memory => None,
        })
    }
}
