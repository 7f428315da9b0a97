//! The control plane is killed again and again while it writes.

#![cfg(test)]

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};
use support::{Server, eventually};
use tokio::sync::Mutex;

/// How often the process is killed.
const KILLS: usize = 50;

/// How many clients write at once.
const WRITERS: usize = 8;

/// SIGKILL under a write load, fifty times. Everything that was acknowledged is there exactly once, the
/// control plane starts again by itself, and sessions and bundles from before the first kill still work.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost() {
    let server = Server::start(&["--restart"]).await;
    let token = server.login().await;
    let http = server.http();
    let org = json!({ "name": "writers", "isOrg": true });
    let made = http
        .post(format!("{}/accounts/", server.url))
        .bearer_auth(&token)
        .json(&org)
        .send()
        .await
        .unwrap();
    assert_eq!(made.status(), 201);

    let stop = Arc::new(AtomicBool::new(false));
    let count = Arc::new(AtomicUsize::new(0));
    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (http, token, stop) = (http.clone(), token.clone(), stop.clone());
            let (count, acknowledged) = (count.clone(), acknowledged.clone());
            let url = format!("{}/accounts/writers/teams", server.url);
            tokio::spawn(async move {
                let mut pace = tokio::time::interval(std::time::Duration::from_millis(5));
                for number in 0.. {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    let name = format!("team-{writer}-{number}");
                    // A failed request says nothing about its write, so its name is not used again.
                    let sent = http
                        .post(&url)
                        .bearer_auth(&token)
                        .json(&json!({ "name": name }))
                        .send()
                        .await;
                    match sent {
                        Ok(answer) if answer.status() == 201 => {
                            acknowledged.lock().await.insert(name);
                            count.fetch_add(1, Ordering::SeqCst);
                        }
                        Ok(answer) => assert_eq!(answer.status(), 503, "{}", answer.text().await.unwrap()),
                        Err(_) => drop(pace.tick().await),
                    }
                }
            })
        })
        .collect();

    let mut pid = server.pid_other_than(None).await;
    for kill in 0..KILLS {
        // Different amounts of work between kills hit different moments of a commit.
        let goal = count.load(Ordering::SeqCst) + 3 + kill * 7 % 40;
        eventually("progress", async || {
            (count.load(Ordering::SeqCst) >= goal).then_some(())
        })
        .await;
        let killed = std::process::Command::new("kill")
            .args(["-KILL", &pid.to_string()])
            .status()
            .unwrap();
        assert!(killed.success());
        pid = server.pid_other_than(Some(pid)).await;
    }
    stop.store(true, Ordering::SeqCst);
    for writer in writers {
        writer.await.unwrap();
    }

    let mut found = Vec::new();
    let mut start = String::new();
    loop {
        let url = format!("{}/accounts/writers/teams?limit=500&start={start}", server.url);
        let page: Value = http
            .get(url)
            .bearer_auth(&token)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        found.extend(
            page["teams"]
                .as_array()
                .unwrap()
                .iter()
                .map(|team| team["name"].as_str().unwrap().to_owned()),
        );
        match page["nextPageStart"].as_str() {
            Some(next) if !next.is_empty() => next.clone_into(&mut start),
            _ => break,
        }
    }
    let unique: BTreeSet<_> = found.iter().cloned().collect();
    assert_eq!(unique.len(), found.len(), "a team is there twice");
    let acknowledged = acknowledged.lock().await;
    let lost: Vec<_> = acknowledged.difference(&unique).collect();
    assert!(
        lost.is_empty(),
        "{} of {} acknowledged writes are lost: {lost:?}",
        lost.len(),
        acknowledged.len()
    );

    let with_bundle = server
        .http_with_bundle()
        .get(format!("{}/id/", server.url))
        .send()
        .await
        .unwrap();
    assert_eq!(
        with_bundle.status(),
        200,
        "the bundle from before the first kill works"
    );
}
