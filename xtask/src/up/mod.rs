//! `cargo xtask up`: from a fresh checkout to a working control plane over this machine's Docker Engine.
//!
//! Reads like its table of contents: packages, engine, swarm, build, serve, what to try. Everything it makes lies
//! in `.mke/` of the checkout, and `down` undoes it.

mod build;
pub(crate) mod down;
mod engine;
mod places;
mod present;
mod record;
mod serve;
mod swarm;

use places::Places;
use record::Record;

use crate::failure::Outcome;
use crate::{checkout, packages, port, say};

/// Start a control plane.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where it listens, on loopback.
    #[arg(long, default_value_t = 8443)]
    port: u16,
    /// Build with optimisation: takes minutes, then runs faster.
    #[arg(long)]
    release: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let places = Places::of(&checkout::root());
    let _lock = places.lock()?;
    let mut record = Record::read(&places)?;
    if let Some(serving) = record.serving() {
        say::step("the control plane already runs");
        return present::welcome(&places, serving, None);
    }
    // A port that is taken should not cost minutes of building first.
    port::must_be_free(args.port)?;
    packages::ensure(&packages::for_up(), "cargo xtask up")?;
    let socket = engine::ensure(&places, &mut record)?;
    swarm::ensure(&places, &mut record, &socket)?;
    let ucp = build::ucp(args.release)?;
    let credentials = serve::start(&places, &mut record, &ucp, &socket, args.port)?;
    match record.serving() {
        Some(serving) => present::welcome(&places, serving, credentials.as_ref()),
        None => Ok(()),
    }
}
