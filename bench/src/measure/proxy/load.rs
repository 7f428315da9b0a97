//! Calls a second at many connections.

use super::stage::{Objects, Stage};
use crate::args::Args;
use crate::error::BenchError;
use crate::peers::engine::IMAGE;
use crate::report::{Cell, Table};
use crate::stats::{Spread, micros};
use crate::wrk::{self, Load};

/// Connections for small answers.
const CONNECTIONS: u32 = 32;

/// Connections for lists: each answer has a megabyte, and the engine takes long for it.
const LIST_CONNECTIONS: u32 = 8;

pub(super) fn table(args: &Args) -> Table {
    let mut table = Table::new(
        "Engine calls a second, behind TLS",
        &[
            "call",
            "backend",
            "ucp, 1/s",
            "haproxy, 1/s",
            "nginx, 1/s",
            "ucp/haproxy",
            "ucp/nginx",
            "ucp, CPU µs",
            "haproxy, CPU µs",
            "nginx, CPU µs",
            "ucp p99, ms",
            "haproxy p99, ms",
        ],
    );
    table.note(format!(
        "{} rounds of {} s each, peers in turn, {CONNECTIONS} connections ({LIST_CONNECTIONS} for lists); medians, ratios round by round with least and greatest. The load \
         generator runs on the same cores.",
        args.rounds,
        args.duration().as_secs(),
    ));
    table.note("CPU is the processor time that the proxy itself used for one call: other work on the machine hardly changes it.");
    table.note("Aim: at least 0.8 of haproxy's rate at 32 connections over the engine.");
    table.note("`engine` is dockerd; `recorded` is nginx on a unix socket that repeats dockerd's answers.");
    table.note("`ucp` authenticates, decides and filters each call; haproxy and nginx know no users.");
    table
}

/// One call to be repeated.
struct Call<'c> {
    name: &'static str,
    path: String,
    /// Whose session `ucp` gets; the others ignore it.
    token: &'c str,
    connections: u32,
}

fn calls(objects: &Objects) -> [Call<'_>; 4] {
    let list = |name, token| Call {
        name,
        path: "/v1.41/containers/json?all=1".to_owned(),
        token,
        connections: LIST_CONNECTIONS,
    };
    [
        Call {
            name: "inspect an image",
            path: format!("/v1.41/images/{IMAGE}/json"),
            token: &objects.administrator,
            connections: CONNECTIONS,
        },
        Call {
            name: "inspect a container",
            path: objects.container_path(),
            token: &objects.administrator,
            connections: CONNECTIONS,
        },
        list("list of all containers, administrator", &objects.administrator),
        list("list of all containers, user who sees half", &objects.viewer),
    ]
}

/// What the rounds of one call gave for one peer.
#[derive(Debug, Default)]
struct Series {
    rates: Vec<f64>,
    /// Processor time of a call in microseconds.
    costs: Vec<f64>,
    /// 99th percentiles in milliseconds.
    slowest: Vec<f64>,
}

/// Adds a row for each call.
pub(super) async fn measure(
    stage: &Stage,
    objects: &Objects,
    args: &Args,
    table: &mut Table,
) -> Result<(), BenchError> {
    let peers = [
        (stage.ucp.port(), stage.ucp.daemon()),
        (stage.haproxy.port(), stage.haproxy.daemon()),
        (stage.nginx.port(), stage.nginx.daemon()),
    ];
    for call in calls(objects) {
        let mut all: [Series; 3] = Default::default();
        for round in 0..args.rounds as usize {
            // Another one begins each round, so that none always follows the same other.
            for turn in 0..peers.len() {
                let peer = (round + turn) % peers.len();
                let (port, daemon) = peers[peer];
                let before = daemon.processor_time()?;
                let outcome = wrk::run(&Load {
                    url: &format!("https://127.0.0.1:{port}{}", call.path),
                    token: call.token,
                    connections: call.connections,
                    duration: args.duration(),
                })
                .await?;
                let used = daemon.processor_time()?.saturating_sub(before);
                all[peer].rates.push(outcome.rate);
                all[peer].costs.push(micros(used) / outcome.count);
                all[peer].slowest.push(micros(outcome.p99) / 1e3);
            }
        }
        table.row(row(&call, stage.backend, &all));
    }
    Ok(())
}

fn row(call: &Call<'_>, backend: &str, [ucp, haproxy, nginx]: &[Series; 3]) -> Vec<Cell> {
    let median = |samples: &[f64]| Spread::of(samples.iter().copied()).map(|spread| spread.median);
    vec![
        call.name.into(),
        backend.into(),
        median(&ucp.rates).into(),
        median(&haproxy.rates).into(),
        median(&nginx.rates).into(),
        Spread::of_ratios(&ucp.rates, &haproxy.rates).into(),
        Spread::of_ratios(&ucp.rates, &nginx.rates).into(),
        median(&ucp.costs).into(),
        median(&haproxy.costs).into(),
        median(&nginx.costs).into(),
        median(&ucp.slowest).into(),
        median(&haproxy.slowest).into(),
    ]
}
