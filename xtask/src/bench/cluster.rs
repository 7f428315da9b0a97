//! `cargo xtask bench cluster`: what a cluster costs that nobody uses. Installs the product on a lab, from its image as people do, and
//! looks at every container of every node.

mod footprint;
mod look;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Parser as _;
use mke_lab::{Lab, LabError, Node, Role, until};

use crate::failure::{Failure, Outcome};
use crate::{checkout, image, packages, say};

/// How long an installation, and every wait after it, may take.
const PATIENCE: Duration = Duration::from_secs(300);

const PASSWORD: &str = "cluster-of-the-bench";

/// How the measurement is done.
#[derive(Debug, clap::Parser)]
#[command(name = "cargo xtask bench cluster --", disable_version_flag = true)]
struct Options {
    /// Managers.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=7))]
    managers: u8,
    /// Workers.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(0..=50))]
    workers: u8,
    /// Seconds for which the cluster is left alone before that: an installation has its aftermath.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(0..=3600))]
    rest: u64,
    /// Seconds over which wake-ups are counted.
    #[arg(long, default_value_t = 180, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Take the images from here instead of making them.
    #[arg(long, value_name = "ARCHIVE")]
    images: Option<PathBuf>,
    /// The version of those images.
    #[arg(long, default_value = image::VERSION)]
    version: String,
}

/// Installs, measures and prints tables as Markdown.
pub(super) fn run(more: &[String]) -> Outcome {
    let words = std::iter::once("cluster").chain(more.iter().map(String::as_str));
    let options = Options::try_parse_from(words).map_err(|error| Failure::Precondition(error.to_string()))?;
    packages::ensure(&packages::for_lab(), "cargo xtask bench cluster")?;
    let archive = match &options.images {
        Some(archive) => archive.clone(),
        None => images(&options.version)?,
    };
    let nodes = usize::from(options.managers) + usize::from(options.workers);
    say::step(&format!("starting {nodes} engines with the images"));
    let lab = Lab::builder().nodes(nodes).start().map_err(broken)?;
    lab.load_images(&archive).map_err(broken)?;
    let times = build_cluster(&lab, &options)?;
    say::step(&format!(
        "counting for {} s, after {} s of rest",
        options.seconds, options.rest
    ));
    let [rest, period] = [options.rest, options.seconds].map(Duration::from_secs);
    let footprints = look::over(&lab, rest, period)?;
    let managers: Vec<String> = names(&lab, options.managers);
    say::report(&footprint::tables(&times, &footprints, &managers));
    Ok(())
}

/// How long the steps took.
struct Times {
    install: Duration,
    join: Duration,
}

fn images(version: &str) -> Outcome<PathBuf> {
    let out = checkout::root().join(format!("target/image/bench-{version}.tar"));
    image::make(true, version, &out)?;
    Ok(out)
}

fn build_cluster(lab: &Lab, options: &Options) -> Outcome<Times> {
    let first = lab.node(1).map_err(broken)?;
    say::step("installing");
    let begun = Instant::now();
    install(&first, &options.version)?;
    let install = begun.elapsed();
    say::detail(&format!("{:.1} s", install.as_secs_f64()));
    say::step("joining");
    let begun = Instant::now();
    for number in 2..=lab.len() {
        let manager = number <= usize::from(options.managers);
        let role = if manager { Role::Manager } else { Role::Worker };
        lab.join(number, role).map_err(broken)?;
    }
    let healthy = until(PATIENCE, || look::all_healthy(lab, PASSWORD).then_some(()));
    healthy.ok_or_else(|| {
        let states = look::states(&first, PASSWORD).unwrap_or_default();
        Failure::Broken(format!("not all nodes became healthy: {}", states.join("; ")))
    })?;
    Ok(Times {
        install,
        join: begun.elapsed(),
    })
}

/// From its image, with nothing but the engine's socket, as the documents show.
fn install(node: &Node<'_>, version: &str) -> Outcome {
    let image = format!("{}/ucp:{version}", image::ORGANISATION);
    let address = node.ip().to_string();
    let password = format!("--admin-password={PASSWORD}");
    let words = [
        "run",
        "--rm",
        "--name=ucp",
        "--volume=/var/run/docker.sock:/var/run/docker.sock",
        &image,
        "install",
        "--swarm-only",
        "--force-minimums",
        "--host-address",
        &address,
        "--admin-username=admin",
        &password,
    ];
    let ended = node.try_docker(&words, PATIENCE).map_err(broken)?;
    if ended.success() {
        return Ok(());
    }
    Err(Failure::Broken(format!(
        "the installation failed:\n{}{}",
        ended.stdout, ended.stderr
    )))
}

fn names(lab: &Lab, managers: u8) -> Vec<String> {
    let names = lab.nodes().map(|node| node.name().to_owned());
    names.take(managers.into()).collect()
}

fn broken(error: LabError) -> Failure {
    Failure::Broken(error.to_string())
}

/// A figure for people.
#[expect(clippy::cast_precision_loss, reason = "one digit behind the point is shown")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_limits() {
        assert!(Options::try_parse_from(["cluster", "--managers", "5"]).is_ok());
        for bad in [["--managers", "0"], ["--seconds", "0"], ["--nodes", "3"]] {
            let words = ["cluster"].into_iter().chain(bad);
            assert!(Options::try_parse_from(words).is_err(), "{bad:?}");
        }
    }
}
