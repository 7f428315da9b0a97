//! A swarm of several real engines on one machine: a manager and workers, joined by a switch of their own.

use std::process::{Child, Command, Stdio};

use super::engine::{Engine, until};

/// The nodes' addresses begin like this. The net exists only between them.
const NET: &str = "192.168.77";
const SWITCH: &str =
    "ip link set lo up && ip link add br0 type bridge && ip link set br0 up && exec cat >/dev/null";

/// The engines of a swarm. The first is the manager.
pub(crate) struct Lab {
    engines: Vec<Engine>,
    switch: Child,
}

impl Lab {
    /// Starts a manager and workers with these names, all with the image that tests use.
    pub(crate) async fn start(workers: &[&str]) -> Self {
        let switch = Command::new("unshare")
            .args(["--net", "--", "sh", "-c", SWITCH])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut lab = Self {
            engines: Vec::new(),
            switch,
        };
        until("the switch is there", || async {
            lab.in_switch(&["show", "br0"])
        })
        .await;
        let names = std::iter::once("manager1").chain(workers.iter().copied());
        for (name, number) in names.zip(1..) {
            let engine = Engine::launch(name, Some(&address(number)));
            lab.plug(engine, number).await;
        }
        for engine in &lab.engines {
            engine.ready().await;
            engine.build_image();
        }
        lab.join();
        lab
    }

    /// The manager's engine.
    pub(crate) fn manager(&self) -> &Engine {
        &self.engines[0]
    }

    async fn plug(&mut self, mut engine: Engine, number: u32) {
        let pid = until("the engine's namespaces are there", || async { engine.pid() })
            .await
            .to_string();
        let port = format!("port{number}");
        let link = [
            "add", &port, "type", "veth", "peer", "name", "eth0", "netns", &pid,
        ];
        self.in_switch(&link).unwrap();
        self.in_switch(&["set", &port, "master", "br0", "up"]).unwrap();
        engine.linked();
        self.engines.push(engine);
    }

    fn in_switch(&self, arguments: &[&str]) -> Option<()> {
        let status = Command::new("nsenter")
            .args(["--net", "--target", &self.switch.id().to_string(), "ip", "link"])
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        status.success().then_some(())
    }

    fn join(&self) {
        self.manager()
            .docker(&["swarm", "init", "--advertise-addr", &address(1)]);
        for number in 2..=self.engines.len() {
            self.join_one(number);
        }
    }

    fn join_one(&self, number: usize) {
        let token = self.manager().docker(&["swarm", "join-token", "-q", "worker"]);
        let here = address(number.try_into().unwrap());
        let there = format!("{}:2377", address(1));
        let join = [
            "swarm",
            "join",
            "--token",
            &token,
            "--advertise-addr",
            &here,
            &there,
        ];
        self.engines[number - 1].docker(&join);
    }

    /// The first worker leaves the swarm and joins it again, as a node that nobody knows.
    #[allow(dead_code, reason = "each test crate uses a part of the harness")]
    pub(crate) fn rejoin(&self) {
        self.engines[1].docker(&["swarm", "leave"]);
        self.join_one(2);
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        drop(self.switch.stdin.take());
        let _ = self.switch.wait();
    }
}

fn address(number: u32) -> String {
    format!("{NET}.{number}")
}
