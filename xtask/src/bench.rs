//! `cargo xtask bench`: measurements. Benches of single crates are theirs (criterion); what whole programs cost,
//! beside peers in the same run, is measured by `mke-bench`. This file only knows where to find them.

mod cluster;
mod python;

use std::process::Command;

use crate::failure::{Failure, Outcome};
use crate::{artifacts, checkout, command, python as environment, say, upstream};

/// Measurements, by name.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to measure; without a name, lists what there is.
    name: Option<String>,
    /// Passed on to the program that measures.
    #[arg(last = true)]
    more: Vec<String>,
}

/// Where a measurement lives.
enum Home {
    /// A bench target of a package.
    Criterion {
        package: &'static str,
        bench: &'static str,
    },
    /// A subject of `mke-bench`.
    Program,
    /// `bench/authz`, a workspace of its own.
    Authz,
    /// Here, because it is the lab that is measured.
    Cluster,
    /// `bench/python`, a program of Python.
    Python,
    /// A test that is left out of test runs, built for release.
    Test {
        package: &'static str,
        file: &'static str,
        name: &'static str,
    },
}

/// One measurement.
struct Bench {
    name: &'static str,
    home: Home,
    what: &'static str,
}

const fn of_crate(
    name: &'static str,
    package: &'static str,
    bench: &'static str,
    what: &'static str,
) -> Bench {
    Bench {
        name,
        home: Home::Criterion { package, bench },
        what,
    }
}

const fn of_programs(name: &'static str, what: &'static str) -> Bench {
    Bench {
        name,
        home: Home::Program,
        what,
    }
}

const BENCHES: &[Bench] = &[
    Bench {
        name: "authz",
        home: Home::Authz,
        what: "decisions beside cedar-policy, casbin, regorus and the upstream Kubernetes authorizer",
    },
    of_programs(
        "decide",
        "decisions with their reason, at 100 users and at a million grants",
    ),
    of_programs(
        "proxy",
        "Engine calls through the controller, beside haproxy and nginx",
    ),
    of_programs(
        "config",
        "reading, checking and editing a configuration file, beside tomllib and tomlkit",
    ),
    of_programs("saml", "accepting SAML responses, beside libxmlsec1 and pysaml2"),
    of_programs("scim", "users made and found over SCIM, beside scim2-server"),
    of_programs(
        "ldap",
        "a synchronisation with 100,000 users, beside ldapsearch and Python's ldap3",
    ),
    of_programs("bundles", "client bundles, beside openssl"),
    Bench {
        name: "cluster",
        home: Home::Cluster,
        what: "installing on several engines, and memory and wake-ups of every component",
    },
    Bench {
        name: "python",
        home: Home::Python,
        what: "decisions, configurations and imports in Python, beside pycasbin, cedarpy, tomlkit and docker",
    },
    Bench {
        name: "nodes",
        home: Home::Test {
            package: "mke-agent",
            file: "node",
            name: "simulation::ten_thousand_nodes",
        },
        what: "10,000 simulated nodes of whose steps 5 % go wrong, until all are as wanted",
    },
    of_programs("serve", "start-up time and resident memory of `ucp serve`"),
    of_crate(
        "core-store",
        "mke-core",
        "store",
        "durable writes, reads and watch delay",
    ),
    of_crate(
        "store",
        "mke-core",
        "store_etcd",
        "the shared store beside the plain client of etcd",
    ),
    of_crate("core-pki", "mke-core", "pki", "keys and certificates"),
    of_crate("rbac-decide", "mke-rbac", "decide", "single decisions"),
    of_crate("auth-bundle", "mke-auth", "bundle", "packing a bundle"),
    of_crate(
        "fleet",
        "mke-agent",
        "fleet",
        "lists of three nodes, beside asking one engine directly",
    ),
];

pub(crate) fn run(args: &Args) -> Outcome {
    let Some(name) = &args.name else {
        for bench in BENCHES {
            say::data(&format!("{:<12} {}", bench.name, bench.what));
        }
        return Ok(());
    };
    let bench = BENCHES.iter().find(|bench| bench.name == name).ok_or_else(|| {
        Failure::Precondition(format!("no measurement `{name}`; `cargo xtask bench` lists them"))
    })?;
    let mut cargo = checkout::cargo();
    cargo.current_dir(checkout::root());
    match bench.home {
        Home::Criterion { package, bench } => {
            cargo.args(["bench", "--package", package, "--bench", bench, "--"]);
        }
        Home::Authz => return authz(&args.more),
        Home::Cluster => return cluster::run(&args.more),
        Home::Python => return python::run(&args.more),
        Home::Test { package, file, name } => {
            cargo.args([
                "test",
                "--quiet",
                "--release",
                "--package",
                package,
                "--test",
                file,
            ]);
            cargo.args(["--", "--ignored", "--exact", "--nocapture", name]);
        }
        Home::Program => {
            if matches!(&**name, "config" | "ldap" | "saml" | "scim") {
                environment::ensure(&format!("cargo xtask bench {name}"))?;
            }
            cargo.args([
                "run",
                "--quiet",
                "--release",
                "--package",
                "mke-bench",
                "--",
                name,
            ]);
        }
    }
    command::must(cargo.args(&args.more))
}

/// Builds the peers, measures, and writes table and picture into `docs/`.
fn authz(more: &[String]) -> Outcome {
    let upstream = upstream::build("cargo xtask bench authz")?;
    say::step("building this engine and its peers");
    let mut build = checkout::cargo();
    build
        .args([
            "build",
            "--release",
            "--message-format",
            "json-render-diagnostics",
        ])
        .arg("--manifest-path")
        .arg(checkout::root().join("bench/authz/Cargo.toml"))
        .arg("--target-dir")
        .arg(checkout::root().join("target/authz"));
    let (status, messages) = command::capture_stdout(&mut build)?;
    let program = artifacts::executable(&messages, "authz").filter(|_| status.success());
    let program = program.ok_or_else(|| Failure::Broken("bench/authz cannot be built".to_owned()))?;
    say::step("measuring");
    let mut measure = Command::new(program);
    measure
        .arg("--upstream")
        .arg(&upstream.program)
        .args(["--upstream-version", &upstream.version, "--documents"])
        .arg(checkout::root().join("docs"))
        .args(more);
    command::must(&mut measure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        for (index, bench) in BENCHES.iter().enumerate() {
            assert!(
                BENCHES.iter().take(index).all(|other| other.name != bench.name),
                "{}",
                bench.name
            );
        }
    }

    /// A bench that moved or was renamed is noticed here and not by the person who wants to measure.
    #[test]
    fn benches_of_crates_exist() {
        for bench in BENCHES {
            if let Home::Criterion { package, bench } = bench.home {
                let path = checkout::root()
                    .join(package)
                    .join("benches")
                    .join(bench)
                    .with_extension("rs");
                assert!(path.exists(), "{}", path.display());
            }
        }
    }
}
