//! Looks at a cluster from outside: what its API says of the nodes, and what the kernel says of their processes.

use std::process::Command;
use std::time::Duration;

use mke_lab::{Lab, Node, until};
use serde_json::{Value, json};

use super::broken;
use super::footprint::{Footprint, Process};
use crate::command;
use crate::failure::{Failure, Outcome};

/// Lists every process of every container: name, process id.
const LIST: &str = r#"
for id in $(docker ps --quiet); do
  name=$(docker inspect --format '{{.Name}}' "$id")
  for pid in $(docker top "$id" -o pid | tail -n +2); do
    echo "$name $pid"
  done
done
"#;

/// Adds to the lines of such a list, which follow it: resident and proportional size in kB, voluntary switches so far. Asks the
/// kernel only: an engine tells whoever listens that it was asked, which would wake those who are watched.
const MEASURE: &str = r#"
while read -r name pid; do
  [ -e "/proc/$pid/smaps_rollup" ] || continue
  sizes=$(awk '/^Rss:/ {r = $2} /^Pss:/ {p = $2} END {print r + 0, p + 0}' "/proc/$pid/smaps_rollup")
  woken=$(cat "/proc/$pid/task/"*/status | awk '/^voluntary_ctxt_switches/ {s += $2} END {print s + 0}')
  echo "$name $pid $sizes $woken"
done <<'END'
"#;

/// What every process costs, with its wake-ups counted over some time, after all have rested for some.
pub(super) fn over(lab: &Lab, rest: Duration, period: Duration) -> Outcome<Vec<Footprint>> {
    let lists: Vec<String> = lab
        .nodes()
        .map(|node| node.exec(&["sh", "-c", LIST]).map_err(broken))
        .collect::<Outcome<_>>()?;
    // Nothing to wait for: the time itself is measured.
    let _ = until(rest, || None::<()>);
    let before = processes(lab, &lists)?;
    let _ = until(period, || None::<()>);
    let after = processes(lab, &lists)?;
    Ok(Footprint::between(&before, &after, period))
}

fn processes(lab: &Lab, lists: &[String]) -> Outcome<Vec<Process>> {
    let mut all = Vec::new();
    for (node, list) in lab.nodes().zip(lists) {
        let script = format!("{MEASURE}{}\nEND\n", list.trim_end());
        let listed = node.exec(&["sh", "-c", &script]).map_err(broken)?;
        let lines = listed.lines().map(|line| {
            Process::parse(node.name(), line)
                .ok_or_else(|| Failure::Broken(format!("unexpected line about a process: {line}")))
        });
        all.extend(lines.collect::<Outcome<Vec<_>>>()?);
    }
    Ok(all)
}

/// Whether the API knows every node of the lab, and calls each healthy.
pub(super) fn all_healthy(lab: &Lab, password: &str) -> bool {
    let Ok(first) = lab.node(1) else { return false };
    states(&first, password).is_ok_and(|states| {
        states.len() == lab.len() && states.iter().all(|state| state.contains("Healthy MKE"))
    })
}

/// What the API says of each node.
pub(super) fn states(node: &Node<'_>, password: &str) -> Outcome<Vec<String>> {
    let url = |path: &str| format!("https://{}{path}", node.ip());
    let credentials = json!({ "username": "admin", "password": password }).to_string();
    let login = call(&["--data", &credentials, &url("/auth/login")])?;
    let token = login["auth_token"].as_str().unwrap_or_default();
    let nodes = call(&[
        "--header",
        &format!("Authorization: Bearer {token}"),
        &url("/nodes"),
    ])?;
    let nodes = nodes.as_array().cloned().unwrap_or_default();
    let state = |node: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
        let (name, message) = (&node["Description"]["Hostname"], &node["Status"]["Message"]);
        format!("{}: {}", text(name), text(message))
    };
    Ok(nodes.iter().map(state).collect())
}

/// The server's certificate is of an authority that was made a moment ago.
fn call(words: &[&str]) -> Outcome<Value> {
    let mut curl = Command::new("curl");
    curl.args([
        "--silent",
        "--show-error",
        "--fail",
        "--insecure",
        "--max-time",
        "10",
    ]);
    let answer = command::capture(curl.args(words))?;
    serde_json::from_str(&answer).map_err(|error| Failure::Broken(format!("no JSON: {error}")))
}
