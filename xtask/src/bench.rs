//! `cargo xtask bench`: measurements. Benches of single crates are theirs (criterion); what whole programs cost,
//! beside peers in the same run, is measured by `mke-bench`. This file only knows where to find them.

use std::process::Command;

use crate::failure::{Failure, Outcome};
use crate::{checkout, command, say};

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

const BENCHES: [Bench; 8] = [
    of_programs(
        "decide",
        "decisions with their reason, at 100 users and at a million grants",
    ),
    of_programs(
        "proxy",
        "Engine calls through the controller, beside haproxy and nginx",
    ),
    of_programs("bundles", "client bundles, beside openssl"),
    of_programs("serve", "start-up time and resident memory of `ucp serve`"),
    of_crate(
        "core-store",
        "mke-core",
        "store",
        "durable writes, reads and watch delay",
    ),
    of_crate("core-pki", "mke-core", "pki", "keys and certificates"),
    of_crate("rbac-decide", "mke-rbac", "decide", "single decisions"),
    of_crate("auth-bundle", "mke-auth", "bundle", "packing a bundle"),
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
    let mut cargo = Command::new(checkout::cargo());
    cargo.current_dir(checkout::root());
    match bench.home {
        Home::Criterion { package, bench } => {
            cargo.args(["bench", "--package", package, "--bench", bench, "--"]);
        }
        Home::Program => {
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
