//! Packets of pods: how large they may be, how they travel, and under which address a node is found.

use std::net::IpAddr;

use mke_net::cni::{self, Autodetection, Encapsulation, History};
use pyo3::prelude::*;

use super::config_of;
use super::host::Host;
use crate::config::Config;
use crate::convert::word;
use crate::errors::{OrRaise as _, invalid};

/// The largest packet of a pod, in bytes, on links of `link` bytes; `None` when there is no room. `encapsulation` is `"vxlan"` or
/// `"ip-in-ip"`; with `secure`, traffic between pods is encrypted.
///
///     >>> mke.net.packet_size(1500), mke.net.packet_size(1500, "ip-in-ip"), mke.net.packet_size(1500, "ip-in-ip", secure=True)
///     (1450, 1480, 1452)
#[pyfunction]
#[pyo3(signature = (link, encapsulation="vxlan", *, secure=false))]
pub(super) fn packet_size(
    py: Python<'_>,
    link: u16,
    encapsulation: &str,
    secure: bool,
) -> PyResult<Option<u16>> {
    let encapsulation = word(py, "encapsulation", encapsulation)?;
    Ok(match secure {
        true => cni::secure_overlay_size(link),
        false => cni::packet_size(link, encapsulation),
    })
}

/// What is wrong with the packet sizes of a configuration on links of `link` bytes, one sentence each.
///
///     >>> config = mke.config.Config("[cluster_config]\ncalico_vxlan_mtu = \"1480\"\n")
///     >>> mke.net.packet_size_problems(1500, config)[0].split(",")[0]
///     '`cluster_config.calico_vxlan_mtu` is 1480'
#[pyfunction]
#[pyo3(signature = (link, config=None))]
pub(super) fn packet_size_problems(link: u16, config: Option<&Bound<'_, Config>>) -> Vec<String> {
    let config = config_of(config);
    let problems = cni::packet_size_problems(&config, link);
    problems.iter().map(ToString::to_string).collect()
}

/// How a cluster's pods talk that says nothing else, by the version that was installed first, such as `"3.2.7"`: clusters that
/// began before 3.3.0 stay on `ip-in-ip`, later ones use `vxlan`.
///
///     >>> mke.net.default_encapsulation("3.2.7"), mke.net.default_encapsulation("3.8.2")
///     ('ip-in-ip', 'vxlan')
#[pyfunction]
pub(super) fn default_encapsulation(installed: &str) -> PyResult<String> {
    let version = mke_core::config::Version::from_text(installed).ok_or_else(|| {
        invalid(
            "installed",
            &format!("`{installed}` is no version: write it as `3.8.2`"),
        )
    })?;
    let encapsulation = Encapsulation::default_for(History {
        installed: (version.major, version.minor, version.patch),
    });
    Ok(match encapsulation {
        Encapsulation::Vxlan => "vxlan".to_owned(),
        Encapsulation::IpInIp => "ip-in-ip".to_owned(),
    })
}

/// The address that a method of `calico_ip_auto_method` finds on a host; `None` when it finds none. `internal` is the address
/// under which Kubernetes knows the node.
///
/// Raises `AutodetectionError` for a text that is no method.
///
///     >>> host = mke.net.Host(
///     ...     routes=[{"net": "192.0.2.0/24", "interface": "eth0", "gateway": None}], addresses=["192.0.2.7"])
///     >>> mke.net.autodetect_address("interface=eth.*", host)
///     '192.0.2.7'
#[pyfunction]
#[pyo3(signature = (method, host, *, internal=None))]
pub(super) fn autodetect_address(
    method: &str,
    host: &Bound<'_, Host>,
    internal: Option<IpAddr>,
) -> PyResult<Option<String>> {
    let method: Autodetection = method.parse().or_raise()?;
    let internal = match internal {
        Some(IpAddr::V4(address)) => Some(address),
        Some(IpAddr::V6(address)) => {
            return Err(invalid(
                "internal",
                &format!("{address} must be an address of IPv4"),
            ));
        }
        None => None,
    };
    let found = method.find(&host.get().0, internal);
    Ok(found.map(|address| address.to_string()))
}
