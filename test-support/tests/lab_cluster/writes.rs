//! Writes that are counted: teams of one organization, one for each number.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use mke_test_support::lab::Node;
use serde_json::json;

use super::request::{Answer, From, curl};
use super::world::{Cluster, eventually};

impl Cluster {
    /// Makes the organization whose teams a writer makes.
    pub(crate) fn prepare_writes(&self) {
        let body = json!({ "name": "writers", "isOrg": true });
        let made = self.ask(self.node(1), From::Host, "POST", "/accounts", Some(body));
        assert_eq!(made.status, 201, "{made:?}");
    }

    /// A write, as often as one likes, each with another number. Whoever writes takes the next node when one does not take it.
    pub(crate) fn writer(&self, numbers: &[usize]) -> impl FnMut(u64) -> Result<(), String> + Send + 'static {
        let mut nodes: Vec<String> = numbers.iter().map(|n| self.node(*n).ip().to_string()).collect();
        let token = self.token.clone();
        move |number| {
            let url = format!("https://{}/accounts/writers/teams", nodes[0]);
            let body = json!({ "name": team(number) });
            let limit = Duration::from_secs(30);
            let answer = curl(
                &mut Command::new("curl"),
                &url,
                Some(&token),
                "POST",
                Some(&body),
                limit,
            );
            match answer.is_success() {
                true => Ok(()),
                false => {
                    nodes.rotate_left(1);
                    Err(format!("{} {}", answer.status, answer.body))
                }
            }
        }
    }

    /// A single write from a place.
    pub(crate) fn write(&self, node: Node<'_>, from: From, name: &str) -> Answer {
        let body = json!({ "name": name });
        self.ask(node, from, "POST", "/accounts/writers/teams", Some(body))
    }

    /// Everything that was written, as one controller has it.
    pub(crate) fn written(&self, via: Node<'_>) -> BTreeSet<u64> {
        eventually("everything that was written is listed", || self.list_written(via))
    }

    fn list_written(&self, via: Node<'_>) -> Result<BTreeSet<u64>, String> {
        let mut all = BTreeSet::new();
        let mut start = String::new();
        loop {
            let path = format!("/accounts/writers/teams?limit=100&start={start}");
            let page = self.get(via, &path).success()?;
            for team in page["teams"].as_array().into_iter().flatten() {
                let name = team["name"].as_str().unwrap_or_default();
                all.extend(
                    name.strip_prefix('w')
                        .and_then(|number| number.parse::<u64>().ok()),
                );
            }
            match page["nextPageStart"].as_str() {
                Some(next) if !next.is_empty() => next.clone_into(&mut start),
                _ => return Ok(all),
            }
        }
    }
}

/// The name of the team that stands for a number.
fn team(number: u64) -> String {
    format!("w{number:08}")
}
