//! `cargo xtask lab`: several engines on this machine that stay until they are ended, on the code that tests use too.

use std::path::PathBuf;
use std::process::ExitStatus;

use mke_lab::{Lab, LabError, Node};

use crate::failure::{Failure, Outcome};
use crate::{checkout, command, packages, say};

/// Several engines on this machine, each in namespaces of its own.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
    /// Where the lab is; its path must be short [default: target/lab].
    #[arg(long, global = true, env = "MKE_LAB", value_name = "DIRECTORY")]
    directory: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Start nodes n1, n2, … and wait until their engines answer.
    Up {
        /// How many.
        #[arg(value_parser = clap::value_parser!(u8).range(1..=60), default_value_t = 3)]
        nodes: u8,
        /// The nodes make a swarm, the first of them as managers.
        #[arg(long, value_name = "MANAGERS", num_args = 0..=1, default_missing_value = "3")]
        swarm: Option<usize>,
        /// One more option for every engine; can be given several times.
        #[arg(long = "engine-arg", value_name = "OPTION", allow_hyphen_values = true)]
        engine: Vec<String>,
    },
    /// End the lab and remove everything of it.
    Down,
    /// Run a command in a node, a shell without one.
    Exec {
        /// The node.
        node: String,
        /// The command with its arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
    /// Pull the cable of a node; everything in it goes on.
    Partition {
        /// The node.
        node: String,
    },
    /// Plug the cable of a node in again.
    Heal {
        /// The node.
        node: String,
    },
    /// Cut the power of a node.
    Kill {
        /// The node.
        node: String,
    },
    /// Stop the engine of a node in an orderly way, and switch it off.
    Stop {
        /// The node.
        node: String,
    },
    /// Switch a node on again, with the disk that it had.
    Start {
        /// The node.
        node: String,
    },
    /// Print the address of a node; of this machine on the lab's net (gw), or that net (net).
    Ip {
        /// The node, `gw` or `net`.
        #[arg(value_name = "NODE|gw|net")]
        what: String,
    },
    /// Print the socket of a node's engine.
    Sock {
        /// The node.
        node: String,
    },
    /// Load an archive of images into every engine.
    Load {
        /// What `cargo xtask image` or `docker save` wrote.
        archive: PathBuf,
    },
    /// List the nodes.
    Status,
}

/// Does one thing with the lab.
pub(crate) fn run(args: &Args) -> Outcome {
    let directory = args
        .directory
        .clone()
        .unwrap_or_else(|| checkout::root().join("target/lab"));
    let lab = || Lab::attach(&directory).map_err(failure);
    let one = |name: &str, act: fn(&Node<'_>) -> Result<(), LabError>| {
        let lab = lab()?;
        let node = lab.node_named(name).map_err(failure)?;
        act(&node).map_err(failure)
    };
    match &args.command {
        Command::Up { nodes, swarm, engine } => up(&directory, *nodes, *swarm, engine),
        Command::Down => Lab::end_kept(&directory).map_err(failure),
        Command::Exec { node, words } => exec(&lab()?, node, words),
        Command::Partition { node } => one(node, |node| node.partition()),
        Command::Heal { node } => one(node, |node| node.heal()),
        Command::Kill { node } => one(node, |node| node.kill()),
        Command::Stop { node } => one(node, |node| node.stop()),
        Command::Start { node } => one(node, |node| node.start()),
        Command::Ip { what } => {
            let lab = lab()?;
            let text = match what.as_str() {
                "gw" => lab.gateway().to_string(),
                "net" => lab.net(),
                name => lab.node_named(name).map_err(failure)?.ip().to_string(),
            };
            say::data(&text);
            Ok(())
        }
        Command::Sock { node } => {
            let lab = lab()?;
            say::data(
                &lab.node_named(node)
                    .map_err(failure)?
                    .sock()
                    .display()
                    .to_string(),
            );
            Ok(())
        }
        Command::Load { archive } => lab()?.load_images(archive).map_err(failure),
        Command::Status => {
            status(&lab()?);
            Ok(())
        }
    }
}

fn up(directory: &std::path::Path, nodes: u8, swarm: Option<usize>, engine: &[String]) -> Outcome {
    packages::ensure(&packages::for_lab(), "cargo xtask lab up")?;
    say::step(&format!("starting {nodes} engines"));
    let mut builder = Lab::builder()
        .nodes(nodes.into())
        .engine_args(engine)
        .keep(directory);
    if let Some(managers) = swarm {
        builder = builder.swarm(managers.clamp(1, nodes.into()));
    }
    let lab = builder.start().map_err(failure)?;
    status(&lab);
    Ok(())
}

/// The terminal is the command's; its exit code becomes ours as far as it says yes or no.
fn exec(lab: &Lab, node: &str, words: &[String]) -> Outcome {
    let node = lab.node_named(node).map_err(failure)?;
    let (program, rest) = words
        .split_first()
        .map_or(("bash", &[][..]), |(program, rest)| (program.as_str(), rest));
    let mut inside = node.command(program).map_err(failure)?;
    inside.args(rest);
    let status = inside
        .status()
        .map_err(|error| Failure::Broken(format!("cannot start `{}`: {error}", command::shown(&inside))))?;
    if ExitStatus::success(&status) {
        Ok(())
    } else {
        Err(Failure::No(format!("`{program}` ended with {status}")))
    }
}

fn status(lab: &Lab) {
    let line = |columns: [&str; 6]| {
        let [name, address, state, cable, swarm, memory] = columns;
        say::data(&format!(
            "{name:<6} {address:<16} {state:<8} {cable:<6} {swarm:<10} {memory:>9}"
        ));
    };
    line(["NODE", "ADDRESS", "STATE", "CABLE", "SWARM", "ENGINE"]);
    for node in lab.nodes() {
        let status = node.status();
        let (state, cable) = match (status.running, status.connected) {
            (false, _) => ("off", "-"),
            (true, true) => ("running", "up"),
            (true, false) => ("running", "down"),
        };
        let memory = format!("{} MiB", status.memory >> 20);
        line([
            &status.name,
            &status.address.to_string(),
            state,
            cable,
            status.swarm.as_deref().unwrap_or("-"),
            &memory,
        ]);
    }
}

/// What the caller must change is told apart from what broke.
fn failure(error: LabError) -> Failure {
    match error {
        LabError::Missing(_)
        | LabError::NotRoot
        | LabError::PathTooLong(_)
        | LabError::Present(_)
        | LabError::Absent(_)
        | LabError::NoSuchNode { .. }
        | LabError::NotRunning(_) => Failure::Precondition(error.to_string()),
        LabError::NoSubnet(_)
        | LabError::Failed { .. }
        | LabError::Late { .. }
        | LabError::InVain { .. }
        | LabError::File { .. } => Failure::Broken(error.to_string()),
    }
}
