//! Engine calls through the control plane, beside haproxy and nginx in front of the same socket.
//!
//! First over a real engine, then over recorded answers of that engine, where what is left is the proxies' own.
//! Ours authenticates, decides and filters; the others only pass bytes on.

mod latency;
mod load;
mod stage;

use std::path::Path;

use self::stage::Stage;
use super::directory;
use crate::args::Args;
use crate::error::BenchError;
use crate::peers::canned::Canned;
use crate::peers::engine::Engine;
use crate::report::Table;
use crate::trust;

pub(super) async fn run(program: &Path, args: &Args) -> Result<Vec<Table>, BenchError> {
    let directory = directory()?;
    let path = directory.path();
    let root = trust::write_peer_certificate(path)?;
    let mut loads = load::table(args);
    let mut latencies = latency::table();

    let engine = Engine::start(path).await?;
    let (stage, objects) = Stage::over_engine(program, path, engine.socket(), &root, args.containers).await?;
    load::measure(&stage, &objects, args, &mut loads).await?;
    latency::measure(&stage, &objects, &mut latencies).await?;
    let recordings = objects.record(engine.socket()).await?;
    drop((stage, engine));

    let canned = Canned::start(path, &recordings).await?;
    let stage = Stage::over_recordings(program, path, canned.socket(), &root).await?;
    load::measure(&stage, &objects, args, &mut loads).await?;
    latency::measure(&stage, &objects, &mut latencies).await?;

    loads.note(objects.creation_note());
    Ok(vec![loads, latencies])
}
