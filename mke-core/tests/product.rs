//! The tables of the product beside the facts of its documents, and the rules about versions and managers.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests stop them too")]

use std::collections::{BTreeMap, BTreeSet};

use mke_core::product::{self, Component, ImageSet, Kind, Os, ProductVersion, Protocol, Role, Scope};
use toml::{Table, Value};

fn facts(name: &str) -> Vec<Table> {
    let text = match name {
        "component" => include_str!("product/component.toml"),
        "image" => include_str!("product/image.toml"),
        "volume" => include_str!("product/volume.toml"),
        "port" => include_str!("product/port.toml"),
        _ => panic!("no facts {name}"),
    };
    let mut table: Table = text.parse().unwrap();
    let Some(Value::Array(rows)) = table.remove(name) else {
        panic!("no rows {name}");
    };
    rows.into_iter().map(|row| row.try_into().unwrap()).collect()
}

fn text<'t>(row: &'t Table, key: &str) -> Option<&'t str> {
    row.get(key).and_then(Value::as_str)
}

fn texts(row: &Table, key: &str) -> Vec<String> {
    let list = row
        .get(key)
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    list.iter()
        .map(|value| value.as_str().unwrap().to_owned())
        .collect()
}

fn truth(row: &Table, key: &str) -> bool {
    row.get(key).and_then(Value::as_bool).unwrap_or_default()
}

fn roles(names: &[String]) -> Vec<Role> {
    let mut roles = Vec::new();
    for name in names {
        match name.trim_end_matches('s') {
            "manager" => roles.push(Role::Manager),
            "worker" => roles.push(Role::Worker),
            "unknown" => {}
            other => panic!("role {other}"),
        }
    }
    roles
}

fn all() -> impl Iterator<Item = &'static Component> {
    product::components().iter().chain(product::pods())
}

/// ARCH-006, ARCH-007: every component stands in the table as the documents have it, on managers and on workers.
#[test]
fn components_are_those_of_the_documents() {
    let facts = facts("component");
    let current: Vec<_> = all()
        .filter(|component| component.until != Some(ProductVersion::new(3, 3, 0)))
        .collect();
    assert_eq!(current.len(), facts.len());
    for (found, row) in current.iter().zip(&facts) {
        let name = text(row, "name").unwrap();
        assert_eq!(found.name, name);
        let kind = match text(row, "kind").unwrap() {
            "swarm service" => Kind::Service,
            "container" => Kind::Container,
            "kubernetes pod container" => Kind::Pod,
            "kubernetes init container" => Kind::Init,
            "kubernetes pause container" => Kind::Pause,
            other => panic!("{other}"),
        };
        assert_eq!(found.kind, kind, "{name}");
        assert_eq!(found.image, text(row, "image"), "{name}");
        assert_eq!(found.roles, roles(&texts(row, "roles")), "{name}");
        let os = if text(row, "os") == Some("windows") {
            Os::Windows
        } else {
            Os::Linux
        };
        assert_eq!(found.os, os, "{name}");
        assert_eq!(found.volumes, texts(row, "volumes"), "{name}");
        let ports = row
            .get("ports")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let ports: Vec<u16> = ports
            .iter()
            .map(|port| port.as_integer().unwrap().try_into().unwrap())
            .collect();
        assert_eq!(found.ports, ports, "{name}");
        let mut needs = texts(row, "depends_on");
        needs.retain(|other| product::component(other).is_some());
        assert_eq!(found.depends_on, needs, "{name}");
        assert_eq!(found.swarm_only, truth(row, "in_swarm_only_mode"), "{name}");
        assert_eq!(found.windows_name, text(row, "windows_name"), "{name}");
        assert_eq!(found.when.is_some(), row.contains_key("optional"), "{name}");
    }
}

/// What a component names exists: its image, volumes, ports and what it needs.
#[test]
fn names_in_the_tables_exist() {
    for component in all() {
        let name = component.name;
        if let Some(image) = component.image.filter(|image| !image.ends_with("-win")) {
            let old = component
                .until
                .is_some_and(|until| until <= ProductVersion::new(3, 3, 0));
            let later = component
                .since
                .is_some_and(|since| since > product::DEFAULT_VERSION || since.minor > 3);
            assert!(old || later || product::image(image).is_some(), "{name}: {image}");
        }
        for volume in component.volumes {
            let volume = product::volume(volume).unwrap_or_else(|| panic!("{name}: {volume}"));
            for role in component.roles {
                assert!(
                    volume.roles.contains(role),
                    "{name} on {role:?} needs {}",
                    volume.name
                );
            }
        }
        for port in component.ports {
            let interlock = [8080, 8443].contains(port);
            assert!(interlock || product::port(*port).is_some(), "{name}: {port}");
        }
        for other in component.depends_on {
            assert!(product::component(other).is_some(), "{name}: {other}");
        }
    }
    let names: BTreeSet<_> = all().map(|component| component.name).collect();
    assert_eq!(names.len(), all().count(), "every name once");
}

/// ARCH-007: no component of workers keeps data or a key of an authority.
#[test]
fn workers_hold_no_data_and_no_authority() {
    for component in product::components()
        .iter()
        .filter(|component| component.runs_on(Role::Worker))
    {
        for volume in component.volumes {
            assert!(
                !product::volume(volume).unwrap().precious(),
                "{component}: {volume}"
            );
        }
        assert!(!["ucp-etcd", "ucp-cfssl", "ucp-auth-store"].contains(&component.image.unwrap_or_default()));
    }
}

/// VOL-001, VOL-002, VOL-004: volumes are those of the documents; workers have two of them, managers the rest, and the
/// engine's default driver keeps them below its data directory.
#[test]
fn volumes_are_those_of_the_documents() {
    let facts = facts("volume");
    assert_eq!(product::volumes().len(), facts.len());
    for (found, row) in product::volumes().iter().zip(&facts) {
        assert_eq!(Some(found.name), text(row, "name"));
        assert_eq!(found.roles, roles(&texts(row, "nodes")), "{}", found.name);
        assert_eq!(
            found.replicated,
            truth(row, "replicated_across_managers"),
            "{}",
            found.name
        );
        assert_eq!(found.in_backup, truth(row, "in_backup"), "{}", found.name);
        if found.name != "ucp-backup" {
            assert_eq!(found.files, texts(row, "files"), "{}", found.name);
        }
    }
    let of = |role| -> Vec<_> { product::volumes_of(role).map(|volume| volume.name).collect() };
    assert_eq!(of(Role::Worker), ["ucp-node-certs", "mke-container-logs"]);
    assert_eq!(
        of(Role::Manager),
        [
            "ucp-auth-api-certs",
            "ucp-auth-store-certs",
            "ucp-auth-worker-certs",
            "ucp-auth-worker-data",
            "ucp-client-root-ca",
            "ucp-cluster-root-ca",
            "ucp-controller-client-certs",
            "ucp-controller-server-certs",
            "ucp-kv",
            "ucp-kv-certs",
            "ucp-metrics-data",
            "ucp-metrics-inventory",
            "ucp-node-certs",
            "ucp-backup",
            "mke-container-logs",
        ]
    );
    let kv = product::volume("ucp-kv").unwrap();
    assert_eq!(
        kv.default_path("/data/docker/"),
        "/data/docker/volumes/ucp-kv/_data"
    );
}

/// NET-009: every port with protocol, hosts, scope and the setting that moves it.
#[test]
fn ports_are_those_of_the_documents() {
    let facts = facts("port");
    assert_eq!(product::ports().len(), facts.len());
    for (found, row) in product::ports().iter().zip(&facts) {
        let number = found.number;
        assert_eq!(Some(i64::from(number)), row["port"].as_integer());
        let protocols: Vec<_> = texts(row, "protocol")
            .iter()
            .map(|name| {
                if name == "udp" {
                    Protocol::Udp
                } else {
                    Protocol::Tcp
                }
            })
            .collect();
        assert_eq!(found.protocols, protocols, "{number}");
        assert_eq!(found.roles, roles(&texts(row, "hosts")), "{number}");
        let mut scope = texts(row, "scope");
        scope.retain(|name| name != "unknown");
        let found_scope: Vec<_> = found
            .scope
            .iter()
            .map(|scope| match scope {
                Scope::External => "external",
                Scope::Internal => "internal",
                Scope::Own => "self",
            })
            .collect();
        assert_eq!(found_scope, scope, "{number}");
        assert_eq!(
            found.component.unwrap_or("unknown"),
            text(row, "component").unwrap(),
            "{number}"
        );
        assert_eq!(
            found.container.map(i64::from),
            row.get("container_port").and_then(Value::as_integer),
            "{number}"
        );
        assert_eq!(found.configurable(), truth(row, "configurable"), "{number}");
        assert_eq!(found.config_key, text(row, "config_key"), "{number}");
        assert_eq!(found.install_flag, text(row, "install_flag"), "{number}");
        assert_eq!(found.swarm_only, truth(row, "used_in_swarm_only"), "{number}");
        assert_eq!(found.firewall, truth(row, "in_install_firewall_list"), "{number}");
    }
    let of_workers: BTreeSet<_> = product::ports_in(Role::Worker, true)
        .map(|port| port.number)
        .collect();
    assert_eq!(of_workers, BTreeSet::from([4789, 7946, 12_376, 12_378, 12_389]));
    assert!(!product::port(12_378).unwrap().from_elsewhere());
}

/// SWO-002: a cluster without Kubernetes needs exactly the documented images.
#[test]
fn swarm_only_images_are_those_of_the_documents() {
    let facts = facts("image");
    let mut expected: Vec<_> = facts
        .iter()
        .filter(|row| truth(row, "swarm_only"))
        .map(|row| text(row, "name").unwrap())
        .collect();
    expected.sort_unstable();
    let set = ImageSet {
        swarm_only: true,
        windows: false,
    };
    assert_eq!(product::images(set), expected);
    assert_eq!(expected.len(), 24);
    assert!(
        !expected
            .iter()
            .any(|name| name.contains("kube") || name.contains("calico"))
    );
    let all = product::images(ImageSet::default());
    assert_eq!(all.len(), facts.len());
    assert!(all.contains(&"ucp-hyperkube") && all.contains(&"ucp"));
}

/// OFF-004: the images to carry to Windows nodes are the Windows variants and nothing else.
#[test]
fn windows_images_are_the_variants() {
    let set = ImageSet {
        swarm_only: true,
        windows: true,
    };
    assert_eq!(
        product::images(set),
        [
            "ucp-agent-win",
            "ucp-containerd-shim-process-win",
            "ucp-dsinfo-win"
        ]
    );
    assert_eq!(product::image_on("ucp-etcd", Os::Windows), None);
}

/// ARCH-008: names on Windows, and what has none there.
#[test]
fn names_on_windows() {
    for (linux, windows) in [
        ("ucp-worker-agent-x", Some("ucp-worker-agent-win-x")),
        ("ucp-worker-agent-y", Some("ucp-worker-agent-win-y")),
        ("ucp-kubelet", Some("ucp-kubelet-win")),
        ("ucp-kube-proxy", Some("ucp-kube-proxy-win")),
        ("ucp-dsinfo", Some("ucp-dsinfo-win")),
        ("ucp-proxy", Some("ucp-proxy")),
        ("ucp-cluster-agent", None),
        ("ucp-manager-agent", None),
        ("ucp-kv", None),
        ("no-such-component", None),
    ] {
        assert_eq!(product::component_on(linux, Os::Windows), windows, "{linux}");
    }
    assert_eq!(product::component_on("ucp-pod-cleaner-win", Os::Linux), None);
    assert_eq!(
        product::component("ucp-kubelet-win").map(|found| found.name),
        Some("ucp-kubelet")
    );
}

/// ARCH-018, ARCH-019: which version has kube-dns, CoreDNS and Compose.
#[test]
fn components_come_and_go_with_versions() {
    for (name, version, there) in [
        ("k8s_ucp-kube-dns", "3.2.9", true),
        ("k8s_ucp-kube-dns", "3.3.0", false),
        ("k8s_ucp-coredns_coredns", "3.2.9", false),
        ("k8s_ucp-coredns_coredns", "3.4.15", true),
        ("k8s_ucp-kube-compose", "3.4.9", true),
        ("k8s_ucp-kube-compose", "3.4.10", false),
        ("k8s_ucp-kube-compose-api", "3.5.0", false),
        ("ucp-kv", "3.4.15", true),
    ] {
        let component = product::component(name).unwrap();
        assert_eq!(
            component.exists_in(version.parse().unwrap()),
            there,
            "{name} {version}"
        );
    }
}

/// HA-001: how many managers may fail, and how many are recommended.
#[test]
fn managers_that_may_fail() {
    for (managers, quorum, tolerated, recommended) in [
        (0, 0, 0, false),
        (1, 1, 0, false),
        (2, 2, 0, false),
        (3, 2, 1, true),
        (4, 3, 1, false),
        (5, 3, 2, true),
        (6, 4, 2, false),
        (7, 4, 3, false),
    ] {
        let found = product::availability(managers);
        assert_eq!(
            (found.quorum, found.tolerated, found.recommended),
            (quorum, tolerated, recommended),
            "{managers}"
        );
    }
}

fn version(text: &str) -> ProductVersion {
    text.parse().unwrap()
}

/// UPG-001: the ten cases of the documents.
#[test]
fn ten_cases_of_upgrades() {
    for (case, from, to, possible) in [
        ("patch upgrade", "3.3.0", "3.3.1", true),
        ("skip patch version", "3.3.0", "3.3.2", true),
        ("patch downgrade", "3.3.2", "3.3.1", false),
        ("minor upgrade", "3.3.7", "3.4.15", true),
        ("skip minor version", "3.3.7", "3.5.9", false),
        ("minor downgrade", "3.5.9", "3.4.15", false),
        ("major upgrade", "3.4.15", "4.0.0", true),
        ("major upgrade skipping minor version", "3.4.15", "4.1.2", false),
        ("skip major version", "3.4.15", "5.0.0", false),
        ("major downgrade", "4.0.0", "3.4.15", false),
        ("to itself", "3.4.15", "3.4.15", false),
    ] {
        let answer = product::upgrade_path(version(from), version(to));
        assert_eq!(answer.is_ok(), possible, "{case}: {answer:?}");
    }
}

/// UPG-002: every pair of patches around the versions with a newer etcd.
#[test]
fn etcd_never_goes_back() {
    let floors: BTreeMap<u16, u16> = (0..=15)
        .map(|patch| {
            (
                patch,
                if patch >= 15 {
                    9
                } else if patch >= 12 {
                    6
                } else {
                    0
                },
            )
        })
        .collect();
    for (from, floor) in floors {
        for to in 0..=12 {
            let answer =
                product::upgrade_path(ProductVersion::new(3, 4, from), ProductVersion::new(3, 5, to));
            assert_eq!(answer.is_ok(), to >= floor, "3.4.{from} to 3.5.{to}: {answer:?}");
        }
    }
    for from in 0..=12 {
        for to in 0..=3 {
            let answer =
                product::upgrade_path(ProductVersion::new(3, 5, from), ProductVersion::new(3, 6, to));
            assert_eq!(
                answer.is_ok(),
                to >= u16::from(from >= 6),
                "3.5.{from} to 3.6.{to}"
            );
        }
    }
    let refused = product::upgrade_path(version("3.4.13"), version("3.5.5")).unwrap_err();
    assert_eq!(
        refused.allowed,
        ["3.4.14 or later 3.4", "3.5.6 or later 3.5", "4.0"],
        "{refused}"
    );
    assert!(
        refused.to_string().contains("3.5.6 is the first that can"),
        "{refused}"
    );
}

/// OFF-002: withdrawn versions are no target, and 3.4.2 comes with a word about old kernels.
#[test]
fn withdrawn_versions_and_old_kernels() {
    for (to, possible) in [
        ("3.4.1", false),
        ("3.4.2", true),
        ("3.4.3", false),
        ("3.4.4", true),
    ] {
        let answer = product::upgrade_path(version("3.4.0"), version(to));
        assert_eq!(answer.is_ok(), possible, "{to}");
        assert_eq!(product::withdrawn(version(to)), !possible, "{to}");
    }
    let refused = product::upgrade_path(version("3.3.9"), version("3.4.3")).unwrap_err();
    assert!(
        refused
            .allowed
            .contains(&"3.4.0 or later 3.4 except 3.4.1 and 3.4.3".to_owned()),
        "{refused}"
    );
    for (release, kernel, advice) in [
        ("3.4.2", (4, 15), true),
        ("3.4.2", (3, 10), true),
        ("3.4.2", (4, 16), false),
        ("3.4.2", (5, 4), false),
        ("3.4.4", (4, 15), false),
    ] {
        assert_eq!(
            product::kernel_advice(version(release), kernel).is_some(),
            advice,
            "{release} {kernel:?}"
        );
    }
}

/// Texts that are no versions are refused, so that one version has one name.
#[test]
fn versions_have_one_spelling() {
    for text in [
        "",
        "3",
        "3.4",
        "3.4.15.1",
        "v3.4.15",
        "3.4.x",
        "3.4.+1",
        "03.4.15",
        "3.4.015",
        "3.4.70000",
        "latest",
        "3.4. 15",
    ] {
        assert!(text.parse::<ProductVersion>().is_err(), "{text:?}");
    }
    assert_eq!(version("3.4.15").to_string(), "3.4.15");
    assert!(version("3.4.9") < version("3.4.15"));
}

/// Names of images: registry, organisation, name and tag; others are refused.
#[test]
fn names_of_images() {
    use mke_core::product::ImageRef;
    for text in [
        "ucp-agent:3.4.15",
        "mirantis/ucp-agent",
        "mirantis/",
        "mirantis/ucp agent:1",
        "mirantis/:1",
        "",
    ] {
        assert!(text.parse::<ImageRef>().is_err(), "{text:?}");
    }
    let image: ImageRef = "localhost:5000/m/ucp:3.4.15".parse().unwrap();
    assert_eq!(image.version(), Some(version("3.4.15")));
    assert_eq!(
        ImageRef::new("mirantis/", "ucp", version("3.4.15")).to_string(),
        "mirantis/ucp:3.4.15"
    );
    assert_eq!(product::image_of("ucp-hardware-info", true), Some("ucp-agent"));
    assert_eq!(
        product::image_of("ucp-hardware-info", false),
        Some("ucp-hardware-info")
    );
    assert_eq!(product::image_of("ucp-kv", true), Some("ucp-etcd"));
}
