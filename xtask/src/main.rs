//! `cargo xtask`: everything that a person or continuous integration does with this checkout, one file per command.
//!
//! Holds no rule of the product. It builds in seconds, because it is what a newcomer waits for first.

mod architecture;
mod artifacts;
mod bench;
mod checkout;
mod command;
mod conformance;
mod differential;
mod failure;
mod image;
mod lab;
mod packages;
mod port;
mod process;
mod python;
mod requirements;
mod say;
mod test;
mod up;
mod upstream;
mod wait;
mod wheel;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Set up, run, test and measure this checkout.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make this machine's Docker Engine available through a control plane.
    Up(up::Args),
    /// Stop what `up` started.
    Down(up::down::Args),
    /// Check and test everything.
    Test(test::Args),
    /// List which requirements tests claim, and which none does.
    Requirements(requirements::Args),
    /// Run decision cases from data files.
    Conformance(conformance::Args),
    /// Compare Kubernetes decisions with those of the upstream authorizer.
    Differential(differential::Args),
    /// Check the rules of ARCHITECTURE.md.
    Architecture,
    /// Make the images of the product.
    Image(image::Args),
    /// Make the Python package.
    Wheel(wheel::Args),
    /// Several engines on this machine that make a swarm.
    Lab(lab::Args),
    /// Measure.
    Bench(bench::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Up(args) => up::run(&args),
        Command::Down(args) => up::down::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Requirements(args) => requirements::run(&args),
        Command::Conformance(args) => conformance::run(&args),
        Command::Differential(args) => differential::run(&args),
        Command::Architecture => architecture::run(),
        Command::Image(args) => image::run(&args),
        Command::Wheel(args) => wheel::run(&args),
        Command::Lab(args) => lab::run(&args),
        Command::Bench(args) => bench::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say::error(&failure.to_string());
            failure.exit_code()
        }
    }
}
