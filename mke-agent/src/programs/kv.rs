//! `ucp-agent kv`: the members of the shared store as an operator looks at them, from inside a component of a manager
//! (DBS-003), and the way out when most of them are lost. Members follow the managers by themselves; nothing is changed
//! here.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use mke_core::store::etcd::{EtcdOptions, MemberInfo};

use super::ProgramError;
use super::ports::{EnginePlace, place_of_engine};
use crate::agent::node::engine_info::EngineInfo;
use crate::agent::store;
use crate::kv::{Keeper, Observed, StoreStatus, WantedMember, best_survivor, start};

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
enum Form {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List servers with names, addresses and sizes. Exit code 1 means that no writes are taken.
    Status,
    /// Say how to go on when most servers are lost for good. Nothing is changed. Exit code 1 means that it must be done.
    Recover,
}

/// Asks and prints.
///
/// # Errors
/// [`ProgramError`] when no member answers, and when the answer is bad news.
pub(super) async fn run(args: Args) -> Result<(), ProgramError> {
    let options = options(&args).await?;
    let keeper = Keeper::new(&options)
        .await
        .map_err(ProgramError::failed("the store cannot be asked"))?;
    let observed = keeper
        .observe()
        .await
        .map_err(ProgramError::failed("no member of the store answers"))?;
    let status = StoreStatus::of(&observed);
    let (text, is_well) = match args.command {
        Command::Status => (status.to_string(), status.writable),
        Command::Recover => recovery(&observed),
    };
    let text = match args.output {
        Form::Text => text,
        Form::Json => serde_json::to_string_pretty(&status)
            .map_err(ProgramError::failed("the answer cannot be written"))?,
    };
    // A reader who went away has what it wanted.
    let _ = writeln!(std::io::stdout(), "{text}");
    match is_well {
        true => Ok(()),
        false => Err(ProgramError::Usage("the store takes no writes".to_owned())),
    }
}

async fn options(args: &Args) -> Result<EtcdOptions, ProgramError> {
    let mut options = match args.endpoints.is_empty() {
        // Any address will do: it is replaced below.
        false => store::options(&args.certs, [IpAddr::from([127, 0, 0, 1])]),
        true => {
            let EnginePlace::Socket(engine) = place_of_engine(&args.engine)? else {
                return Err(ProgramError::Usage(
                    "write unix:///path/to/docker.sock".to_owned(),
                ));
            };
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

/// What to do, and whether there is nothing to do.
fn recovery(observed: &Observed) -> (String, bool) {
    if observed.has_majority() {
        let text = "most servers are healthy: nothing is to be recovered; servers of managers that are lost are replaced \
                    once those managers are demoted"
            .to_owned();
        return (text, true);
    }
    let Some(survivor) = best_survivor(observed) else {
        return (
            "no server answers: start one first, or restore a copy of its volume ucp-kv".to_owned(),
            false,
        );
    };
    let MemberInfo { name, peer_urls, .. } = &survivor.info;
    let wanted = WantedMember {
        name: name.clone(),
        peer_url: peer_urls.first().cloned().unwrap_or_default(),
        empty: false,
        away: false,
    };
    let mut text = format!(
        "most servers are lost, so that no writes are taken. If they do not come back:\n\
         1. Stop container ucp-kv on every other manager, so that two clusters cannot both think that they are it.\n\
         2. On node {name}, which knows most, stop ucp-kv and keep a copy of volume ucp-kv.\n\
         3. Start etcd there once, with what the container was started with and these flags:"
    );
    for (flag, value) in start::alone(&wanted) {
        let _ = write!(text, "\n     --{flag}={value}");
    }
    text.push_str(
        "\n4. Start container ucp-kv again: --force-new-cluster would throw out the next server at each start.\n\
         5. Remove container and volume ucp-kv on the others. They join again as new servers.",
    );
    (text, false)
}

#[cfg(test)]
mod tests {
    use mke_core::store::Revision;
    use mke_core::store::etcd::MemberHealth;

    use super::*;
    use crate::kv::SeenMember;

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

    /// DBS-003: servers with names and addresses, and whether writes are taken. Without a majority the one that knows
    /// most is named, with the flags that make it a cluster of one; with a majority nothing of that is said.
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
        let (text, is_well) = recovery(&well);
        assert!(is_well && !text.contains("force-new-cluster"), "{text}");

        let lost = observed([member(1, None, 0), member(2, Some(9), 0), member(3, None, 0)]);
        let (text, is_well) = recovery(&lost);
        assert!(!is_well);
        for expected in [
            "On node node2",
            "--initial-cluster=node2=https://10.0.0.2:12380",
            "--force-new-cluster=true",
        ] {
            assert!(text.contains(expected), "{text}");
        }
        let gone = observed([member(1, None, 0), member(2, None, 0), member(3, None, 0)]);
        assert!(recovery(&gone).0.starts_with("no server answers"));
    }
}
