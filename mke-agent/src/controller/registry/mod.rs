//! The token service for registries: which registry asks, and how an account is tied to what it asks for (MSR-001).
//!
//! What these ties allow is decided in `mke_rbac::registry`, how a token looks in `mke_auth::registry`; who asks is found
//! out like everywhere. [`keys`] keeps what tokens are signed with.

mod keys;

pub(super) use keys::Keys;

use mke_auth::directory::Directory;
use mke_auth::identity::Identity;
use mke_core::config::Registry;
use mke_core::ids::AccountId;
use mke_rbac::registry::{Scope, Standing, Ties};

use super::live::registry_host;

/// What registries know this service by. Their trust hangs on the authority of the certificate, not on this name.
pub(super) const ISSUER: &str = "mke";

/// The port that addresses leave out.
const DEFAULT_PORT: &str = ":443";

/// Whether `service`, as a registry calls itself, is one of the trusted registries: by its `service_id`, else by its
/// address. The answer is about exactly this text, which becomes the audience of the token.
pub(super) fn is_trusted(registries: &[Registry], service: &str) -> bool {
    !service.is_empty()
        && registries.iter().any(|registry| {
            let host = registry_host(&registry.host_address);
            registry.service_id == service
                || host == Some(service)
                || host.and_then(|host| host.strip_suffix(DEFAULT_PORT)) == Some(service)
        })
}

/// How whoever asks is tied to a resource.
pub(super) fn ties(directory: &Directory, identity: &Identity, scope: &Scope) -> Ties {
    let mut ties = Ties {
        administrator: identity.is_admin(),
        ..Ties::default()
    };
    let Some(repository) = scope.repository() else {
        return ties;
    };
    // By name only: ids are no part of repositories' names.
    let Some(namespace) = repository
        .namespace()
        .and_then(|name| directory.account_by_name(name))
    else {
        return ties;
    };
    ties.owner = namespace.id == *identity.account();
    if namespace.is_organization() {
        ties.organization = directory
            .membership(&namespace.id, identity.account())
            .map(|membership| standing(membership.is_admin));
        ties.team = repository
            .team()
            .and_then(|team| in_team(directory, &namespace.id, team, identity.account()));
    }
    ties
}

fn in_team(
    directory: &Directory,
    organization: &AccountId,
    name: &str,
    user: &AccountId,
) -> Option<Standing> {
    let team = directory
        .resolve_team(organization, name)
        .filter(|team| team.name.as_str() == name)?;
    let membership = directory.team_membership(&team.id, user)?;
    Some(standing(membership.is_admin))
}

fn standing(is_admin: bool) -> Standing {
    if is_admin {
        Standing::Administrator
    } else {
        Standing::Member
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MSR-001, CFG-006: a registry is known by its id or by its address, exactly, and no other is.
    #[test]
    fn only_trusted_registries() {
        let registry = |host: &str, id: &str| Registry {
            host_address: host.to_owned(),
            service_id: id.to_owned(),
            ca_bundle: String::new(),
        };
        let registries = [
            registry("https://msr.example.com:443/", ""),
            registry("192.0.2.1:5000", "images"),
        ];
        for known in [
            "msr.example.com",
            "msr.example.com:443",
            "192.0.2.1:5000",
            "images",
        ] {
            assert!(is_trusted(&registries, known), "{known}");
        }
        for unknown in [
            "",
            "https://msr.example.com:443/",
            "MSR.example.com",
            "192.0.2.1",
            "images ",
            "example.com",
            "other",
        ] {
            assert!(!is_trusted(&registries, unknown), "{unknown}");
        }
        assert!(!is_trusted(&[], "images"));
        assert!(!is_trusted(&[registry("../x", "")], ""));
    }
}
