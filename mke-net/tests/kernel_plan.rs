//! Plans of kernel parameters against a slow evaluator: carried out on a kernel of plain values, a plan leaves what was wanted and
//! touches nothing else. And the words of its findings.

#![cfg(test)]

mod support;

use std::collections::BTreeMap;

use mke_core::config::Config;
use mke_net::Severity;
use mke_net::kernel::{
    Intent, Key, Need, Observation, Place, Plan, Settings, State, observe, parameters, plan,
};
use proptest::prelude::*;
use support::machine;

fn key(name: &str) -> Key {
    name.parse().unwrap()
}

/// A kernel of plain values: a write changes one, and the switch of forwarding what it switches.
fn carry_out(values: &mut BTreeMap<String, String>, plan: &Plan) {
    for step in &plan.steps {
        let name = step.key.to_string();
        assert_eq!(values[&name], step.from, "{name} was something else");
        values.insert(name.clone(), step.to.clone());
        if ["net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding"].contains(&name.as_str())
            && step.from != step.to
        {
            let names: Vec<String> = values.keys().cloned().collect();
            for other in names {
                if other == "net.ipv4.ip_forward"
                    || (other.starts_with("net.ipv4.conf.") && other.ends_with(".forwarding"))
                {
                    values.insert(other, step.to.clone());
                } else if other == "net.ipv4.conf.all.accept_redirects" {
                    values.insert(other, if step.to == "0" { "1" } else { "0" }.to_owned());
                }
            }
        }
        if name.ends_with("nf_conntrack_max") {
            for other in ["net.netfilter.nf_conntrack_max", "net.nf_conntrack_max"] {
                values
                    .entry(other.to_owned())
                    .and_modify(|value| step.to.clone_into(value));
            }
        }
    }
}

fn wanted(need: Need, intent: &Intent) -> bool {
    match need {
        Need::Always => true,
        Need::Kubernetes | Need::AtLeast => !intent.swarm_only,
        Need::Kubelet => !intent.swarm_only && !intent.protect_defaults,
        Need::Module => intent.whole,
        Need::Never => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// SYS-001, SYS-004: whatever the values are, a plan that is carried out leaves every wanted parameter as it shall be, touches
    /// none that is not wanted, and a second plan has nothing to do.
    #[test]
    fn a_plan_does_what_is_wanted(
        dice in prop::collection::vec(0_u8..5, 91),
        swarm_only: bool, protect_defaults: bool, whole: bool, named: bool,
    ) {
        let mut values: BTreeMap<String, String> = BTreeMap::new();
        let mut states: BTreeMap<Key, State> = BTreeMap::new();
        for (known, throw) in parameters().zip(&dice) {
            let value = match throw {
                0 => "0".to_owned(),
                1 => "1".to_owned(),
                2 => known.product.value().unwrap_or("17").to_owned(),
                3 => "999999".to_owned(),
                _ => {
                    let absent = known.module.map_or(State::Absent, |module| State::ModuleAbsent(module.to_owned()));
                    states.insert(key(known.name), absent);
                    continue;
                }
            };
            values.insert(known.name.to_owned(), value);
        }
        // Two names of one number have one value.
        for (one, other) in [("net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding"), ("net.netfilter.nf_conntrack_max", "net.nf_conntrack_max")] {
            if let (Some(value), true) = (values.get(one).cloned(), values.contains_key(other)) {
                values.insert(other.to_owned(), value);
            }
        }
        states.extend(values.iter().map(|(name, value)| (key(name), State::Value(value.clone()))));
        let mut intent = Intent { swarm_only, protect_defaults, whole, ..Intent::default() };
        if named {
            intent.named = vec![(key("net.netfilter.nf_conntrack_udp_timeout"), "55".to_owned())];
        }
        let seen = |states| Observation { namespace: None, states, settings: Settings::default() };
        let plan_of = |states| plan(&seen(states), &intent);
        let first = plan_of(states.clone());
        let mut after = values.clone();
        carry_out(&mut after, &first);
        for known in parameters() {
            let Some(value) = after.get(known.name) else { continue };
            let named = intent.named.iter().find(|(key, _)| key.to_string() == known.name);
            let product = known.product.value();
            match (named, product) {
                (Some((_, wanted)), _) => prop_assert_eq!(value, wanted),
                (None, Some(product)) if wanted(known.need, &intent) => {
                    let enough = known.need == Need::AtLeast && value.parse::<u64>().unwrap() >= product.parse().unwrap();
                    prop_assert!(value == product || enough, "{} is {}", known.name, value);
                }
                _ => prop_assert_eq!(value, &values[known.name], "{} was touched", known.name),
            }
        }
        states.extend(after.iter().map(|(name, value)| (key(name), State::Value(value.clone()))));
        prop_assert!(plan_of(states).is_empty());
    }
}

/// SYS-001, SYS-002, SYS-003, SYS-004, SYS-007: findings say how bad it is, what the parameter means, who set it and what to do; a
/// module that is not loaded, a value that will not last and a kubelet that protects the defaults are told as that.
#[test]
fn what_findings_say() {
    let root = machine(&[
        ("kernel.panic", "30"),
        ("kernel.panic_on_oops", "1"),
        ("kernel.pty.nr", "77"),
        ("net.ipv4.ip_forward", "0"),
        ("net.ipv4.ip_local_reserved_ports", "what"),
        ("net.netfilter.nf_conntrack_max", "262144"),
        ("net.netfilter.nf_conntrack_checksum", "1"),
        ("vm.overcommit_memory", "1"),
    ]);
    let file = root.path().join("etc/sysctl.d/10-a.conf");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "kernel.panic = 30\nvm.overcommit_memory = 2\n").unwrap();
    let seen = observe(&Place::host(root.path()), &[]).unwrap();
    let node_ports = Some((32_768, 35_535));
    let of = |intent: &Intent, name: &str| {
        let found = plan(&seen, intent).findings;
        let found = found
            .into_iter()
            .find(|finding| finding.id == format!("kernel-{name}"));
        found.map(|finding| {
            (
                finding.severity,
                format!("{}; {}; {}", finding.title, finding.evidence, finding.remedy),
            )
        })
    };
    let kubernetes = Intent {
        node_ports,
        ..Intent::default()
    };
    for (name, severity, part) in [
        (
            "net.ipv4.ip_forward",
            Severity::Error,
            "that is the kernel's default; `ucp kernel apply` sets net.ipv4.ip_forward = 1",
        ),
        (
            "kernel.panic",
            Severity::Warning,
            "/etc/sysctl.d/10-a.conf:1 sets it",
        ),
        (
            "vm.overcommit_memory",
            Severity::Warning,
            "will not stay 1; /etc/sysctl.d/10-a.conf:2 asks for 2",
        ),
        (
            "net.bridge.bridge-nf-call-iptables",
            Severity::Warning,
            "`modprobe br_netfilter`",
        ),
        (
            "net.ipv4.ip_local_reserved_ports",
            Severity::Warning,
            "left alone",
        ),
        (
            "net.netfilter.nf_conntrack_checksum",
            Severity::Info,
            "nothing is to be done",
        ),
    ] {
        let (found, text) = of(&kubernetes, name).unwrap_or_else(|| panic!("{name} has no finding"));
        assert_eq!(found, severity, "{text}");
        assert!(text.contains(part), "{text}");
    }
    for silent in [
        "kernel.pty.nr",
        "kernel.panic_on_oops",
        "net.netfilter.nf_conntrack_max",
        "net.ipv4.vs.conntrack",
    ] {
        assert_eq!(of(&kubernetes, silent), None, "{silent}");
    }
    let protecting = Intent {
        protect_defaults: true,
        ..kubernetes
    };
    let (severity, text) = of(&protecting, "kernel.panic").unwrap();
    assert!(
        severity == Severity::Warning && text.contains("set kernel.panic = 1 yourself"),
        "{text}"
    );
    assert!(
        plan(&seen, &protecting)
            .steps
            .iter()
            .all(|step| step.key == key("net.ipv4.ip_forward"))
    );
    assert_eq!(
        of(
            &Intent {
                swarm_only: true,
                ..Intent::default()
            },
            "kernel.panic"
        )
        .unwrap()
        .0,
        Severity::Info
    );
}

/// SYS-001, NET-015: what a configuration wants.
#[test]
fn intents_of_configurations() {
    let mut config = Config::default();
    let intent = Intent::of(&config);
    assert_eq!(
        (intent.swarm_only, intent.protect_defaults, intent.node_ports),
        (false, false, Some((32_768, 35_535)))
    );
    config.cluster.swarm_only = true;
    config.cluster.kubelet.kube_protect_kernel_defaults = true;
    let intent = Intent::of(&config);
    assert_eq!(
        (intent.swarm_only, intent.protect_defaults, intent.node_ports),
        (true, true, None)
    );
}
