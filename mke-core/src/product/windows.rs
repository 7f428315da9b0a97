//! What components and images are called on Windows nodes (ARCH-008).

use super::{Component, Os, component, image};

/// The name of a component on a node with this operating system; `None` when it does not run there.
///
/// ```
/// use mke_core::product::{Os, component_on};
/// assert_eq!(component_on("ucp-kubelet", Os::Windows), Some("ucp-kubelet-win"));
/// assert_eq!(component_on("ucp-cluster-agent", Os::Windows), None);
/// ```
pub fn component_on(name: &str, os: Os) -> Option<&'static str> {
    let found: &Component = component(name)?;
    match os {
        Os::Windows => found.windows_name,
        Os::Linux if found.os == Os::Linux => Some(found.name),
        Os::Linux => None,
    }
}

/// The name of an image for a node with this operating system; `None` when there is none.
///
/// ```
/// use mke_core::product::{Os, image_on};
/// assert_eq!(image_on("ucp-agent", Os::Windows), Some("ucp-agent-win"));
/// assert_eq!(image_on("ucp-etcd", Os::Windows), None);
/// ```
pub fn image_on(name: &str, os: Os) -> Option<&'static str> {
    let found = image(name)?;
    match os {
        Os::Linux => Some(found.name),
        Os::Windows => found.windows,
    }
}
