//! What a list of all containers of three nodes costs through a controller, beside asking one engine on its socket.
//!
//! Real engines, each with the same number of containers (1,000 unless `FLEET_CONTAINERS` says another). Both ways alternate
//! in every round, and medians of rounds are shown with their ratio.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a fault of the harness ends the measurement"
)]
#![allow(dead_code, reason = "the harness is that of the tests")]

use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use http::Request;
use http_body_util::BodyExt;
use mke_agent::controller::body::full;
use mke_agent::engine::EngineClient;
use serde_json::{Value, json};

#[path = "../tests/docker/cluster.rs"]
mod cluster;
#[path = "../tests/docker/engine.rs"]
mod engine;
#[path = "../tests/lab_fleet/proxies.rs"]
mod proxies;
#[path = "../tests/lab_fleet/world.rs"]
mod world;

use self::world::World;

/// Rounds, and calls of each way in a round.
const ROUNDS: usize = 5;
const CALLS: usize = 20;
/// Containers that are made at once on each node.
const AT_ONCE: usize = 8;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(run());
}

async fn run() {
    let each: usize = std::env::var("FLEET_CONTAINERS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1000);
    let world = World::start().await;
    let sockets: Vec<PathBuf> = world.lab.nodes().map(|node| node.sock()).collect();
    futures_util::future::join_all(sockets.iter().map(|socket| fill(socket.clone(), each))).await;
    let direct = EngineClient::new(sockets.first().unwrap());
    let token = world.cluster.login("admin").await;
    let client = reqwest::Client::builder()
        .danger_accept_invalid_certs(true)
        .build()
        .unwrap();
    let url = format!("{}/v1.41/containers/json", world.cluster.url());
    let list = async |query: &str| {
        let response = client
            .get(format!("{url}?{query}"))
            .bearer_auth(&token)
            .send()
            .await
            .unwrap();
        response.bytes().await.unwrap()
    };
    engine::until("every node lists what it has", || async {
        let all: Vec<Value> = serde_json::from_slice(&list("all=1").await).unwrap();
        (all.len() == 3 * each).then_some(())
    })
    .await;

    let mut rounds: [Vec<f64>; 4] = Default::default();
    for round in 0..=ROUNDS {
        let [one, kept, asked, changing] = [
            timed(async || drop(direct.get_bytes("/v1.41/containers/json?all=1").await.unwrap())).await,
            timed(async || drop(list("all=1").await)).await,
            // A filter that no kept list answers: every engine is asked.
            timed(async || drop(list("all=1&filters=%7B%22is-task%22%3A%5B%22false%22%5D%7D").await)).await,
            timed(async || {
                one_more(&direct).await;
                drop(list("all=1").await);
            })
            .await,
        ];
        // The first round fills caches of all kinds.
        if round > 0 {
            for (series, seconds) in rounds.iter_mut().zip([one, kept, asked, changing]) {
                series.push(seconds * 1000.0);
            }
        }
    }
    let mut out = std::io::stdout().lock();
    let [one, kept, asked, changing] = rounds.map(median);
    writeln!(
        out,
        "\n| list of all containers | ms | ratio to one engine asked directly |\n| --- | --- | --- |"
    )
    .unwrap();
    for (way, milliseconds) in [
        (format!("one engine, {each} containers, on its socket"), one),
        (format!("controller, 3 × {each}, kept"), kept),
        (format!("controller, 3 × {each}, engines asked"), asked),
        (
            format!("controller, 3 × {each}, after making one container"),
            changing,
        ),
    ] {
        writeln!(out, "| {way} | {milliseconds:.1} | {:.2} |", milliseconds / one).unwrap();
    }
    drop(out);
    world.cluster.stop().await;
}

/// Seconds of one call, as the mean of a round.
async fn timed(call: impl AsyncFn()) -> f64 {
    let started = Instant::now();
    for _ in 0..CALLS {
        call().await;
    }
    started.elapsed().as_secs_f64() / CALLS as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

async fn fill(socket: PathBuf, containers: usize) {
    let client = EngineClient::new(socket);
    stream::iter(0..containers)
        .for_each_concurrent(AT_ONCE, |_| one_more(&client))
        .await;
}

async fn one_more(client: &EngineClient) {
    let body =
        json!({ "Image": engine::IMAGE, "Cmd": ["true"], "Labels": { "app": "bench", "tier": "none" } });
    let request = Request::post("/v1.41/containers/create")
        .header("content-type", "application/json")
        .body(full(body.to_string()))
        .unwrap();
    let answer = tokio::time::timeout(Duration::from_secs(60), client.send(request));
    let answer = answer.await.unwrap().unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    answer.into_body().collect().await.unwrap();
}
