//! `cargo xtask down`: stops what `up` started, and nothing else.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::places::Places;
use super::record::Record;
use super::{engine, swarm};
use crate::failure::{Failure, Outcome};
use crate::process::Process;
use crate::{checkout, command, say};

/// Streams of users are cut after the grace of `ucp serve`.
const SERVE_PATIENCE: Duration = Duration::from_secs(20);

/// The engine stops its containers first, each with ten seconds of grace.
const ENGINE_PATIENCE: Duration = Duration::from_secs(60);

/// Stop the control plane.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Also remove all data, the private engine with its containers and images, and the swarm that `up` made.
    #[arg(long)]
    purge: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let places = Places::of(&checkout::root());
    if !places.base.exists() {
        say::step("nothing was started here");
        return Ok(());
    }
    let _lock = places.lock()?;
    let mut record = Record::read(&places)?;
    let served = record.serving().map(|serving| serving.process);
    end("ucp serve", served, SERVE_PATIENCE);
    record.serve = None;
    record.write(&places)?;
    if args.purge
        && let Some(socket) = record.swarm_made_on.take()
        && engine::answers(&socket)
    {
        say::step("leaving the swarm");
        swarm::leave(&socket)?;
    }
    end("the private Docker Engine", record.engine(), ENGINE_PATIENCE);
    record.engine = None;
    record.write(&places)?;
    if args.purge {
        purge(&places)?;
    } else {
        say::detail(&format!(
            "data stays in {}; --purge removes it",
            places.base.display()
        ));
    }
    Ok(())
}

fn end(what: &str, process: Option<Process>, patience: Duration) {
    let Some(process) = process else {
        say::step(&format!("{what}: not running"));
        return;
    };
    say::step(&format!("stopping {what} (process {})", process.id()));
    if !process.end(patience) {
        say::detail(&format!(
            "it did not end within {} s and was ended by force",
            patience.as_secs()
        ));
    }
}

fn purge(places: &Places) -> Outcome {
    say::step(&format!("removing {}", places.base.display()));
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    for directory in [&places.engine_run, &places.base] {
        // The engine leaves network namespaces and layers mounted when it was ended by force.
        for mount in mounts_below(&mounts, directory) {
            command::capture(Command::new("umount").args(["--lazy", &mount]))?;
        }
        match std::fs::remove_dir_all(directory) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Failure::file("remove", directory)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Mount points below a directory, the innermost first.
fn mounts_below(mounts: &str, directory: &Path) -> Vec<String> {
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(1));
    // The kernel writes a space in a path as \040.
    let points = points.map(|point| point.replace("\\040", " "));
    let mut below: Vec<String> = points
        .filter(|point| Path::new(point).starts_with(directory))
        .collect();
    below.reverse();
    below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_undone_from_the_inside() {
        let mounts = "proc /proc proc rw 0 0\nnsfs /a\\040b/run/netns/x nsfs rw 0 0\n\
                      overlay /a\\040b/data/o overlay rw 0 0\ntmpfs /a\\040b/data/o/in tmpfs rw 0 0\ntmpfs /a\\040bc tmpfs rw 0 0\n";
        assert_eq!(
            mounts_below(mounts, Path::new("/a b")),
            ["/a b/data/o/in", "/a b/data/o", "/a b/run/netns/x"]
        );
        assert!(mounts_below(mounts, Path::new("/none")).is_empty());
    }
}
