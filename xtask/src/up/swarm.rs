//! Puts the engine into swarm mode, because collections, grants and services are about a swarm.

use std::path::Path;
use std::process::Command;

use super::places::Places;
use super::record::Record;
use crate::failure::{Failure, Outcome};
use crate::{command, say};

/// Makes a swarm of one node when the engine is in none, and remembers that it did.
pub(super) fn ensure(places: &Places, record: &mut Record, socket: &Path) -> Outcome {
    let state = command::capture(docker(socket).args(["info", "--format", "{{.Swarm.LocalNodeState}}"]))?;
    match state.trim() {
        "active" => Ok(()),
        "inactive" => {
            say::step("putting the engine into swarm mode");
            // Loopback only: this machine is the whole cluster, and nobody else should be able to join.
            let init = [
                "swarm",
                "init",
                "--advertise-addr",
                "127.0.0.1",
                "--listen-addr",
                "127.0.0.1:2377",
            ];
            command::capture(docker(socket).args(init))?;
            record.swarm_made_on = Some(socket.to_owned());
            record.write(places)
        }
        state => Err(Failure::Precondition(format!(
            "the engine's swarm is `{state}`; unlock it, wait, or leave it (`docker swarm leave --force`) first"
        ))),
    }
}

/// Takes the engine out of the swarm that `up` made.
pub(super) fn leave(socket: &Path) -> Outcome {
    command::capture(docker(socket).args(["swarm", "leave", "--force"])).map(drop)
}

/// The docker command for one engine, whatever the caller's environment or context says.
fn docker(socket: &Path) -> Command {
    let mut command = Command::new("docker");
    for name in [
        "DOCKER_HOST",
        "DOCKER_CONTEXT",
        "DOCKER_TLS_VERIFY",
        "DOCKER_CERT_PATH",
        "DOCKER_API_VERSION",
    ] {
        command.env_remove(name);
    }
    command.arg("--host").arg(format!("unix://{}", socket.display()));
    command
}
