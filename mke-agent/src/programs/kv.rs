//! `ucp-agent kv`: the members of the shared store as an operator looks at them, from inside a component of a manager
//! (DBS-003), and the way out when most of them are lost. Members follow the managers by themselves; nothing is changed
//! here but an order to this node's agent.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Subcommand, ValueEnum};
use mke_core::causes::chain;
use mke_core::product::labels;
use mke_core::store::etcd::{EtcdOptions, EtcdStore};
use mke_core::store::{KeyRange, Store as _, layout};
use tokio::time::{Instant, sleep};

use super::ProgramError;
use super::ports::{EnginePlace, place_of_engine};
use crate::agent::cluster::swarm_nodes;
use crate::agent::node::engine_info::EngineInfo;
use crate::agent::node::lost_store;
use crate::agent::store;
use crate::controller::body::full;
use crate::engine::EngineClient;
use crate::kv::alone::{Loss, Peer, Verdict, alone, ids};
use crate::kv::{Keeper, StoreStatus};

/// How long a recovery that was ordered may take.
const RECOVERY: Duration = Duration::from_secs(180);
/// Records read at once.
const PAGE: usize = 1000;
/// Rest between two looks.
const LOOK: Duration = Duration::from_secs(2);

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
    /// The engine of this node, which knows the managers.
    #[arg(long, global = true, default_value = "unix:///var/run/docker.sock")]
    engine: String,
    /// Directory with the certificate that is shown to the store: ca.pem, cert.pem and key.pem.
    #[arg(long, global = true, default_value = "/v/ucp-controller-client-certs")]
    certs: PathBuf,
    /// Members as https://host:port, instead of asking the engine for the managers.
    #[arg(long, global = true, value_delimiter = ',')]
    endpoints: Vec<String>,
    /// How the answer is written.
    #[arg(long, global = true, value_enum, default_value = "text")]
    output: Form,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Form {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List servers with names, addresses and sizes. Exit code 1 means that no writes are taken.
    Status,
    /// Say how to go on when the store takes no writes. Exit code 1 means that somebody must do something.
    Recover {
        /// Let the server of this node go on without the others, which are lost for good. What only they know is lost.
        #[arg(long)]
        emergency_repair: bool,
    },
}

/// Asks and prints.
///
/// # Errors
/// [`ProgramError`] when no member answers, and when the answer is bad news.
pub(super) async fn run(args: Args) -> Result<(), ProgramError> {
    if let Command::Recover { emergency_repair } = args.command {
        let engine = engine(&args)?;
        let info = EngineInfo::of(&engine)
            .await
            .map_err(ProgramError::failed("the engine does not answer"))?;
        let own = info.address.ok_or_else(|| {
            ProgramError::Usage("the swarm does not say where this node is reached".to_owned())
        })?;
        return recover(&engine, &args.certs, &info.node_id, own, emergency_repair).await;
    }
    tell(&look(&options(&args).await?).await?, args.output)
}

/// How the store is.
///
/// # Errors
/// When no member answers.
pub(super) async fn look(options: &EtcdOptions) -> Result<StoreStatus, ProgramError> {
    let keeper = Keeper::new(options)
        .await
        .map_err(ProgramError::failed("the store cannot be asked"))?;
    let observed = keeper
        .observe()
        .await
        .map_err(ProgramError::failed("no member of the store answers"))?;
    Ok(StoreStatus::of(&observed))
}

/// Prints how the store is.
///
/// # Errors
/// When it takes no writes.
pub(super) fn tell(status: &StoreStatus, form: Form) -> Result<(), ProgramError> {
    let text = match form {
        Form::Text => status.to_string(),
        Form::Json => serde_json::to_string_pretty(status)
            .map_err(ProgramError::failed("the answer cannot be written"))?,
    };
    // A reader who went away has what it wanted.
    let _ = writeln!(std::io::stdout(), "{text}");
    match status.writable {
        true => Ok(()),
        false => Err(no_writes()),
    }
}

fn engine(args: &Args) -> Result<EngineClient, ProgramError> {
    match place_of_engine(&args.engine)? {
        EnginePlace::Socket(engine) => Ok(engine),
        _ => Err(ProgramError::Usage(
            "write unix:///path/to/docker.sock".to_owned(),
        )),
    }
}

async fn options(args: &Args) -> Result<EtcdOptions, ProgramError> {
    let mut options = match args.endpoints.is_empty() {
        // Any address will do: it is replaced below.
        false => store::options(&args.certs, [IpAddr::from([127, 0, 0, 1])]),
        true => {
            let engine = engine(args)?;
            let info = EngineInfo::of(&engine).await.map_err(ProgramError::failed(
                "the engine does not name the managers; use --endpoints",
            ))?;
            let mut addresses: Vec<IpAddr> = info.address.into_iter().collect();
            let others = info.managers.into_iter();
            addresses.extend(others.filter(|other| Some(*other) != info.address));
            store::options(&args.certs, addresses)
        }
    }
    .map_err(ProgramError::failed("the store cannot be reached"))?;
    if !args.endpoints.is_empty() {
        options.endpoints.clone_from(&args.endpoints);
    }
    Ok(options)
}

/// What is to be done about a store that takes no writes, and whether nothing is.
fn told(verdict: &Verdict) -> (String, bool) {
    match verdict {
        Verdict::Whole => (
            "the store takes writes: nothing is to be recovered; servers of managers that are lost are replaced once those \
             managers are demoted"
                .to_owned(),
            true,
        ),
        Verdict::Wait(why) => (format!("the store takes no writes: {why}"), false),
        Verdict::Alone { lost, .. } => (
            format!(
                "the store takes no writes, and the server of this node goes on by itself within a minute without {}",
                lost.join(", ")
            ),
            false,
        ),
    }
}

/// Says what is to be done about a store that takes no writes on the manager at `own`, and orders it in an emergency; then it is
/// waited for, and the tables are told.
///
/// # Errors
/// When the store takes no writes in the end.
pub(super) async fn recover(
    engine: &EngineClient,
    certs: &Path,
    node_id: &str,
    own: IpAddr,
    emergency: bool,
) -> Result<(), ProgramError> {
    let nodes = swarm_nodes(engine).await.map_err(ProgramError::failed(
        "the swarm has no leader; if most managers are lost for good, run `docker swarm init --force-new-cluster \
         --advertise-addr ADDRESS` on the one that goes on, and the store follows",
    ))?;
    let until = Instant::now() + RECOVERY;
    let mut ordered = false;
    let mut said = String::new();
    loop {
        let peers = lost_store::peers(certs, own).await;
        if let Ok(peers) = &peers {
            let verdict = alone(&Loss {
                own: node_id,
                nodes: &nodes,
                members: &peers.members,
                answering: &peers.answering,
                has_leader: peers.has_leader,
            });
            let (text, is_well) = told(&verdict);
            if said != text {
                let _ = writeln!(std::io::stdout(), "{text}");
                said = text;
            }
            match (is_well, emergency) {
                (true, false) => return Ok(()),
                // It is started once more when it has forgotten the others, and is asked again then.
                (true, true) => match tell_tables(certs, own).await {
                    Ok(()) => return Ok(()),
                    Err(error) => tracing::debug!("what is in the store is not read yet: {}", chain(&error)),
                },
                (false, false) => return Err(no_writes()),
                (false, true) if !ordered => {
                    forget(engine, node_id, &peers.members).await?;
                    ordered = true;
                    let _ = writeln!(std::io::stdout(), "the agent of this node has the order");
                }
                (false, true) => {}
            }
        }
        match peers {
            Err(error) if !ordered => {
                return Err(ProgramError::Usage(format!(
                    "the server of this node does not answer, look at container ucp-kv: {}",
                    chain(&*error)
                )));
            }
            _ if Instant::now() >= until => return Err(no_writes()),
            _ => sleep(LOOK).await,
        }
    }
}

/// Prints a line for each table of the store on the manager at `own`, once all are read.
///
/// # Errors
/// When one cannot be read.
pub(super) async fn tell_tables(certs: &Path, own: IpAddr) -> Result<(), ProgramError> {
    for line in lines(&tables(certs, own).await?) {
        let _ = writeln!(std::io::stdout(), "{line}");
    }
    Ok(())
}

/// How many records each table of the store has, read with the assent of a majority.
async fn tables(certs: &Path, own: IpAddr) -> Result<BTreeMap<String, usize>, ProgramError> {
    let unread = "the store cannot be read";
    let options = store::options(certs, [own]).map_err(ProgramError::failed(unread))?;
    let store = EtcdStore::connect(&options)
        .await
        .map_err(ProgramError::failed(unread))?;
    let (mut tables, mut range) = (BTreeMap::new(), KeyRange::prefix(layout::ROOT));
    loop {
        let page = store
            .range(range.clone(), PAGE)
            .await
            .map_err(ProgramError::failed(unread))?;
        for entry in &page.entries {
            let inside = entry.key.strip_prefix(layout::ROOT).unwrap_or(&entry.key);
            let table = inside.split('/').next().unwrap_or(inside);
            *tables.entry(table.to_owned()).or_insert(0) += 1;
        }
        match page.entries.last() {
            Some(last) if page.more => range = range.after(last.key.clone()),
            _ => return Ok(tables),
        }
    }
}

/// One line for each table, which says how far it is.
fn lines(tables: &BTreeMap<String, usize>) -> Vec<String> {
    let all = tables.len();
    let line = |(place, (table, records)): (usize, (&String, &usize))| {
        format!(
            "({:02}/{all:02}) Reconfigured Replication of Table \"{table}\": {records} records",
            place + 1
        )
    };
    tables.iter().enumerate().map(line).collect()
}

fn no_writes() -> ProgramError {
    ProgramError::Usage("the store takes no writes".to_owned())
}

/// Orders the agent of this node to let its member go on without the others.
async fn forget(engine: &EngineClient, node_id: &str, members: &[Peer]) -> Result<(), ProgramError> {
    let failed = "the order cannot be given to the node";
    let others = members
        .iter()
        .filter(|member| !member.learner && !member.name.eq_ignore_ascii_case(node_id));
    let node: serde_json::Value = engine
        .get_json(&format!("/nodes/{node_id}"))
        .await
        .map_err(ProgramError::failed(failed))?;
    let mut spec = node["Spec"].clone();
    if !spec["Labels"].is_object() {
        spec["Labels"] = serde_json::json!({});
    }
    spec["Labels"][labels::STORE_FORGET] = ids(others.map(|member| &member.id)).into();
    let path = format!("/nodes/{node_id}/update?version={}", node["Version"]["Index"]);
    engine
        .call("POST", &path, full(spec.to_string()))
        .await
        .map(drop)
        .map_err(ProgramError::failed(failed))
}

#[cfg(test)]
mod tests {
    use mke_core::store::Revision;
    use mke_core::store::etcd::{MemberHealth, MemberInfo};

    use super::*;
    use crate::kv::{Observed, SeenMember};

    fn member(id: u64, log: Option<u64>, leader: u64) -> SeenMember {
        SeenMember {
            info: MemberInfo {
                id,
                name: format!("node{id}"),
                peer_urls: vec![format!("https://10.0.0.{id}:12380")],
                client_urls: vec![format!("https://10.0.0.{id}:12379")],
                learner: false,
            },
            health: log.ok_or("no answer".to_owned()).map(|log| MemberHealth {
                id,
                version: "3.4.23".to_owned(),
                leader,
                learner: false,
                size: 1,
                in_use: 1,
                log,
                applied: log,
                revision: Revision(log),
                errors: Vec::new(),
            }),
        }
    }

    fn observed(members: [SeenMember; 3]) -> Observed {
        Observed {
            members: members.into(),
            out_of_space: Vec::new(),
        }
    }

    /// DBS-003: servers with names and addresses, and whether writes are taken; and what is said of a store that takes none.
    #[test]
    fn states_of_a_store() {
        let well = observed([member(1, Some(9), 1), member(2, Some(9), 1), member(3, None, 0)]);
        let text = StoreStatus::of(&well).to_string();
        assert!(
            text.contains("node3") && text.contains("https://10.0.0.2:12379"),
            "{text}"
        );
        assert!(
            text.ends_with("2 servers with a vote are healthy, 2 must be: writes are taken"),
            "{text}"
        );
        let lost = observed([member(1, None, 0), member(2, Some(9), 0), member(3, None, 0)]);
        assert!(
            StoreStatus::of(&lost)
                .to_string()
                .ends_with("no writes are taken")
        );
        let lost = vec!["host2".to_owned(), "host3".to_owned()];
        for (verdict, expected, well) in [
            (Verdict::Whole, "nothing is to be recovered", true),
            (
                Verdict::Wait("host2 is away".to_owned()),
                "no writes: host2 is away",
                false,
            ),
            (
                Verdict::Alone { lost, ordered: false },
                "without host2, host3",
                false,
            ),
        ] {
            let (text, is_well) = told(&verdict);
            assert!(text.contains(expected) && is_well == well, "{text}");
        }
        let tables = [("accounts".to_owned(), 3), ("teams".to_owned(), 0)].into();
        assert_eq!(
            lines(&tables),
            [
                "(01/02) Reconfigured Replication of Table \"accounts\": 3 records",
                "(02/02) Reconfigured Replication of Table \"teams\": 0 records"
            ]
        );
    }
}
