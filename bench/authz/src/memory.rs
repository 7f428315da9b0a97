//! `authz-memory`: what each engine holds, as JSON lines of shape, engine, and bytes for each grant.
//!
//! Its allocator counts, so nothing is timed here. Counted is what stays allocated once an engine is built and its input
//! is gone, as it was asked of the allocator; what the allocator itself adds is not in it.

use std::alloc::System;
use std::io::Write as _;
use std::process::ExitCode;

use mke_bench_authz::error::BenchError;
use mke_bench_authz::shapes::{self, Shape};
use mke_bench_authz::swarm;
use mke_rbac::kubernetes::Authorizer;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<(), BenchError> {
    for shape in shapes::casbin::shapes() {
        swarm_shape(&shape)?;
    }
    swarm_shape(&shapes::ucp_100k())?;
    for (name, bindings) in shapes::kubernetes::SIZES {
        let rbac = shapes::kubernetes::rbac(bindings);
        let before = held();
        let authorizer = Authorizer::compile(&rbac);
        let bytes = held() - before;
        say(name, "kubernetes", bytes / rbac.bindings.len() as f64);
        drop(authorizer);
    }
    Ok(())
}

fn swarm_shape(shape: &Shape) -> Result<(), BenchError> {
    let grants = shape.model.grants.len() as f64;
    swarm::weigh(shape, |engine, build| {
        let before = held();
        build()?;
        say(shape.name, engine, (held() - before) / grants);
        Ok(())
    })
}

/// Bytes that are allocated now.
fn held() -> f64 {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated as f64 - stats.bytes_deallocated as f64
}

fn say(shape: &str, engine: &str, bytes: f64) {
    // A reader that went away has its figures, or wants none.
    let _ = writeln!(std::io::stdout(), "{}", serde_json::json!([shape, engine, bytes]));
}
