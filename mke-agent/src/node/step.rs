//! One thing to do on a node, small enough that it is done or not done.

use std::fmt;

use mke_core::product::ImageRef;
use serde::{Deserialize, Serialize};

use super::container::ContainerSpec;
use super::desired::{FileSpec, NetworkSpec, VolumeSpec};
use super::observed::CertificateNeed;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What to do.
    pub action: Action,
    /// Why.
    pub reason: String,
    /// Steps before it, by their place in the plan, without which it makes no sense.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<usize>,
}

/// What can be done. Each is done at most once by the engine: doing it again changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Get an image.
    Pull(ImageRef),
    /// Make a network.
    CreateNetwork(NetworkSpec),
    /// Make a volume.
    CreateVolume(VolumeSpec),
    /// Write a file in a volume.
    WriteFile(FileSpec),
    /// Bring a certificate or a key up to date.
    Certificate(CertificateNeed),
    /// Make a container without starting it.
    CreateContainer {
        /// The name it is made under: the component's, or one of its own until the old one is gone.
        name: String,
        /// What it is.
        spec: Box<ContainerSpec>,
    },
    /// Start a container.
    StartContainer {
        /// Its name.
        name: String,
    },
    /// Let the processes of a container go on.
    UnpauseContainer {
        /// Its name.
        name: String,
    },
    /// End a container.
    StopContainer {
        /// Its name.
        name: String,
        /// How many seconds it gets to end.
        stop_seconds: u32,
    },
    /// Give a container another name.
    RenameContainer {
        /// Its name so far.
        from: String,
        /// Its name from now on.
        to: String,
    },
    /// Remove a container.
    RemoveContainer {
        /// Its name.
        name: String,
    },
    /// Remove a volume with all that is in it.
    RemoveVolume {
        /// Its name.
        name: String,
    },
    /// Keep a copy of what a member of the store knows, beside it in its volume.
    CopyStore {
        /// The volume.
        volume: String,
    },
    /// Look whether the store's member may be started with the data that is there, before it is.
    VetStore {
        /// The volume.
        volume: String,
        /// Whether it was started with this data and ended by itself again and again.
        ends: bool,
        /// Whether it reads a list of revoked certificates, without which it would let nobody in.
        #[serde(default)]
        reads_list: bool,
    },
    /// Remove a network.
    RemoveNetwork {
        /// Its name.
        name: String,
    },
}

impl Action {
    /// The name of what is acted upon.
    pub fn object(&self) -> String {
        match self {
            Self::Pull(image) => image.to_string(),
            Self::CreateNetwork(network) => network.name.clone(),
            Self::CreateVolume(volume) => volume.name.clone(),
            Self::WriteFile(file) => format!("{}/{}", file.volume, file.path),
            Self::Certificate(need) => need.volume.clone(),
            Self::CreateContainer { name, .. }
            | Self::StartContainer { name }
            | Self::UnpauseContainer { name }
            | Self::StopContainer { name, .. }
            | Self::RemoveContainer { name }
            | Self::RemoveVolume { name }
            | Self::RemoveNetwork { name } => name.clone(),
            Self::CopyStore { volume } | Self::VetStore { volume, .. } => volume.clone(),
            Self::RenameContainer { from, .. } => from.clone(),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let object = self.object();
        match self {
            Self::Pull(_) => write!(f, "pull image {object}"),
            Self::CreateNetwork(_) => write!(f, "create network {object}"),
            Self::CreateVolume(_) => write!(f, "create volume {object}"),
            Self::WriteFile(_) => write!(f, "write file {object}"),
            Self::Certificate(need) => write!(f, "{} in volume {object}", need.what),
            Self::CreateContainer { spec, .. } => write!(f, "create container {object} from {}", spec.image),
            Self::StartContainer { .. } => write!(f, "start container {object}"),
            Self::UnpauseContainer { .. } => write!(f, "unpause container {object}"),
            Self::StopContainer { .. } => write!(f, "stop container {object}"),
            Self::RenameContainer { to, .. } => write!(f, "rename container {object} to {to}"),
            Self::RemoveContainer { .. } => write!(f, "remove container {object}"),
            Self::RemoveVolume { .. } => write!(f, "remove volume {object}"),
            Self::RemoveNetwork { .. } => write!(f, "remove network {object}"),
            Self::CopyStore { .. } => write!(f, "keep a copy of what is in volume {object}"),
            Self::VetStore { .. } => write!(f, "look whose data is in volume {object}"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.action, self.reason)
    }
}
