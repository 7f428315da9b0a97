//! What a proxy adds to one call when nothing else is going on.

use std::time::Instant;

use super::stage::{Objects, Stage};
use crate::client::Client;
use crate::error::BenchError;
use crate::peers::engine::IMAGE;
use crate::report::Table;
use crate::stats::{micros, quantile};

/// Calls of each peer in a block; blocks alternate.
const BLOCK: usize = 100;

/// Blocks of each peer.
const BLOCKS: usize = 5;

/// Calls before the first that counts.
const WARM_UP: usize = 50;

pub(super) fn table() -> Table {
    let mut table = Table::new(
        "Time of one call on one open connection",
        &[
            "call",
            "backend",
            "direct, µs",
            "ucp, µs",
            "haproxy, µs",
            "nginx, µs",
            "ucp adds, µs",
            "haproxy adds, µs",
        ],
    );
    table.note(format!(
        "Medians of {} calls, in blocks of {BLOCK} in turn. `direct` is the unix socket without TLS.",
        BLOCK * BLOCKS
    ));
    table
}

/// Adds a row for each call.
pub(super) async fn measure(stage: &Stage, objects: &Objects, table: &mut Table) -> Result<(), BenchError> {
    let calls = [
        ("inspect an image", format!("/v1.41/images/{IMAGE}/json")),
        ("inspect a container", objects.container_path()),
    ];
    for (name, path) in calls {
        let mut clients = [
            Client::unix(&stage.socket).await?,
            Client::tls(stage.ucp.port(), &stage.connector)
                .await?
                .with_token(&objects.administrator),
            Client::tls(stage.haproxy.port(), &stage.connector).await?,
            Client::tls(stage.nginx.port(), &stage.connector).await?,
        ];
        for client in &mut clients {
            time(client, &path, WARM_UP).await?;
        }
        let mut times: [Vec<f64>; 4] = Default::default();
        for _ in 0..BLOCKS {
            for (client, times) in clients.iter_mut().zip(&mut times) {
                times.extend(time(client, &path, BLOCK).await?);
            }
        }
        let [direct, ucp, haproxy, nginx] = times.map(|mut times| quantile(&mut times, 0.5));
        let added = |through: Option<f64>| Some(through? - direct?);
        table.row([
            name.into(),
            stage.backend.into(),
            direct.into(),
            ucp.into(),
            haproxy.into(),
            nginx.into(),
            added(ucp).into(),
            added(haproxy).into(),
        ]);
    }
    Ok(())
}

async fn time(client: &mut Client, path: &str, count: usize) -> Result<Vec<f64>, BenchError> {
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let start = Instant::now();
        client.get(path).await?;
        times.push(micros(start.elapsed()));
    }
    Ok(times)
}
