//! Who may get which certificate: one pure function over who asks, what is asked, and which nodes there are.
//!
//! Whatever is not written here is refused. Two sources must agree on what a node is: its certificate, which proves who
//! asks, and the inventory of the swarm, which says what it is now. A node that was demoted or removed gets nothing more
//! on the strength of an old certificate.

use std::time::Duration;

use mke_core::pki::{AuthorityKind, Profile, SubjectAltName};
use mke_core::render::NodeRole;

use super::inventory::Cluster;
use super::names::{component_names, controller_names, is_reserved, node_names, role_name};
use super::peer::{Peer, role_word};
use crate::mtls::{CONTROLLER, MANAGER};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// How long a node certificate lives: 90 days, as long as the swarm's own ones do by default.
pub const NODE_VALIDITY: Duration = Duration::from_secs(90 * DAY.as_secs());
/// How long the certificate of a component lives, that of the API port included.
pub const COMPONENT_VALIDITY: Duration = Duration::from_secs(365 * DAY.as_secs());
/// The longest that a certificate of a key for tokens may live.
const MAX_TOKEN_VALIDITY: Duration = Duration::from_secs(10 * 365 * DAY.as_secs());
/// OU of etcd's certificate, which is for etcd alone.
const KV: &str = "ucp-kv";

/// A component that has a certificate of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Component {
    /// What the API port shows.
    ControllerServer,
    /// What a controller shows to other components.
    ControllerClient,
    /// etcd, towards clients and other members.
    Kv,
    /// The authentication API.
    AuthApi,
    /// The authentication worker.
    AuthWorker,
}

impl Component {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::ControllerServer,
        Self::ControllerClient,
        Self::Kv,
        Self::AuthApi,
        Self::AuthWorker,
    ];

    /// Its word in requests.
    pub fn word(self) -> &'static str {
        match self {
            Self::ControllerServer => "controller",
            Self::ControllerClient => "controller-client",
            Self::Kv => "kv",
            Self::AuthApi => "auth-api",
            Self::AuthWorker => "auth-worker",
        }
    }

    /// The OU of its certificate. Those that only serve say that they are a manager's, which opens nothing: without
    /// `clientAuth` nobody can call with them.
    pub fn unit(self) -> &'static str {
        match self {
            Self::ControllerClient => CONTROLLER,
            Self::Kv => KV,
            Self::ControllerServer | Self::AuthApi | Self::AuthWorker => MANAGER,
        }
    }
}

/// What kind of certificate is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The asking node's own, in this role.
    Node(NodeRole),
    /// That of a component on the asking manager.
    Component(Component),
    /// One for a key that signs tokens for registries.
    TokenSigner,
    /// One for a user's key.
    User,
}

impl Wanted {
    /// Its word in requests.
    pub fn word(self) -> &'static str {
        match self {
            Self::Node(NodeRole::Manager) => "node-manager",
            Self::Node(NodeRole::Worker) => "node-worker",
            Self::Component(component) => component.word(),
            Self::TokenSigner => "token-signer",
            Self::User => "user",
        }
    }

    /// What a word of a request means.
    pub fn from_word(word: &str) -> Option<Self> {
        let others = [
            Self::Node(NodeRole::Manager),
            Self::Node(NodeRole::Worker),
            Self::TokenSigner,
            Self::User,
        ];
        let components = Component::ALL.into_iter().map(Self::Component);
        others
            .into_iter()
            .chain(components)
            .find(|wanted| wanted.word() == word)
    }
}

/// What a request says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The kind of certificate; `None` when it is not known here.
    pub wanted: Option<Wanted>,
    /// Further access names, for the API port only.
    pub hosts: Vec<SubjectAltName>,
    /// Whose certificate it is, for users only.
    pub common_name: Option<String>,
    /// How long it shall live, for token signers only.
    pub validity: Option<Duration>,
}

/// What a certificate will say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// What it is for.
    pub profile: Profile,
    /// CN.
    pub common_name: String,
    /// O.
    pub organization: Option<String>,
    /// OU.
    pub organizational_unit: Option<String>,
    /// Access names.
    pub names: Vec<SubjectAltName>,
    /// How long it lives.
    pub validity: Duration,
}

/// Why nothing is signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such kind.
    #[error("the profile is not known")]
    UnknownKind,
    /// Users' certificates come from one authority, all others from the other.
    #[error("`{wanted}` is not signed here but by the {other} authority")]
    OtherAuthority {
        /// What was asked for.
        wanted: &'static str,
        /// Who signs it.
        other: &'static str,
    },
    /// The node left the swarm.
    #[error("node {0} is not in the swarm (any more)")]
    UnknownNode(String),
    /// A manager's certificate for something that is no manager, by its certificate or by the swarm.
    #[error(
        "node {node} is a {certificate} by its certificate and a {swarm} by the swarm, so it gets nothing of a manager"
    )]
    NotManager {
        /// Node id.
        node: String,
        /// What its certificate says.
        certificate: &'static str,
        /// What the swarm says.
        swarm: &'static str,
    },
    /// Only another kind of peer gets that.
    #[error("{peer} does not get `{wanted}`, that is for {who}")]
    NotFor {
        /// Who asked.
        peer: String,
        /// For what.
        wanted: &'static str,
        /// Who may.
        who: &'static str,
    },
    /// Names are decided here.
    #[error("access names cannot be asked for in `{0}`, they come from the swarm")]
    NamesAsked(&'static str),
    /// A name that only the authority writes.
    #[error("`{0}` is a name of the cluster's own parts and cannot be asked for")]
    Reserved(SubjectAltName),
    /// A user's certificate without a user, or any other with one.
    #[error("a common name must be given for `user`, and for nothing else")]
    CommonName,
    /// A lifetime of zero, too long, or where it cannot be chosen.
    #[error("the lifetime of `{0}` cannot be that")]
    Validity(&'static str),
}

/// What becomes of a request.
pub type Decision = Result<Granted, Refusal>;

/// Decides. `user_validity` is how long certificates of users live.
///
/// # Errors
/// A [`Refusal`] is a no, with its reason.
pub fn may_sign(
    authority: AuthorityKind,
    peer: &Peer,
    asked: &Asked,
    cluster: &Cluster,
    user_validity: Duration,
) -> Decision {
    let wanted = asked.wanted.ok_or(Refusal::UnknownKind)?;
    right_authority(authority, wanted)?;
    let id = peer.node();
    let Some(node) = cluster.nodes.get(id) else {
        return Err(Refusal::UnknownNode(id.to_owned()));
    };
    well_formed(wanted, asked, cluster)?;
    let is_manager = || match (peer.role(), node.role) {
        (NodeRole::Manager, NodeRole::Manager) => Ok(()),
        (certificate, swarm) => Err(Refusal::NotManager {
            node: id.to_owned(),
            certificate: role_word(certificate),
            swarm: role_word(swarm),
        }),
    };
    let only_for = |who| Refusal::NotFor {
        peer: peer.to_string(),
        wanted: wanted.word(),
        who,
    };
    match (wanted, peer) {
        (Wanted::Node(role), Peer::SwarmNode { .. } | Peer::Node { .. }) => {
            if role == NodeRole::Manager {
                is_manager()?;
            }
            Ok(Granted {
                profile: Profile::Node,
                common_name: id.to_owned(),
                organization: Some(cluster.id.clone()),
                organizational_unit: Some(role_name(role).to_owned()),
                names: node_names(id, cluster, role),
                validity: NODE_VALIDITY,
            })
        }
        (Wanted::Node(_), Peer::Controller { .. }) => Err(only_for("the node itself")),
        (Wanted::Component(component), Peer::Node { .. }) => {
            is_manager()?;
            Ok(of_component(component, id, cluster, &asked.hosts))
        }
        (Wanted::Component(_), _) => Err(only_for("managers with their node certificate")),
        (Wanted::TokenSigner, Peer::Controller { .. }) => {
            is_manager()?;
            Ok(nameless(
                Profile::TokenSigner,
                "tokens for registries".to_owned(),
                asked.validity.unwrap_or(COMPONENT_VALIDITY),
            ))
        }
        (Wanted::User, Peer::Controller { .. }) => {
            is_manager()?;
            let user = asked.common_name.clone().ok_or(Refusal::CommonName)?;
            Ok(nameless(Profile::Client, user, user_validity))
        }
        (Wanted::TokenSigner | Wanted::User, _) => Err(only_for("controllers")),
    }
}

fn nameless(profile: Profile, common_name: String, validity: Duration) -> Granted {
    Granted {
        profile,
        common_name,
        organization: None,
        organizational_unit: None,
        names: Vec::new(),
        validity,
    }
}

fn of_component(component: Component, id: &str, cluster: &Cluster, hosts: &[SubjectAltName]) -> Granted {
    let manager = SubjectAltName::Dns(MANAGER.to_owned());
    let (profile, names) = match component {
        Component::ControllerServer => (Profile::Server, controller_names(id, cluster, hosts)),
        // The name of managers lets etcd tell it from the certificates of workers.
        Component::ControllerClient => (Profile::Client, vec![manager]),
        Component::Kv => {
            let mut names = component_names("ucp-kv", id, cluster);
            names.push(manager);
            (Profile::Node, names)
        }
        Component::AuthApi => (Profile::Server, component_names("ucp-auth-api", id, cluster)),
        Component::AuthWorker => (Profile::Server, component_names("ucp-auth-worker", id, cluster)),
    };
    Granted {
        profile,
        common_name: id.to_owned(),
        organization: Some(cluster.id.clone()),
        organizational_unit: Some(component.unit().to_owned()),
        names,
        validity: COMPONENT_VALIDITY,
    }
}

fn right_authority(authority: AuthorityKind, wanted: Wanted) -> Result<(), Refusal> {
    let (right, other) = match wanted {
        Wanted::User => (AuthorityKind::Client, "client"),
        _ => (AuthorityKind::Cluster, "cluster"),
    };
    if authority == right {
        return Ok(());
    }
    Err(Refusal::OtherAuthority {
        wanted: wanted.word(),
        other,
    })
}

/// What was said besides the kind must belong to it.
fn well_formed(wanted: Wanted, asked: &Asked, cluster: &Cluster) -> Result<(), Refusal> {
    if asked.common_name.is_some() != (wanted == Wanted::User) {
        return Err(Refusal::CommonName);
    }
    if wanted == Wanted::Component(Component::ControllerServer) {
        if let Some(name) = asked.hosts.iter().find(|name| is_reserved(name, cluster)) {
            return Err(Refusal::Reserved(name.clone()));
        }
    } else if !asked.hosts.is_empty() {
        return Err(Refusal::NamesAsked(wanted.word()));
    }
    let may_choose = |validity: Duration| {
        wanted == Wanted::TokenSigner && !validity.is_zero() && validity <= MAX_TOKEN_VALIDITY
    };
    if asked.validity.is_some_and(|validity| !may_choose(validity)) {
        return Err(Refusal::Validity(wanted.word()));
    }
    Ok(())
}
