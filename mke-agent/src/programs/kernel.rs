//! `ucp-agent kernel`: gives kernel parameters of the node the values that a cluster needs, once (container
//! `ucp-reconcile-kernel`). When no manager is reached afterwards that was reached before, everything is taken back.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use mke_core::causes::chain;
use mke_net::kernel::{Intent, Outcome, Place, Reconciled, reconcile};

use super::ProgramError;
use crate::life::report::OutcomeReport;

/// How long a manager may take to answer.
const CONNECT: Duration = Duration::from_secs(3);
/// How often managers are tried after a change: the first packets may be lost while it takes effect.
const TRIES: usize = 3;

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Below which the node's proc/sys and etc/sysctl.d are.
    #[arg(long, default_value = "/")]
    root: PathBuf,
    /// The cluster has no Kubernetes.
    #[arg(long)]
    swarm_only: bool,
    /// Kubelets find their parameters as they are, and nobody sets them.
    #[arg(long)]
    protect_defaults: bool,
    /// Ports of Kubernetes services, as first-last.
    #[arg(long, value_parser = range)]
    node_ports: Option<(u16, u16)>,
    /// Places of which one must be reached after the change, if one was before it: address:port.
    #[arg(long)]
    reach: Vec<SocketAddr>,
}

fn range(text: &str) -> Result<(u16, u16), String> {
    let parsed = text
        .split_once('-')
        .and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
    parsed
        .filter(|(first, last)| first <= last)
        .ok_or_else(|| "write two ports as first-last".to_owned())
}

/// Looks, writes, and prints what was done as one line of JSON.
///
/// # Errors
/// [`ProgramError`]; the values from before are kept.
pub(super) async fn run(args: Args) -> Result<(), ProgramError> {
    let work = move || {
        let place = Place::host(&args.root);
        let intent = Intent {
            swarm_only: args.swarm_only,
            protect_defaults: args.protect_defaults,
            node_ports: args.node_ports,
            whole: false,
            named: Vec::new(),
        };
        let reached_before = is_reached(&args.reach, 1);
        let well = || !reached_before || is_reached(&args.reach, TRIES);
        reconcile(&place, &intent, well, &mut |event| tracing::debug!(?event))
    };
    let failed = "kernel parameters are as they were";
    let done = tokio::task::spawn_blocking(work)
        .await
        .map_err(ProgramError::failed(failed))?
        .map_err(ProgramError::failed(failed))?;
    let text = serde_json::to_string(&outcomes(&done))
        .map_err(|error| ProgramError::Usage(format!("the answer cannot be written: {}", chain(&error))))?;
    // Whoever does not read it asks again.
    let _ = writeln!(std::io::stdout(), "{text}");
    Ok(())
}

fn is_reached(places: &[SocketAddr], tries: usize) -> bool {
    (0..tries).any(|_| {
        places
            .iter()
            .any(|place| TcpStream::connect_timeout(place, CONNECT).is_ok())
    })
}

/// What was done, in the words of reports.
fn outcomes(done: &Reconciled) -> Vec<OutcomeReport> {
    let outcome = |step: String, error: Option<&str>| OutcomeReport {
        step,
        error: error.map(str::to_owned),
    };
    match &done.outcome {
        Outcome::Nothing => Vec::new(),
        Outcome::Kept(steps) => steps
            .iter()
            .map(|step| {
                let text = format!("kernel parameter {}: {} becomes {}", step.key, step.from, step.to);
                outcome(text, None)
            })
            .collect(),
        Outcome::TakenBack(_) => vec![outcome(
            "kernel parameters".to_owned(),
            Some("no manager was reached after they were changed, so the values from before are back"),
        )],
        Outcome::WaitsForConfirmation => vec![outcome(
            "kernel parameters: left alone, because a change of somebody else waits for `ucp kernel confirm`"
                .to_owned(),
            None,
        )],
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::net::TcpListener;

    use super::*;

    /// A machine whose parameters are plain files.
    fn machine() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (file, value) in [
            ("kernel/panic", "30"),
            ("kernel/panic_on_oops", "1"),
            ("vm/overcommit_memory", "0"),
            ("net/ipv4/ip_local_reserved_ports", "22"),
        ] {
            let path = root.path().join("proc/sys").join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, value).unwrap();
        }
        fs::create_dir_all(root.path().join("etc/sysctl.d")).unwrap();
        root
    }

    fn args(root: &std::path::Path, reach: Vec<SocketAddr>) -> Args {
        Args {
            root: root.to_owned(),
            swarm_only: false,
            protect_defaults: false,
            node_ports: Some((32768, 35535)),
            reach,
        }
    }

    /// What differs is written, kept for the next start and told; the second time there is nothing to do. Should no manager be
    /// reached any more, the values from before are back and that is told as a failure.
    #[tokio::test]
    async fn parameters_are_set_once_and_taken_back_when_that_cuts_the_node_off() {
        let root = machine();
        let value = |file: &str| {
            let text = fs::read_to_string(root.path().join("proc/sys").join(file)).unwrap();
            text.trim().to_owned()
        };
        let nobody = Vec::new();
        run(args(root.path(), nobody)).await.unwrap();
        assert_eq!(value("kernel/panic"), "1");
        assert_eq!(value("net/ipv4/ip_local_reserved_ports"), "22,32768-35535");
        let kept = fs::read_to_string(root.path().join("etc/sysctl.d/95-ucp.conf")).unwrap();
        assert!(kept.contains("vm.overcommit_memory = 1"), "{kept}");
        let place = Place::host(root.path());
        let intent = Intent {
            node_ports: Some((32768, 35535)),
            ..Intent::default()
        };
        let again = reconcile(&place, &intent, || true, &mut |_| {}).unwrap();
        assert_eq!(outcomes(&again), []);

        // The manager goes away exactly when the change is made.
        let other = machine();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let manager = [listener.local_addr().unwrap()];
        assert!(is_reached(&manager, 1));
        drop(listener);
        let place = Place::host(other.path());
        let cut = reconcile(&place, &intent, || is_reached(&manager, 1), &mut |_| {}).unwrap();
        let told = outcomes(&cut);
        assert!(
            told[0]
                .error
                .as_deref()
                .is_some_and(|why| why.contains("are back")),
            "{told:?}"
        );
        let panic = fs::read_to_string(other.path().join("proc/sys/kernel/panic")).unwrap();
        assert_eq!(panic.trim(), "30");
    }

    #[test]
    fn ranges() {
        assert_eq!(range("1-2"), Ok((1, 2)));
        for wrong in ["", "1", "2-1", "1-65536", "a-b"] {
            assert!(range(wrong).is_err(), "{wrong}");
        }
    }
}
