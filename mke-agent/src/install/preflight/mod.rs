//! What must hold before anything is made: facts in, findings out, all of them at once. Pure.
//!
//! This is the one seam for checks: [`check`] takes [`Facts`], and whoever knows more rules adds a function over the same
//! facts to `rules.rs`.

mod facts;
mod rules;

use std::fmt;

pub use facts::{Facts, NodeFacts, Switches, ranges_of};

/// What a finding means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weight {
    /// Nothing can go on.
    Fatal,
    /// Nothing goes on unless this switch is given.
    Unless(&'static str),
    /// To be known.
    Advice,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// What it means.
    pub weight: Weight,
    /// The node; empty for the cluster.
    pub place: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        write!(f, "{}; {}", self.what, self.remedy)?;
        match self.weight {
            Weight::Unless(switch) => write!(f, ", or go on nevertheless with `{switch}`"),
            Weight::Fatal | Weight::Advice => Ok(()),
        }
    }
}

/// Several findings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings(pub Vec<Finding>);

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => f.write_str("a check failed:")?,
            count => write!(f, "{count} checks failed:")?,
        }
        for finding in &self.0 {
            write!(f, "\n  - {finding}")?;
        }
        Ok(())
    }
}

/// What the checks say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// What stops the run.
    pub refused: Findings,
    /// What does not: advice, and what a switch lets through.
    pub known: Findings,
}

/// Judges all facts.
pub fn check(facts: &Facts, switches: Switches) -> Report {
    let mut report = Report::default();
    for finding in rules::all(facts) {
        let stops = match finding.weight {
            Weight::Fatal => true,
            Weight::Unless(switch) => !switches.allow(switch),
            Weight::Advice => false,
        };
        if stops {
            report.refused.0.push(finding);
        } else {
            report.known.0.push(finding);
        }
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(manager: bool) -> NodeFacts {
        NodeFacts {
            name: "n1".to_owned(),
            manager,
            linux: true,
            ready: true,
            engine: "20.10.24".to_owned(),
            kernel: Some("5.10.0-28-amd64".to_owned()),
            cpus: 4,
            memory: 32 << 30,
            disk: Some(100_000_000_000),
            no_new_privileges: Some(false),
            ..NodeFacts::default()
        }
    }

    fn weights(change: impl FnOnce(&mut NodeFacts)) -> Vec<Weight> {
        let mut node = sound(true);
        change(&mut node);
        let facts = Facts {
            nodes: vec![node],
            ..Facts::default()
        };
        let report = check(&facts, Switches::default());
        report
            .refused
            .0
            .iter()
            .chain(&report.known.0)
            .map(|finding| finding.weight)
            .collect()
    }

    /// REQ-001, REQ-003, REQ-004, REQ-006, REQ-007, INST-007: what is found on a node, and what lets it through.
    #[test]
    fn one_node() {
        const MINIMUMS: Weight = Weight::Unless("--force-minimums");
        const PORTS: Weight = Weight::Unless("--force-port-check");
        type Change = fn(&mut NodeFacts);
        let cases: [(&str, Change, &[Weight]); 24] = [
            ("sound", |_| {}, &[]),
            (
                "old engine",
                |node| node.engine = "19.3.15".to_owned(),
                &[Weight::Fatal],
            ),
            ("least engine", |node| node.engine = "20.10.0".to_owned(), &[]),
            (
                "engine of one number",
                |node| node.engine = "28".to_owned(),
                &[Weight::Fatal],
            ),
            ("new engine", |node| node.engine = "28.0.1-rc.1".to_owned(), &[]),
            (
                "unknown engine",
                |node| node.engine = String::new(),
                &[Weight::Fatal],
            ),
            (
                "old kernel",
                |node| node.kernel = Some("3.9.11".to_owned()),
                &[Weight::Fatal],
            ),
            (
                "least kernel",
                |node| node.kernel = Some("3.10.0-1160.el7".to_owned()),
                &[],
            ),
            (
                "odd kernel",
                |node| node.kernel = Some("custom".to_owned()),
                &[Weight::Fatal],
            ),
            ("one processor", |node| node.cpus = 1, &[MINIMUMS]),
            ("little memory", |node| node.memory = 15 << 30, &[MINIMUMS]),
            (
                "16 GB as the kernel counts them",
                |node| node.memory = 15_600 << 20,
                &[],
            ),
            ("small disk", |node| node.disk = Some(78_000_000_000), &[MINIMUMS]),
            (
                "all too small",
                |node| (node.cpus, node.memory, node.disk) = (1, 1, Some(1)),
                &[MINIMUMS; 3],
            ),
            (
                "no privileges",
                |node| node.no_new_privileges = Some(true),
                &[Weight::Fatal],
            ),
            ("user ids", |node| node.user_namespaces = true, &[Weight::Fatal]),
            (
                "cgroups",
                |node| node.cgroup_version = Some("2".to_owned()),
                &[Weight::Fatal],
            ),
            (
                "storage",
                |node| node.storage_driver = Some("devicemapper".to_owned()),
                &[Weight::Advice],
            ),
            (
                "open engine",
                |node| node.open_tcp = vec!["tcp://0.0.0.0:2375".to_owned()],
                &[Weight::Unless("--force-insecure-tcp")],
            ),
            (
                "port",
                |node| node.ports_in_use = ["tcp/443".to_owned()].into(),
                &[PORTS],
            ),
            (
                "firewall",
                |node| node.ports_unreachable = ["tcp/443".to_owned()].into(),
                &[PORTS],
            ),
            (
                "not probed",
                |node| node.not_probed = Some("no image".to_owned()),
                &[PORTS],
            ),
            (
                "gone",
                |node| (node.ready, node.engine) = (false, String::new()),
                &[Weight::Fatal],
            ),
            (
                "a worker is smaller",
                |node| {
                    (node.manager, node.cpus, node.memory, node.disk) =
                        (false, 1, 4 << 30, Some(15_000_000_000))
                },
                &[],
            ),
        ];
        for (name, change, wanted) in cases {
            assert_eq!(weights(change), wanted, "{name}");
        }
    }

    /// Each switch lets its own findings through and no other.
    #[test]
    fn switches() {
        let mut node = sound(true);
        node.cpus = 1;
        node.open_tcp = vec!["tcp://0.0.0.0:2375".to_owned()];
        node.ports_in_use = ["tcp/443".to_owned()].into();
        node.no_new_privileges = Some(true);
        let facts = Facts {
            nodes: vec![node],
            backup_age_days: Some(None),
            ..Facts::default()
        };
        let refused = |switches| check(&facts, switches).refused.0.len();
        assert_eq!(refused(Switches::default()), 5);
        for switches in [
            Switches {
                minimums: true,
                ..Switches::default()
            },
            Switches {
                insecure_tcp: true,
                ..Switches::default()
            },
            Switches {
                ports: true,
                ..Switches::default()
            },
            Switches {
                backup: true,
                ..Switches::default()
            },
        ] {
            assert_eq!(refused(switches), 4, "{switches:?}");
        }
        let all = Switches {
            minimums: true,
            insecure_tcp: true,
            ports: true,
            backup: true,
        };
        let left = check(&facts, all).refused;
        assert_eq!(left.0.len(), 1, "{left}");
        assert!(left.to_string().contains("no-new-privileges"));
    }

    /// INST-020: a node in another cloud than the one that was named is refused; who has the check left out is asked nothing and told
    /// nothing. Without Kubernetes no cloud is proposed.
    #[test]
    fn clouds() {
        for (told, found, swarm_only, refused, known) in [
            (Some("aws"), Some("aws"), false, 0, 0),
            (Some("aws"), Some("azure"), false, 1, 0),
            (Some("aws"), Some("azure"), true, 1, 0),
            (Some("aws"), None, false, 0, 0),
            (Some(""), Some("gce"), false, 0, 1),
            (Some(""), Some("gce"), true, 0, 0),
            (None, Some("azure"), false, 0, 0),
        ] {
            let facts = Facts {
                nodes: vec![NodeFacts {
                    cloud: found.map(str::to_owned),
                    ..sound(true)
                }],
                cloud_provider: told.map(str::to_owned),
                swarm_only,
                ..Facts::default()
            };
            let report = check(&facts, Switches::default());
            let counts = (report.refused.0.len(), report.known.0.len());
            assert_eq!(counts, (refused, known), "{told:?} {found:?} {report:?}");
            let refused = report.refused.to_string();
            assert_eq!(
                refused.contains("--cloud-provider azure"),
                counts.0 == 1,
                "{refused}"
            );
        }
    }

    /// REQ-003: engines that differ are named with their nodes, once.
    #[test]
    fn different_engines() {
        let mut other = sound(false);
        (other.name, other.engine) = ("n2".to_owned(), "23.0.1".to_owned());
        let facts = Facts {
            nodes: vec![sound(true), other],
            ..Facts::default()
        };
        let report = check(&facts, Switches::default());
        assert!(
            report.refused.to_string().contains("20.10.24 (n1), 23.0.1 (n2)"),
            "{}",
            report.refused
        );
    }

    /// UPG-005, UPG-006: before an upgrade a node needs room for two versions and has the new images, clocks agree, and engines
    /// are new enough, those of managers first. An installation asks for none of the first three.
    #[test]
    fn before_an_upgrade() {
        type Change = fn(&mut NodeFacts);
        let cases: [(&str, Change, &str, usize); 7] = [
            (
                "used",
                |node| node.disk_free = Some(29_000_000_000),
                "71 % of the disk",
                1,
            ),
            ("just room", |node| node.disk_free = Some(30_000_000_000), "", 0),
            ("room not known", |node| node.disk_free = None, "", 0),
            (
                "images",
                |node| node.missing_images = ["mirantis/ucp-agent:3.4.15".to_owned()].into(),
                "docker load",
                0,
            ),
            (
                "clock",
                |node| node.clock_offset_ms = Some(-61_000),
                "-61000 ms",
                0,
            ),
            (
                "driver",
                |node| node.storage_driver = Some("devicemapper".to_owned()),
                "overlay2",
                0,
            ),
            (
                "engine",
                |node| node.engine = "19.03.5".to_owned(),
                "managers first, then workers",
                1,
            ),
        ];
        for (name, change, told, refused) in cases {
            for manager in [true, false] {
                let mut node = sound(manager);
                node.disk_free = node.disk;
                change(&mut node);
                let facts = Facts {
                    nodes: vec![node],
                    backup_age_days: Some(Some(1)),
                    ..Facts::default()
                };
                let report = check(&facts, Switches::default());
                assert_eq!(report.refused.0.len(), refused, "{name} {report:?}");
                let all = report.refused.0.iter().chain(&report.known.0);
                let texts: Vec<String> = all.map(ToString::to_string).collect();
                assert_eq!(texts.len(), usize::from(!told.is_empty()), "{name} {texts:?}");
                assert!(texts.concat().contains(told), "{name} {texts:?}");
            }
        }
        let full = Facts {
            nodes: vec![NodeFacts {
                disk_free: Some(0),
                ..sound(true)
            }],
            ..Facts::default()
        };
        assert_eq!(check(&full, Switches::default()), Report::default());
    }

    /// UPG-003, UPG-004, UPG-012, UPG-015: what stops an upgrade besides the nodes.
    #[test]
    fn upgrades() {
        let refused = |change: fn(&mut Facts)| {
            let mut facts = Facts {
                nodes: vec![sound(true)],
                backup_age_days: Some(Some(1)),
                ..Facts::default()
            };
            change(&mut facts);
            check(&facts, Switches::default()).refused.0.len()
        };
        assert_eq!(refused(|_| {}), 0);
        assert_eq!(refused(|facts| facts.backup_age_days = Some(Some(8))), 1);
        assert_eq!(refused(|facts| facts.backup_age_days = Some(None)), 1);
        assert_eq!(refused(|facts| facts.backup_age_days = None), 0);
        assert_eq!(
            refused(|facts| facts.worker_generations = ["x".to_owned()].into()),
            0
        );
        assert_eq!(
            refused(|facts| facts.worker_generations = ["x".to_owned(), "y".to_owned()].into()),
            1
        );
        assert_eq!(
            refused(|facts| facts.stuck = vec!["container ucp-upgrader is left".to_owned()]),
            1
        );
    }

    /// NET-006: pods in the swarm's pool are refused, and the message says how a swarm gets another one.
    #[test]
    fn ranges() {
        let config = mke_core::config::Config::default();
        let facts = |pool: &str| Facts {
            nodes: vec![sound(true)],
            ranges: ranges_of(&config, &[pool.to_owned()]),
            ..Facts::default()
        };
        let report = check(&facts("192.168.0.0/16"), Switches::default());
        assert!(
            report.refused.to_string().contains("--default-addr-pool"),
            "{report:?}"
        );
        assert!(
            check(&facts("10.200.0.0/16"), Switches::default())
                .refused
                .0
                .is_empty()
        );
    }
}
