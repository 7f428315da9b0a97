//! The switch of a lab: a bridge in a network namespace of its own.
//!
//! Not a bridge of the host: there the frames between two nodes go through the host's FORWARD chain, which every engine that ever ran on
//! the host has set to drop. In a namespace of its own no rule of the host applies, and none has to be changed.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::boot::{self, Held};
use crate::error::LabError;
use crate::net::Subnet;
use crate::process::Process;
use crate::run::must;

/// How long one command that only touches the kernel may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running switch.
#[derive(Debug)]
pub(crate) struct Switch {
    pub(crate) held: Held,
    pub(crate) subnet: Subnet,
}

impl Switch {
    /// Starts a switch with a subnet that nobody else has, and plugs the host in.
    pub(crate) fn start(directory: &Path, seed: u32, kept: bool) -> Result<Self, LabError> {
        const SCRIPT: &str = "ip link set lo up\nip link add br0 type bridge\nip link set br0 up\n\
             echo 1 > /proc/sys/net/ipv4/ip_forward\necho 0 > /proc/sys/net/ipv4/icmp_ratelimit\n\
             ip route add unreachable default";
        let mut held = boot::switch(SCRIPT, &directory.join("switch.log"), kept)?;
        match claim(held.init, seed) {
            Ok(subnet) => Ok(Self { held, subnet }),
            Err(error) => {
                held.kill();
                Err(error)
            }
        }
    }

    /// Plugs a node in. Its first process waits for that.
    pub(crate) fn plug(&self, number: u8, node: Process) -> Result<(), LabError> {
        let (port, pid, subnet) = (port(number), node.id(), self.subnet);
        self.inside(&format!(
            "ip link add {port} type veth peer name eth0 netns {pid}\nip link set {port} master br0 up"
        ))?;
        inside(
            node,
            &format!(
                "ip link set eth0 address {}\nip addr add {}/24 dev eth0\nip link set eth0 up\n\
                 ip route add default via {}",
                subnet.hardware(number),
                subnet.node(number),
                subnet.switch()
            ),
        )
    }

    /// Takes the cable of a node away, which may be gone with the node.
    pub(crate) fn unplug(&self, number: u8) {
        let _ = self.inside(&format!("ip link del {}", port(number)));
    }

    /// Cuts or mends the cable of a node.
    pub(crate) fn set(&self, number: u8, up: bool) -> Result<(), LabError> {
        let state = if up { "up" } else { "down" };
        self.inside(&format!("ip link set {} {state}", port(number)))
    }

    /// Whether the cable of a node is whole.
    pub(crate) fn is_up(&self, number: u8) -> bool {
        let shown = must(
            &mut entering(self.held.init, &format!("ip -o link show {}", port(number))),
            PATIENCE,
        );
        shown.is_ok_and(|line| line.contains("state UP"))
    }

    /// Ends the switch, and with it every cable.
    pub(crate) fn end(&mut self) -> bool {
        // The kernel would do it, a little later: the subnet is free at once.
        let _ = must(
            Command::new("ip").args(["link", "del", &self.subnet.host_link()]),
            PATIENCE,
        );
        self.held.kill()
    }

    fn inside(&self, script: &str) -> Result<(), LabError> {
        inside(self.held.init, script)
    }
}

/// The first subnet whose link can be made.
fn claim(switch: Process, seed: u32) -> Result<Subnet, LabError> {
    let mut why = String::new();
    for subnet in Subnet::all(seed) {
        let link = subnet.host_link();
        let pid = switch.id().to_string();
        let made = must(
            Command::new("ip").args([
                "link", "add", &link, "type", "veth", "peer", "name", "host", "netns", &pid,
            ]),
            PATIENCE,
        );
        match made {
            Ok(_) => {
                connect(switch, subnet)?;
                return Ok(subnet);
            }
            Err(LabError::Failed { stderr, .. }) if stderr.contains("File exists") => why = stderr,
            Err(error) => return Err(error),
        }
    }
    Err(LabError::NoSubnet(why))
}

fn connect(switch: Process, subnet: Subnet) -> Result<(), LabError> {
    let link = subnet.host_link();
    let gateway = format!("{}/24", subnet.gateway());
    must(
        Command::new("ip").args(["addr", "add", &gateway, "dev", &link]),
        PATIENCE,
    )?;
    must(Command::new("ip").args(["link", "set", &link, "up"]), PATIENCE)?;
    inside(
        switch,
        &format!(
            "ip addr add {}/24 dev br0\nip link set host master br0 up",
            subnet.switch()
        ),
    )
}

fn port(number: u8) -> String {
    format!("port{number}")
}

fn inside(process: Process, script: &str) -> Result<(), LabError> {
    must(&mut entering(process, script), PATIENCE).map(drop)
}

/// Not `ip netns exec`: that mounts a new `/sys`, and control groups are gone.
fn entering(process: Process, script: &str) -> Command {
    let mut command = Command::new("nsenter");
    command
        .arg(format!("--net=/proc/{}/ns/net", process.id()))
        .args(["sh", "-ec", script]);
    command
}
