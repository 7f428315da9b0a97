//! What of the Engine's settings a cluster cannot live with.

use super::settings::DaemonSettings;
use crate::address::EngineAllocator;
use crate::finding::{Finding, Severity};

/// Where the file lies, for remedies.
const FILE: &str = "/etc/docker/daemon.json";
/// How many bridges a node needs: docker0, docker_gwbridge, ucp-bridge (NET-001).
const BRIDGES: u64 = 3;

/// The findings about these settings, all of them. A restart of the Engine is needed after every change of the file.
pub fn findings(settings: &DaemonSettings) -> Vec<Finding> {
    let mut found = Vec::new();
    pools(settings, &mut found);
    bridge(settings, &mut found);
    privileges(settings, &mut found);
    listeners(settings, &mut found);
    if settings.live_restore {
        found.push(Finding::new(
            "daemon-live-restore",
            Severity::Error,
            "the Engine cannot take part in a swarm",
            format!("`live-restore` is true in {FILE}"),
            "take `live-restore` away and restart the Engine",
        ));
    }
    found
}

/// NET-001: three bridges take three networks.
fn pools(settings: &DaemonSettings, found: &mut Vec<Finding>) {
    let total: u64 = settings.pools.iter().map(|pool| pool.count()).sum();
    let needed = BRIDGES - u64::from(settings.bip.is_some());
    if !settings.pools.is_empty() && total < needed {
        found.push(Finding::new(
            "daemon-pools-too-few",
            Severity::Error,
            "the address pools hold too few networks",
            format!("`default-address-pools` in {FILE} holds {total}, docker0, docker_gwbridge and ucp-bridge need {needed}"),
            "list at least three pools, or pools whose size is longer than the mask of their base, and restart the Engine",
        ));
    }
    // NET-003: which of them gets what is easily guessed wrong once a pool holds several.
    if let [first, ..] = settings.pools.as_slice()
        && settings.bip.is_none()
        && first.count() > 1
        && let Ok(bridges) = EngineAllocator::new(&settings.pools, &[]).bridges(None)
    {
        found.push(Finding::new(
            "daemon-pools-shifted",
            Severity::Info,
            "the first pool serves more than docker0",
            format!(
                "docker0 takes {}, docker_gwbridge {} and ucp-bridge {}",
                bridges.docker0, bridges.docker_gwbridge, bridges.ucp_bridge
            ),
            "nothing is to be done when these are the networks that you mean",
        ));
    }
}

/// NET-003: `bip` and `fixed-cidr` must fit together and into the networks that are free.
fn bridge(settings: &DaemonSettings, found: &mut Vec<Finding>) {
    if let Some(bip) = settings.bip
        && (bip.addr() == bip.network() || bip.addr() == bip.broadcast())
    {
        found.push(Finding::new(
            "daemon-bip-no-host",
            Severity::Error,
            "docker0 has no usable address",
            format!("`bip` in {FILE} is {bip}, the first or last address of its network"),
            format!(
                "use an address inside, such as {}/{}",
                next(bip.network()),
                bip.prefix_len()
            ),
        ));
    }
    if let (Some(bip), Some(fixed)) = (settings.bip, settings.fixed_cidr)
        && !bip.trunc().contains(&fixed.trunc())
    {
        found.push(Finding::new(
            "daemon-fixed-cidr-outside",
            Severity::Error,
            "containers would get addresses outside of docker0",
            format!("`fixed-cidr` {fixed} does not lie in `bip` {}", bip.trunc()),
            "choose a `fixed-cidr` inside the network of `bip`",
        ));
    }
    if settings.bip.is_none()
        && let Some(fixed) = settings.fixed_cidr
        && let Ok(bridges) = EngineAllocator::new(&settings.pools, &[]).bridges(None)
        && !bridges.docker0.contains(&fixed.trunc())
    {
        found.push(Finding::new(
            "daemon-fixed-cidr-without-bip",
            Severity::Warning,
            "`fixed-cidr` may lie outside of docker0",
            format!(
                "`fixed-cidr` is {fixed}, docker0 takes {} from the address pools",
                bridges.docker0
            ),
            "set `bip` to an address of the same network",
        ));
    }
}

/// REQ-006, REQ-007: what components cannot run under.
fn privileges(settings: &DaemonSettings, found: &mut Vec<Finding>) {
    if settings.no_new_privileges {
        found.push(Finding::new(
            "daemon-no-new-privileges",
            Severity::Error,
            "components fail without the right to gain privileges",
            format!("`no-new-privileges` is true in {FILE}"),
            "take `no-new-privileges` away and restart the Engine; set it per container instead",
        ));
    }
    if let Some(user) = &settings.userns_remap {
        found.push(Finding::new(
            "daemon-userns-remap",
            Severity::Error,
            "user namespaces are not supported",
            format!("`userns-remap` is `{user}` in {FILE}"),
            "take `userns-remap` away and restart the Engine; images and containers of the remapped user stay behind",
        ));
    }
}

/// An Engine that anybody on the network may use has no access control at all.
fn listeners(settings: &DaemonSettings, found: &mut Vec<Finding>) {
    for host in settings.hosts.iter().filter(|host| host.starts_with("tcp://")) {
        if !settings.tls_verify {
            found.push(Finding::new(
                "daemon-open-port",
                Severity::Error,
                "the Engine takes orders from the network without asking who gives them",
                format!("`hosts` in {FILE} has `{host}` and `tlsverify` is not set"),
                "take the address away, or set `tlsverify` with an authority of your own",
            ));
        }
    }
}

fn next(address: std::net::Ipv4Addr) -> std::net::Ipv4Addr {
    u32::from(address).saturating_add(1).into()
}

#[cfg(test)]
mod tests {
    use super::super::DaemonFile;
    use super::*;

    fn ids(text: &str) -> Vec<String> {
        let (settings, problems) = DaemonFile::parse(text).unwrap().settings();
        assert_eq!(problems, [], "{text}");
        findings(&settings)
            .iter()
            .map(|finding| finding.id.clone().into_owned())
            .collect()
    }

    /// NET-001, NET-003, REQ-006, REQ-007: what is refused, and what is not.
    #[test]
    fn settings_and_their_findings() {
        let pool = |count: usize| {
            let pools: Vec<_> = (0..count)
                .map(|n| format!(r#"{{"base":"10.{n}.0.0/16","size":16}}"#))
                .collect();
            format!(r#""default-address-pools":[{}]"#, pools.join(","))
        };
        for (text, expected) in [
            ("{}".to_owned(), &[] as &[&str]),
            (format!("{{{}}}", pool(3)), &[]),
            (format!("{{{}}}", pool(2)), &["daemon-pools-too-few"]),
            (format!(r#"{{{},"bip":"10.9.0.1/24"}}"#, pool(2)), &[]),
            (
                format!(r#"{{{},"bip":"10.9.0.1/24"}}"#, pool(1)),
                &["daemon-pools-too-few"],
            ),
            (
                r#"{"default-address-pools":[{"base":"10.0.0.0/16","size":20}]}"#.to_owned(),
                &["daemon-pools-shifted"],
            ),
            (r#"{"bip":"10.9.0.0/24"}"#.to_owned(), &["daemon-bip-no-host"]),
            (
                r#"{"bip":"10.9.0.1/24","fixed-cidr":"10.9.0.128/25"}"#.to_owned(),
                &[],
            ),
            (
                r#"{"bip":"10.9.0.1/24","fixed-cidr":"10.9.1.0/25"}"#.to_owned(),
                &["daemon-fixed-cidr-outside"],
            ),
            (r#"{"fixed-cidr":"172.17.8.0/24"}"#.to_owned(), &[]),
            (
                r#"{"fixed-cidr":"10.9.1.0/25"}"#.to_owned(),
                &["daemon-fixed-cidr-without-bip"],
            ),
            (
                r#"{"no-new-privileges":true}"#.to_owned(),
                &["daemon-no-new-privileges"],
            ),
            (r#"{"no-new-privileges":false,"userns-remap":""}"#.to_owned(), &[]),
            (
                r#"{"userns-remap":"default"}"#.to_owned(),
                &["daemon-userns-remap"],
            ),
            (r#"{"live-restore":true}"#.to_owned(), &["daemon-live-restore"]),
            (r#"{"hosts":["fd://","unix:///x"]}"#.to_owned(), &[]),
            (
                r#"{"hosts":["tcp://0.0.0.0:2376"],"tlsverify":true}"#.to_owned(),
                &[],
            ),
            (
                r#"{"hosts":["tcp://0.0.0.0:2375"]}"#.to_owned(),
                &["daemon-open-port"],
            ),
        ] {
            assert_eq!(ids(&text), expected, "{text}");
        }
    }
}
