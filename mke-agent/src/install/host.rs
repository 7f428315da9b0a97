//! What a machine says of itself to a probe: privileges, disk, networks. Nothing where it says nothing.

use std::path::Path;

use ipnet::IpNet;

pub(super) fn no_new_privileges(status: &str) -> Option<bool> {
    let value = status.lines().find_map(|line| line.strip_prefix("NoNewPrivs:"))?;
    Some(value.trim() == "1")
}

pub(super) fn disk_of(path: &Path) -> (Option<u64>, Option<u64>) {
    match rustix::fs::statvfs(path) {
        Ok(stat) => (
            stat.f_blocks.checked_mul(stat.f_frsize),
            stat.f_bavail.checked_mul(stat.f_frsize),
        ),
        Err(_) => (None, None),
    }
}

pub(super) fn networks() -> Vec<(IpNet, String)> {
    match mke_net::host::Host::observe(Path::new("/")) {
        Ok(host) => host
            .ranges()
            .into_iter()
            .map(|range| (range.net, range.source))
            .collect(),
        Err(_) => Vec::new(),
    }
}
