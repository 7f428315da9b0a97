//! How services of agents change, over whole upgrades.

use super::*;

const OLD: ProductVersion = ProductVersion::new(3, 4, 14);
const NEW: ProductVersion = ProductVersion::new(3, 4, 15);

fn spec(name: &str, version: ProductVersion, role: &str) -> Value {
    json!({
        "Name": name,
        "Labels": { labels::INSTANCE_ID: "c", labels::VERSION: version.to_string() },
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": format!("mirantis/ucp-agent:{version}@sha256:00"),
                "Env": [format!("UCP_VERSION={version}"), "UCP_DEBUG=1"],
                "Labels": { labels::VERSION: version.to_string() },
                "Configs": [
                    { "ConfigID": "i1", "ConfigName": "com.docker.ucp.config-1", "File": { "Name": "/etc/ucp/ucp.toml" } },
                    { "ConfigID": "ca", "ConfigName": "com.docker.ucp.cluster-ca", "File": { "Name": "/etc/ucp/cluster-ca.pem" } },
                ],
            },
            "Placement": { "Constraints": [format!("node.role=={role}"), "node.labels.com.docker.ucp.upgrade-hold!=true"] },
        },
    })
}

/// The services of a swarm, changed as the swarm would change them.
struct Swarm(Vec<Service>, usize);

impl Swarm {
    fn installed() -> Self {
        let service = |(id, spec): (usize, Value)| Service {
            id: format!("s{id}"),
            version: 1,
            spec,
        };
        let specs = [
            spec("ucp-worker-agent-x", OLD, "worker"),
            spec("ucp-cluster-agent", OLD, "manager"),
        ];
        Self(specs.into_iter().enumerate().map(service).collect(), 0)
    }

    /// Carries out the plan and makes sure that there is nothing left to do.
    fn settle(&mut self, version: ProductVersion, any_held: bool) -> usize {
        let wanted = Wanted {
            version,
            config: Some(("i1".to_owned(), "com.docker.ucp.config-1".to_owned())),
            any_held,
        };
        let changes = plan(&self.0, &wanted);
        for change in &changes {
            match change {
                ServiceChange::Create(spec) => {
                    self.1 += 1;
                    self.0.push(Service {
                        id: format!("n{}", self.1),
                        version: 1,
                        spec: spec.clone(),
                    });
                }
                ServiceChange::Update { id, version, spec } => {
                    let service = self.0.iter_mut().find(|service| service.id == *id).unwrap();
                    assert_eq!(service.version, *version);
                    service.version += 1;
                    service.spec = spec.clone();
                }
                ServiceChange::Remove(id) => self.0.retain(|service| service.id != *id),
            }
            // At no moment may two agents claim one node.
            let held: Vec<bool> = self.workers().iter().map(|(_, _, held)| *held).collect();
            assert!(held.len() < 2 || held[0] != held[1], "{:?}", self.workers());
        }
        assert_eq!(plan(&self.0, &wanted), [], "the second plan is empty");
        changes.len()
    }

    /// Worker agents: name, version, whether they keep held nodes.
    fn workers(&self) -> Vec<(String, String, bool)> {
        let workers = self.0.iter().filter(|service| service.name().contains("worker"));
        let mut found: Vec<_> = workers
            .map(|service| {
                (
                    service.name().trim_start_matches("ucp-worker-agent-").to_owned(),
                    service.image().unwrap().tag,
                    service.keeps_held(),
                )
            })
            .collect();
        found.sort();
        found
    }
}

fn worker(name: &str, version: ProductVersion, held: bool) -> (String, String, bool) {
    (name.to_owned(), version.to_string(), held)
}

/// ARCH-009: a phased upgrade: the new generation takes the nodes that are not held, the old one keeps the others,
/// and goes with the last label. The next upgrade goes back to the first letter.
#[test]
fn a_phased_upgrade() {
    let mut swarm = Swarm::installed();
    assert_eq!(swarm.settle(OLD, false), 0);
    swarm.settle(NEW, true);
    assert_eq!(swarm.workers(), [worker("x", OLD, true), worker("y", NEW, false)]);
    // Labels go one by one: as long as there is one, nothing changes.
    assert_eq!(swarm.settle(NEW, true), 0);
    swarm.settle(NEW, false);
    assert_eq!(swarm.workers(), [worker("y", NEW, false)]);
    let newer = ProductVersion::new(3, 4, 16);
    swarm.settle(newer, true);
    assert_eq!(
        swarm.workers(),
        [worker("x", newer, false), worker("y", NEW, true)]
    );
    swarm.settle(newer, false);
    assert_eq!(swarm.workers(), [worker("x", newer, false)]);
}

/// With nobody held, the one generation is changed in place, its variable and labels with it.
#[test]
fn an_automatic_upgrade() {
    let mut swarm = Swarm::installed();
    assert_eq!(swarm.settle(NEW, false), 1);
    assert_eq!(swarm.workers(), [worker("x", NEW, false)]);
    let spec = &swarm.0[0].spec;
    assert_eq!(
        spec["TaskTemplate"]["ContainerSpec"]["Env"],
        json!(["UCP_VERSION=3.4.15", "UCP_DEBUG=1"])
    );
    assert_eq!(spec["Labels"][labels::VERSION], "3.4.15");
    // The managers' services are changed by the upgrade itself.
    assert_eq!(swarm.0[1].image().unwrap().tag, "3.4.14");
}

/// A label outside of an upgrade takes nobody's agent away; versions never fall.
#[test]
fn held_without_an_upgrade() {
    let mut swarm = Swarm::installed();
    swarm.settle(OLD, true);
    assert_eq!(swarm.workers(), [worker("x", OLD, false), worker("y", OLD, true)]);
    swarm.settle(NEW, true);
    assert_eq!(swarm.workers(), [worker("x", NEW, false), worker("y", OLD, true)]);
    swarm.settle(OLD, true);
    assert_eq!(swarm.workers(), [worker("x", NEW, false), worker("y", OLD, true)]);
    swarm.settle(NEW, false);
    assert_eq!(swarm.workers(), [worker("x", NEW, false)]);
}

/// CFG-004: agents see the newest object of the configuration, and other objects as before; services of others and of
/// another installation are never touched.
#[test]
fn agents_see_the_configuration() {
    let mut swarm = Swarm::installed();
    swarm.0.push(Service {
        id: "user".to_owned(),
        version: 1,
        spec: spec("web", OLD, "worker"),
    });
    let wanted = Wanted {
        version: OLD,
        config: Some(("i2".to_owned(), "com.docker.ucp.config-2".to_owned())),
        any_held: false,
    };
    let changes = plan(&swarm.0, &wanted);
    assert_eq!(changes.len(), 2);
    for change in changes {
        let ServiceChange::Update { spec, id, .. } = change else {
            panic!("{change:?}");
        };
        assert_ne!(id, "user");
        let configs = &spec["TaskTemplate"]["ContainerSpec"]["Configs"];
        assert_eq!(configs[0]["ConfigID"], "i2");
        assert_eq!(configs[1]["ConfigID"], "ca");
    }
    let other =
        json!({ "ID": "a", "Version": { "Index": 1 }, "Spec": spec("ucp-cluster-agent", OLD, "manager") });
    assert!(Service::read(&other, "c").is_some());
    assert_eq!(Service::read(&other, "d"), None);
}

/// No agents for a system, no generations for it.
#[test]
fn nothing_is_made_that_was_not_installed() {
    let wanted = Wanted {
        version: NEW,
        config: None,
        any_held: true,
    };
    assert_eq!(plan(&[], &wanted), []);
}
