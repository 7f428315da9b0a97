//! What the product is made of, as plain data: components, images, volumes, ports, names of objects and labels, versions
//! and the paths between them, and how many managers a cluster can lose.
//!
//! Everything here is a table or a small rule about a table. What a given node shall run follows from these tables and
//! the configuration, elsewhere.
//!
//! ```
//! use mke_core::product::{self, Role};
//!
//! let kv = product::component("ucp-kv").ok_or("no such component")?;
//! assert_eq!(kv.image, Some("ucp-etcd"));
//! assert!(kv.runs_on(Role::Manager) && !kv.runs_on(Role::Worker));
//! assert_eq!(kv.volumes, ["ucp-kv", "ucp-kv-certs"]);
//! # Ok::<(), &'static str>(())
//! ```

mod availability;
mod component;
mod component_table;
mod image;
mod image_table;
pub mod labels;
pub mod objects;
mod orchestrator;
mod pod_table;
mod port;
mod port_table;
mod upgrade;
mod version;
mod volume;
mod volume_table;
mod windows;

pub use crate::render::{NodeRole as Role, OperatingSystem as Os};

pub use availability::{Availability, RECOMMENDED_MANAGERS, availability, quorum};
pub use component::{Component, Condition, Kind, Placement};
pub use component::{component, components, is_component_name, pods};
pub use image::{DEFAULT_ORGANISATION, Image, ImageRef, ImageRefError, ImageSet};
pub use image::{all_images, image, image_of, images};
pub use orchestrator::Orchestrator;
pub use port::{Port, Protocol, Scope, port, ports, ports_in};
pub use upgrade::{UpgradeRefused, WITHDRAWN, allowed_targets, kernel_advice, upgrade_path, withdrawn};
pub use version::{DEFAULT_VERSION, ProductVersion, VERSION_VARIABLE, VersionError, version};
pub use volume::{Content, Volume, volume, volumes, volumes_of};
pub use windows::{component_on, image_on};
