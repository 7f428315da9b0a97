//! A cluster as its operators have it: made with the image and the docker client alone, asked with curl, the docker client and
//! `etcdctl` in the store's container. Nothing here knows the product's code.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use mke_test_support::images;
use mke_test_support::lab::{Lab, Node, Role, until_within};
use serde_json::Value;

use super::request::{Answer, From, PASSWORD, Request, USERNAME, login};

/// How long anything may take in which agents, elections and several engines have a part, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);

/// What runs on every node.
const EVERYWHERE: [&str; 2] = ["ucp-hardware-info", "ucp-proxy"];
/// What runs on managers besides.
const ON_MANAGERS: [&str; 6] = [
    "ucp-client-root-ca",
    "ucp-cluster-root-ca",
    "ucp-controller",
    "ucp-kv",
    "ucp-metrics",
    "ucp-swarm-manager",
];
/// The label of everything that is the product's.
const OWN: &str = "label=com.docker.ucp.InstanceID";

/// Waits for something that the whole cluster has to do. When it does not come, the last thing that was seen is told.
pub(crate) fn eventually<T>(what: &str, look: impl FnMut() -> Result<T, String>) -> T {
    until_within(PATIENCE, what, look)
}

/// A node as a controller shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) role: String,
    pub(crate) state: String,
    pub(crate) message: String,
    pub(crate) hint: String,
}

/// A cluster on a lab.
pub(crate) struct Cluster {
    pub(crate) lab: Lab,
    /// The administrator's session.
    pub(crate) token: String,
}

impl Cluster {
    /// Engines with the images, of which the first has installed the product: from a container with the socket alone.
    pub(crate) fn install(nodes: usize) -> Self {
        let lab = Lab::up(nodes);
        lab.load_images(&images::archive());
        let mut cluster = Self {
            lab,
            token: String::new(),
        };
        let first = cluster.node(1);
        let begun = Instant::now();
        first.docker(&[
            "run",
            "--rm",
            "--name",
            "ucp",
            "--volume",
            "/var/run/docker.sock:/var/run/docker.sock",
            "mirantis/ucp:3.4.15",
            "install",
            "--swarm-only",
            "--force-minimums",
            "--admin-username",
            USERNAME,
            "--admin-password",
            PASSWORD,
        ]);
        measured("install", begun);
        let token = eventually("the first controller takes a login", || login(first));
        cluster.token = token;
        cluster
    }

    pub(crate) fn node(&self, number: usize) -> Node<'_> {
        self.lab.node(number)
    }

    /// Lets nodes join the swarm as workers and waits until the cluster has taken them in.
    pub(crate) fn join_workers(&self, numbers: &[usize], nodes: usize, managers: usize) {
        let begun = Instant::now();
        for number in numbers {
            self.lab.join(*number, Role::Worker);
        }
        for number in numbers {
            self.runs_all(self.node(*number), false);
        }
        self.is_healthy(self.node(1), nodes, managers);
        measured("join", begun);
    }

    /// Lets nodes join the swarm as managers, all at once, and waits until they are managers like the first.
    pub(crate) fn join_managers(&self, numbers: &[usize], nodes: usize, managers: usize) {
        let begun = Instant::now();
        for number in numbers {
            self.lab.join(*number, Role::Manager);
        }
        for number in numbers {
            self.runs_all(self.node(*number), true);
            self.answers(self.node(*number));
        }
        self.is_healthy(self.node(1), nodes, managers);
        self.store_has(self.node(1), managers);
        measured("join as managers", begun);
    }

    /// Promotes a node and waits until it is a manager like the others.
    pub(crate) fn promote(&self, number: usize, nodes: usize, managers: usize) {
        let (first, node) = (self.node(1), self.node(number));
        let begun = Instant::now();
        first.docker(&["node", "promote", node.name()]);
        self.runs_all(node, true);
        self.is_healthy(first, nodes, managers);
        self.answers(node);
        measured("promotion", begun);
        self.store_has(first, managers);
    }

    /// Asks the controller of a node as the administrator.
    pub(crate) fn ask(
        &self,
        node: Node<'_>,
        from: From,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        Request {
            from,
            token: Some(&self.token),
            body,
            ..Request::new(node, method, path)
        }
        .send()
    }

    pub(crate) fn get(&self, node: Node<'_>, path: &str) -> Answer {
        self.ask(node, From::Host, "GET", path, None)
    }

    /// Waits until a controller says that its manager works, to somebody who is nobody.
    pub(crate) fn answers(&self, node: Node<'_>) {
        eventually("the manager says that it is well", || {
            Request::new(node, "GET", "/_ping").send().success().map(drop)
        });
    }

    /// The nodes as the controller of a node shows them, by host name.
    pub(crate) fn shown(&self, via: Node<'_>, from: From) -> Result<BTreeMap<String, Shown>, String> {
        let answer = self.ask(via, from, "GET", "/api/ucp/nodes", None).success()?;
        let text = |node: &Value, name: &str| node[name].as_str().unwrap_or_default().to_owned();
        let list = answer["nodes"].as_array().cloned().unwrap_or_default();
        let read = |node: &Value| {
            let shown = Shown {
                role: text(node, "role"),
                state: text(node, "state"),
                message: text(node, "message"),
                hint: text(node, "hint"),
            };
            (text(node, "hostname"), shown)
        };
        Ok(list.iter().map(read).collect())
    }

    /// Waits until a controller shows this many nodes, as many of them managers, and all of them healthy.
    pub(crate) fn is_healthy(&self, via: Node<'_>, nodes: usize, managers: usize) {
        eventually("all nodes are healthy", || {
            let shown = self.shown(via, From::Host)?;
            let well = shown.values().all(|node| node.state == "healthy");
            let leading = shown.values().filter(|node| node.role == "manager").count();
            match well && shown.len() == nodes && leading == managers {
                true => Ok(()),
                false => Err(format!("via {}: {shown:#?}", via.name())),
            }
        });
    }

    /// Waits until a controller shows something of a node.
    pub(crate) fn shows(&self, via: Node<'_>, node: &str, what: &str, is: impl Fn(&Shown) -> bool) -> Shown {
        eventually(what, || {
            let shown = self.shown(via, From::Host)?;
            let found = shown.get(node).filter(|shown| is(shown)).cloned();
            found.ok_or_else(|| format!("via {}: {shown:#?}", via.name()))
        })
    }

    /// Waits until a node runs exactly the components of its role.
    pub(crate) fn runs_all(&self, node: Node<'_>, manager: bool) {
        eventually("the node runs its components and no others", || {
            let there: BTreeSet<String> = running(node).into_keys().collect();
            match there == names(manager) {
                true => Ok(()),
                false => Err(format!("{} runs {there:?}", node.name())),
            }
        });
    }

    /// Waits until the store has this many members with a vote and one leader, as the member of a node knows them.
    pub(crate) fn store_has(&self, node: Node<'_>, members: usize) {
        eventually("the store has its members and a leader", || {
            let asked = node.try_docker(&[
                "exec",
                "ucp-kv",
                "etcdctl",
                "--write-out=json",
                "endpoint",
                "status",
                "--cluster",
            ]);
            let answer: Value = serde_json::from_str(&asked.stdout).unwrap_or(Value::Null);
            let statuses: Vec<&Value> = answer
                .as_array()
                .into_iter()
                .flatten()
                .map(|one| &one["Status"])
                .collect();
            let leaders: BTreeSet<u64> = statuses.iter().filter_map(|one| one["leader"].as_u64()).collect();
            let learner = statuses.iter().any(|one| one["isLearner"] == true);
            match statuses.len() == members && leaders.len() == 1 && !leaders.contains(&0) && !learner {
                true => Ok(()),
                false => Err(format!("{} {}", asked.stdout, asked.stderr)),
            }
        });
    }

    /// The nodes on which tasks of a service run, one name per task.
    pub(crate) fn tasks(&self, manager: Node<'_>, service: &str) -> Vec<String> {
        let filter = [
            "--filter",
            "desired-state=running",
            "--format",
            "{{.Node}} {{.CurrentState}}",
        ];
        let list = manager
            .try_docker(&[&["service", "ps", service], &filter[..]].concat())
            .stdout;
        let mut nodes: Vec<String> = list
            .lines()
            .filter_map(|line| line.split_once(' '))
            .filter(|(_, state)| state.starts_with("Running"))
            .map(|(node, _)| node.to_owned())
            .collect();
        nodes.sort();
        nodes
    }
}

impl Drop for Cluster {
    /// Whoever reads of a failure has nothing else: the engines end with the lab.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        for node in self.lab.nodes().filter(Node::runs) {
            let list = node
                .try_docker(&["ps", "--all", "--format", "{{.Names}}\t{{.Status}}"])
                .stdout;
            eprintln!("---- {}\n{list}", node.name());
            let names = list.lines().filter_map(|line| line.split('\t').next());
            let telling = |name: &&str| {
                name.contains("-agent") || matches!(*name, "ucp-reconcile" | "ucp-controller" | "ucp-kv")
            };
            for name in names.filter(telling) {
                let log = node.try_docker(&["logs", "--tail", "25", name]);
                eprintln!("---- {} {name}\n{}{}", node.name(), log.stdout, log.stderr);
            }
        }
    }
}

/// The names of what must run on a node.
pub(crate) fn names(manager: bool) -> BTreeSet<String> {
    let more: &[&str] = if manager { &ON_MANAGERS } else { &[] };
    EVERYWHERE
        .iter()
        .chain(more)
        .map(|name| (*name).to_owned())
        .collect()
}

/// The product's containers that run on a node, without those of tasks: name, and what changes with each start.
pub(crate) fn running(node: Node<'_>) -> BTreeMap<String, String> {
    let ids = node.try_docker(&["ps", "--quiet", "--filter", OWN]).stdout;
    let ids: Vec<&str> = ids.lines().collect();
    if ids.is_empty() {
        return BTreeMap::new();
    }
    let format = [
        "inspect",
        "--format",
        "{{.Name}} {{.State.Running}} {{.Id}} {{.State.StartedAt}}",
    ];
    let list = node.try_docker(&[&format[..], &ids].concat()).stdout;
    list.lines()
        .filter_map(|line| line.trim_start_matches('/').split_once(" true "))
        // Tasks of services have numbers behind their names, and what runs once is no component.
        .filter(|(name, _)| !name.contains('.') && *name != "ucp-reconcile")
        .map(|(name, start)| (name.to_owned(), start.to_owned()))
        .collect()
}

/// Tells how long something took that an operator waits for: for whoever runs tests by hand.
pub(crate) fn measured(what: &str, begun: Instant) {
    eprintln!("{what}: {:.1} s", begun.elapsed().as_secs_f64());
}
