//! Compares the certificates of a node with what it should have. Pure: the same arguments give the same plan.

use mke_core::pki::chain::{ChainProblem, ServerIdentity, verify_server_bundle};
use mke_core::pki::{AuthorityKind, Holder, Profile, SubjectAltName, parse_certificates};
use mke_core::render::NodeRole;
use mke_core::secret::Secret;
use mke_core::time::Timestamp;

use super::observe::{Observed, SetState};
use super::renewal::renew_at;
use super::{CLIENT_CA_FILE, Place};
use crate::ca::bootstrap::volume_of;
use crate::ca::inventory::Cluster;
use crate::ca::keys::External;
use crate::ca::peer::Peer;
use crate::ca::rules::{Asked, Granted, may_sign};
use crate::mtls::CA_FILE;

/// What a node should have.
#[derive(Debug, Clone)]
pub struct Target<'a> {
    /// Its id.
    pub node: &'a str,
    /// Its role.
    pub role: NodeRole,
    /// The swarm, as far as it is known here: a worker needs its own entry only.
    pub cluster: &'a Cluster,
    /// The authorities of the cluster that are trusted, PEM; more than one while they change.
    pub cluster_ca_pem: &'a str,
    /// The authorities of users' certificates, PEM. Managers only.
    pub client_ca_pem: &'a str,
    /// Access names of the API that the configuration adds.
    pub hosts: &'a [SubjectAltName],
    /// The operator's own certificate of the API port that all managers share (PKI-005).
    pub external: Option<&'a External>,
    /// Whether an operator may have put another certificate for the API port onto this manager.
    pub keep_foreign: bool,
    /// The key that opens what is sealed in the store. Managers only.
    pub sealing_key: Option<&'a Secret>,
    /// Places whose certificate the authority has just issued. Its names are not compared: the authority asks the swarm at
    /// each request, so that it knows newer names than whoever was told of the cluster a moment ago.
    pub fresh: &'a [Place],
}

/// Why a certificate is issued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// There is none.
    #[error("there is none")]
    Missing,
    /// It cannot be used.
    #[error("it cannot be used: {0}")]
    Unusable(String),
    /// Of an authority that is not that of this cluster.
    #[error("it is of another authority")]
    OtherAuthority,
    /// Its end is near.
    #[error("it is renewed from {renew_at} on, it ends at {not_after}")]
    Due {
        /// From when on it is renewed.
        renew_at: Timestamp,
        /// When it ends.
        not_after: Timestamp,
    },
    /// It names too little or too much.
    #[error(
        "its names change: {} missing, {} not wanted any more",
        list(missing),
        list(extra)
    )]
    Names {
        /// What it lacks.
        missing: Vec<SubjectAltName>,
        /// What it should not name.
        extra: Vec<SubjectAltName>,
    },
    /// It says another node, role or cluster.
    #[error("it is for {found}, not for {wanted}")]
    Subject {
        /// What it says.
        found: String,
        /// What it should say.
        wanted: String,
    },
    /// It may not do what it is for.
    #[error("it does not state the purpose that it is used for")]
    Purpose,
    /// The operator's own certificate is to be served.
    #[error("the operator's own certificate takes its place")]
    External,
}

fn list(names: &[SubjectAltName]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    names.join(", ")
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Ask for a certificate and write it.
    Issue {
        /// Where.
        place: Place,
        /// Further access names to ask for.
        hosts: Vec<SubjectAltName>,
        /// Why.
        reason: Reason,
    },
    /// Write the operator's own certificate.
    CopyExternal {
        /// Why.
        reason: Reason,
    },
    /// Write one file of authorities.
    WriteRoots {
        /// Where.
        place: Place,
        /// The file.
        file: &'static str,
        /// Its text.
        pem: String,
    },
    /// Get the key of an authority from the store.
    FetchAuthority(AuthorityKind),
    /// Put the sealing key where the controller finds it.
    WriteSealingKey,
}

/// Something that nobody here can put right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Separate certificates of managers share no name, so that no client reaches all of them (PKI-005).
    #[error(
        "the certificate in volume ucp-controller-server-certs of this manager shares no name with that of the other \
         managers; give both one subject alternative name in common"
    )]
    NoCommonName,
    /// The operator's certificate can no longer be served.
    #[error("the operator's certificate of the API port cannot be used: {0}; replace it")]
    External(String),
}

/// What is to be done, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Steps.
    pub actions: Vec<Action>,
    /// What an operator has to do.
    pub problems: Vec<Problem>,
}

impl Plan {
    /// Whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }
}

/// Compares.
pub fn plan(target: &Target<'_>, observed: &Observed, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let empty = SetState::default();
    if target.role == NodeRole::Manager {
        for kind in [AuthorityKind::Cluster, AuthorityKind::Client] {
            if !observed.authorities.contains_key(volume_of(kind)) {
                plan.actions.push(Action::FetchAuthority(kind));
            }
        }
        if let Some(key) = target.sealing_key
            && observed.sealing_key.as_ref().map(Secret::expose) != Some(key.expose())
        {
            plan.actions.push(Action::WriteSealingKey);
        }
    }
    for place in Place::of(target.role) {
        let found = observed.sets.get(place).unwrap_or(&empty);
        if *place == Place::ControllerServer {
            api_port(target, found, now, &mut plan);
        } else {
            own(target, *place, found, now, &mut plan);
        }
    }
    plan
}

/// A certificate of the cluster authority.
fn own(target: &Target<'_>, place: Place, found: &SetState, now: Timestamp, plan: &mut Plan) {
    let Some(granted) = granted(target, place) else {
        // A node that the swarm does not know (any more) gets nothing.
        return;
    };
    let hosts = hosts(target, place);
    match fault(target, place, found, &granted, now) {
        Some(reason) => plan.actions.push(Action::Issue { place, hosts, reason }),
        None => roots(
            place,
            CA_FILE,
            found.ca_pem.as_deref(),
            target.cluster_ca_pem,
            plan,
        ),
    }
}

fn roots(place: Place, file: &'static str, found: Option<&str>, wanted: &str, plan: &mut Plan) {
    if found != Some(wanted) {
        plan.actions.push(Action::WriteRoots {
            place,
            file,
            pem: wanted.to_owned(),
        });
    }
}

/// The certificate of the API port: the operator's own where there is one.
fn api_port(target: &Target<'_>, found: &SetState, now: Timestamp, plan: &mut Plan) {
    let place = Place::ControllerServer;
    let foreign = foreign(target, found, now);
    match (target.external, foreign) {
        (Some(shared), _) if found.chain_pem.as_deref() == Some(&shared.chain_pem) && found.key.is_some() => {
            let checked = check(&shared.ca_pem, &shared.chain_pem, &shared.key, now);
            plan.problems.extend(checked.err().map(Problem::External));
        }
        (Some(shared), Some(_)) if target.keep_foreign => {
            if !share_a_name(&shared.chain_pem, found.chain_pem.as_deref().unwrap_or_default()) {
                plan.problems.push(Problem::NoCommonName);
            }
        }
        (Some(_), _) => plan.actions.push(Action::CopyExternal {
            reason: Reason::External,
        }),
        (None, Some(foreign)) if target.keep_foreign => {
            plan.problems.extend(foreign.err().map(Problem::External))
        }
        (None, _) => own(target, place, found, now, plan),
    }
    roots(
        place,
        CLIENT_CA_FILE,
        found.client_ca_pem.as_deref(),
        target.client_ca_pem,
        plan,
    );
}

/// Whether somebody else made the certificate that is there; if so, whether it can be served.
fn foreign(target: &Target<'_>, found: &SetState, now: Timestamp) -> Option<Result<(), String>> {
    let (chain, key) = (found.chain_pem.as_deref()?, found.key.as_ref()?);
    let ours = verify_server_bundle(target.cluster_ca_pem, chain, key, &[], now);
    let is_foreign = ours.is_err_and(|problems| problems.contains(&ChainProblem::Incomplete));
    is_foreign.then(|| {
        let ca = found.ca_pem.as_deref().unwrap_or_default();
        check(ca, chain, key, now).map(drop)
    })
}

fn check(ca: &str, chain: &str, key: &Secret, now: Timestamp) -> Result<ServerIdentity, String> {
    verify_server_bundle(ca, chain, key, &[], now).map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        problems.join("; ")
    })
}

/// Whether one name stands in both certificates.
pub(crate) fn share_a_name(one: &str, other: &str) -> bool {
    let names = |pem: &str| {
        let leaf = parse_certificates(pem).ok()?.into_iter().next()?;
        Some(Holder::of(&leaf).ok()?.names)
    };
    match (names(one), names(other)) {
        (Some(one), Some(other)) => one.iter().any(|name| other.contains(name)),
        _ => false,
    }
}

fn hosts(target: &Target<'_>, place: Place) -> Vec<SubjectAltName> {
    match place {
        Place::ControllerServer => target.hosts.to_vec(),
        _ => Vec::new(),
    }
}

/// What the authority would write, by the very rules that it signs by.
fn granted(target: &Target<'_>, place: Place) -> Option<Granted> {
    let peer = Peer::Node {
        node: target.node.to_owned(),
        role: target.role,
    };
    let asked = Asked {
        wanted: Some(place.wanted(target.role)),
        hosts: hosts(target, place),
        ..Asked::default()
    };
    let validity = mke_auth::bundle::CERTIFICATE_VALIDITY;
    match may_sign(AuthorityKind::Cluster, &peer, &asked, target.cluster, validity) {
        Ok(granted) => Some(granted),
        Err(refusal) => {
            tracing::warn!(%refusal, ?place, "no certificate is asked for");
            None
        }
    }
}

/// What is wrong with a certificate of our own.
fn fault(
    target: &Target<'_>,
    place: Place,
    found: &SetState,
    granted: &Granted,
    now: Timestamp,
) -> Option<Reason> {
    if let Some(fault) = found.unreadable.first() {
        return Some(Reason::Unusable(fault.clone()));
    }
    let (Some(chain), Some(key)) = (&found.chain_pem, &found.key) else {
        return Some(Reason::Missing);
    };
    let leaf =
        parse_certificates(chain).and_then(|chain| Holder::of(chain.first().map_or(&[], Vec::as_slice)));
    let holder = match leaf {
        Ok(holder) => holder,
        Err(error) => return Some(Reason::Unusable(error.to_string())),
    };
    let (serves, calls) = match granted.profile {
        Profile::Server => (true, false),
        Profile::Client => (false, true),
        Profile::Node => (true, true),
        Profile::TokenSigner => (false, false),
    };
    if (serves && !holder.may_serve) || (calls && !holder.may_call) {
        return Some(Reason::Purpose);
    }
    // One that only calls states no purpose for a server; its path is checked all the same.
    if let Err(problems) = verify_server_bundle(target.cluster_ca_pem, chain, key, &[], now) {
        let problems: Vec<_> = problems
            .into_iter()
            .filter(|problem| serves || *problem != ChainProblem::WrongPurpose)
            .collect();
        if problems.contains(&ChainProblem::Incomplete) {
            return Some(Reason::OtherAuthority);
        }
        if !problems.is_empty() {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            return Some(Reason::Unusable(problems.join("; ")));
        }
    }
    let subject = |name: &str, unit: Option<&String>, organization: Option<&String>| {
        let text = |part: Option<&String>| part.cloned().unwrap_or_default();
        format!("{name} ({}, {})", text(unit), text(organization))
    };
    let says = subject(
        &holder.common_name,
        holder.organizational_unit.as_ref(),
        holder.organization.as_ref(),
    );
    let should = subject(
        &granted.common_name,
        granted.organizational_unit.as_ref(),
        granted.organization.as_ref(),
    );
    if says != should {
        return Some(Reason::Subject {
            found: says,
            wanted: should,
        });
    }
    if target.fresh.contains(&place) {
        return None;
    }
    let missing: Vec<SubjectAltName> = not_in(&granted.names, &holder.names);
    // A worker knows itself by fewer addresses than its managers do, so what it names besides is no fault. At the API
    // port a name that was taken away must go (PKI-011).
    let extra = match place {
        Place::ControllerServer => not_in(&holder.names, &granted.names),
        _ => Vec::new(),
    };
    if !(missing.is_empty() && extra.is_empty()) {
        return Some(Reason::Names { missing, extra });
    }
    let seed = format!("{}/{}/{}", target.node, place.volume(), holder.serial);
    let renew_at = renew_at(holder.not_before, holder.not_after, &seed);
    (now >= renew_at).then_some(Reason::Due {
        renew_at,
        not_after: holder.not_after,
    })
}

fn not_in(names: &[SubjectAltName], others: &[SubjectAltName]) -> Vec<SubjectAltName> {
    names
        .iter()
        .filter(|name| !others.contains(name))
        .cloned()
        .collect()
}
