//! `mke-bench`: what our programs cost, beside peers that do comparable work on the same machine in the same run.
//!
//! Every figure stands next to a ratio, because seconds on a shared machine mean little and ratios travel. Rounds
//! of the peers alternate, and medians are shown. Nothing here fails because something was slow: the tables say
//! what is aimed at, and people judge. All traffic stays on the loopback interface and on unix sockets.
//!
//! | module | owns |
//! | --- | --- |
//! | [`measure`] | what is measured, a file per subject |
//! | [`peers`] | starting and configuring what is measured |
//! | [`wrk`], [`client`] | load, and single calls |
//! | [`report`], [`facts`] | the tables, and the machine they hold for |

mod args;
mod client;
mod error;
mod facts;
mod measure;
mod peers;
mod process;
mod report;
mod stats;
mod tools;
mod trust;
mod wrk;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use mke_core::causes::chain;

use crate::args::Args;
use crate::error::BenchError;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do when even this cannot be written.
            let _ = writeln!(std::io::stderr(), "error: {}", chain(&error));
            ExitCode::from(error.exit_code())
        }
    }
}

#[tokio::main]
async fn run(args: &Args) -> Result<(), BenchError> {
    if let Some(store) = &args.synchronise {
        return measure::ldap::child(store, &args.with).await;
    }
    tools::check(&args.measures())?;
    let report = tokio::select! {
        report = measure::run(args) => report?,
        interrupted = process::interrupted() => return Err(interrupted),
    };
    let text = report.render(args.output)?;
    std::io::stdout()
        .write_all(text.as_bytes())
        .map_err(BenchError::file("write to", "standard output"))
}
