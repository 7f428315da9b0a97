//! The options of etcd, the store behind Kubernetes (`ucp-kv`): quota (CFG-032), snapshots, TLS on every port.
//!
//! Which members there are already is known to whoever starts a member, not here: `--initial-cluster` and
//! `--initial-cluster-state` are left to it.

use std::net::{IpAddr, SocketAddr};

use super::Work;
use super::api_server::STORE_PORT;
use super::tls::cipher_suites;

/// The port at which members talk to each other.
const PEER_PORT: u16 = 12_380;

/// The DNS name that only certificates of managers carry.
const MANAGER: &str = "ucp-manager";

/// The least and the most milliseconds without a leader after which etcd lets its members elect another one.
const ELECTION: (i64, i64) = (10, 50_000);

/// What etcd must be started with so that every transaction fits that the store of the control plane admits.
pub const STORE_LIMITS: [(&str, u64); 2] = [("max-txn-ops", 10_240), ("max-request-bytes", 4 << 20)];

/// Revisions that etcd keeps. As many as the embedded store, so that a controller that was away for minutes goes on where it was;
/// older ones are dropped by every member itself, so that the file does not grow without end (SWO-007).
const KEEP_REVISIONS: u64 = 10_000;

/// Above this etcd warns that it becomes slow.
const LARGE: u64 = 8 << 30;

pub(super) fn url(address: IpAddr, port: u16) -> String {
    format!("https://{}", SocketAddr::new(address, port))
}

pub(super) fn render(work: &mut Work<'_>) {
    if work.is_absent(work.facts.not_on_workers()) {
        return;
    }
    let (facts, stores) = (work.facts, &work.config.cluster.stores);
    let flags = &mut work.flags;
    flags.fact("name", &facts.name, "name");
    flags.fact("data-dir", &facts.paths.kv_data, "paths.kv_data");
    let any: IpAddr = if facts.address.is_ipv4() {
        [0; 4].into()
    } else {
        [0u16; 8].into()
    };
    let why = "the port inside of the container";
    flags.fixed("listen-client-urls", url(any, 2_379), why);
    flags.fixed("listen-peer-urls", url(any, PEER_PORT), why);
    flags.fact("advertise-client-urls", url(facts.address, STORE_PORT), "address");
    flags.fact(
        "initial-advertise-peer-urls",
        url(facts.address, PEER_PORT),
        "address",
    );
    if !facts.cluster_id.is_empty() {
        flags.fact("initial-cluster-token", &facts.cluster_id, "cluster_id");
    }
    let fact = "paths.kv_certs";
    let certs = &facts.paths.kv_certs;
    work.certificates(
        certs,
        [
            ("trusted-ca-file", "ca.pem"),
            ("cert-file", "cert.pem"),
            ("key-file", "key.pem"),
        ],
        fact,
    );
    work.certificates(
        certs,
        [
            ("peer-trusted-ca-file", "ca.pem"),
            ("peer-cert-file", "cert.pem"),
            ("peer-key-file", "key.pem"),
        ],
        fact,
    );
    // Read again at each handshake, so that a former manager is refused without a restart.
    for flag in ["client-crl-file", "peer-crl-file"] {
        work.flags.fact(flag, format!("{certs}/crl.pem"), fact);
    }
    let flags = &mut work.flags;
    flags.fixed(
        "client-cert-auth",
        true,
        "nobody without a certificate reads the store",
    );
    flags.fixed(
        "peer-client-cert-auth",
        true,
        "nobody without a certificate joins",
    );
    // The cluster authority also signs for workers, which have no business here.
    let why = "only certificates that name managers open the store";
    flags.fixed("client-cert-allowed-hostname", MANAGER, why);
    flags.fixed("peer-cert-allowed-hostname", MANAGER, why);
    // Etcd also compares the address that a connection seems to come from, which is the bridge's for a program on the same
    // machine, and asks name servers about it. That agent must be answered most when nothing else is.
    let why = "the certificate says who it is, not the way that a connection took";
    flags.fixed("experimental-peer-skip-client-san-verification", true, why);
    for (flag, limit) in STORE_LIMITS {
        flags.fixed(flag, limit, "the largest transaction of the store");
    }
    // Without it a member that was cut off asks for an election when it is back, and writes wait for two of them.
    let why = "a member that comes back does not disturb the leader";
    flags.fixed("pre-vote", true, why);
    let why = "nobody speaks JSON to the store";
    flags.fixed("enable-grpc-gateway", false, why);
    let why = "the file must not grow without end";
    flags.fixed("auto-compaction-mode", "revision", why);
    flags.fixed("auto-compaction-retention", KEEP_REVISIONS, why);
    cipher_suites(
        work,
        "cipher-suites",
        &stores.cipher_suites_for_etcd_server,
        "cluster_config.cipher_suites_for_etcd_server",
    );
    let key = "cluster_config.kv_snapshot_count";
    work.flags.key("snapshot-count", stores.kv_snapshot_count, key);
    election(work);
    let key = "cluster_config.etcd_storage_quota";
    match size_in_bytes(&stores.etcd_storage_quota) {
        Some(bytes) => {
            work.flags.key("quota-backend-bytes", bytes, key);
            if bytes > LARGE {
                work.notes
                    .push("etcd is slow with more than 8G, and warns of it".to_owned());
            }
        }
        None => {
            let found = &stores.etcd_storage_quota;
            work.problems.add(
                key,
                format!("{found:?} is no size: write one such as `500M`, `2G` or `4GB`"),
            );
        }
    }
}

/// How long members wait for their leader, from `kv_timeout` (INST-013): the leader calls ten times in that time, as
/// etcd advises, and etcd refuses more than 50 seconds.
fn election(work: &mut Work<'_>) {
    let key = "cluster_config.kv_timeout";
    let timeout = work.config.cluster.stores.kv_timeout;
    if !(ELECTION.0..=ELECTION.1).contains(&timeout) {
        let (least, most) = ELECTION;
        work.problems.add(
            key,
            format!("etcd takes {least} to {most} milliseconds, not {timeout}"),
        );
        return;
    }
    work.flags.key("heartbeat-interval", timeout / 10, key);
    work.flags.key("election-timeout", timeout, key);
}

/// The number of bytes of a size such as `500M`, `2G` or `4GB`. Units are powers of 1024, as etcd counts: `2G`, the
/// default, is etcd's own default of 2147483648.
///
/// ```
/// use mke_core::render::size_in_bytes;
/// assert_eq!(size_in_bytes("2G"), Some(2_147_483_648));
/// assert_eq!(size_in_bytes("500M"), Some(524_288_000));
/// assert_eq!(size_in_bytes("2X"), None);
/// ```
pub fn size_in_bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match text.get(digits.len()..)? {
        "" | "B" => 0,
        "K" | "KB" | "Ki" | "KiB" => 10,
        "M" | "MB" | "Mi" | "MiB" => 20,
        "G" | "GB" | "Gi" | "GiB" => 30,
        "T" | "TB" | "Ti" | "TiB" => 40,
        _ => return None,
    };
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    let number = digits.parse::<u64>().ok().filter(|number| plain && *number > 0)?;
    number.checked_mul(1 << shift)
}
