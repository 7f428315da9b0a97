//! Whether the images of a pod are signed by those who must sign them (ADM-009). Who signed what is a given fact.

use std::collections::BTreeSet;

use crate::admission::outcome::{Fault, No};
use crate::admission::pod::{Pod, containers, keeps_spec};
use crate::admission::read::At;
use crate::admission::review::{Draft, Review};

pub(super) fn validate(review: &Review<'_>, draft: &Draft) -> Result<(), No> {
    let request = review.request;
    let settings = review.settings;
    let Some(object) = draft
        .object
        .as_ref()
        .filter(|_| settings.raw().require_content_trust)
    else {
        return Ok(());
    };
    if keeps_spec(request) {
        return Ok(());
    }
    let containers = if request.target.is_ephemeral_containers() {
        let root = At::root(object);
        containers(root.field("spec")?.as_ref().unwrap_or(&root))?
    } else {
        match Pod::find(&request.target, object)? {
            // What a node runs by itself is not deployed through here.
            Some(pod) if pod.is_mirror()? && request.requester.as_node().is_some() => return Ok(()),
            Some(pod) => pod.containers()?,
            None => return Ok(()),
        }
    };
    let mut faults = Vec::new();
    for container in containers {
        let Some(image) = container.field("image")? else {
            continue;
        };
        if let Some(message) = judge(review, image.text()?) {
            faults.push(Fault {
                path: image.path,
                message,
            });
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    let all: Vec<String> = faults.iter().map(ToString::to_string).collect();
    Err(review
        .forbidden(format!(
            "image did not meet required signing policy: {}",
            all.join("; ")
        ))
        .because(faults))
}

/// What is wrong with an image: each required team needs a signer among its members, and without required teams any
/// user of the cluster will do. One signer can stand for several teams.
fn judge(review: &Review<'_>, image: &str) -> Option<String> {
    let settings = review.settings;
    let repository = repository(image);
    if settings
        .raw()
        .allow_repos
        .iter()
        .any(|allowed| self::repository(allowed) == repository)
    {
        return None;
    }
    let Some(signers) = review
        .cluster
        .signatures()
        .get(image)
        .filter(|signers| !signers.is_empty())
    else {
        return Some(format!("image {image} is not signed"));
    };
    let accounts = review.cluster.accounts();
    let signers: BTreeSet<&str> = signers.iter().map(mke_core::ids::AccountId::as_str).collect();
    if settings.signing_teams.is_empty() {
        let known = accounts
            .users
            .iter()
            .any(|user| user.active && signers.contains(user.id.as_str()));
        return (!known).then(|| format!("image {image} is not signed by a user of this cluster"));
    }
    let lacking: Vec<&str> = settings
        .signing_teams
        .iter()
        .filter(|(_, id)| {
            let team = accounts.teams.iter().find(|team| team.id == *id);
            let members = team.map(|team| team.members.as_slice()).unwrap_or_default();
            !members.iter().any(|member| signers.contains(member.as_str()))
        })
        .map(|(name, _)| name.as_str())
        .collect();
    (!lacking.is_empty()).then(|| {
        format!(
            "image {image} is not signed by a member of {}",
            lacking.join(" and ")
        )
    })
}

/// The repository of an image, without tag and digest, in its full form.
fn repository(image: &str) -> String {
    let name = image.split('@').next().unwrap_or(image);
    let name = match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => name,
    };
    match name.split_once('/') {
        None => format!("docker.io/library/{name}"),
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => name.to_owned(),
        Some(_) => format!("docker.io/{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::repository;

    #[test]
    fn repositories_have_one_form() {
        for (image, expected) in [
            ("nginx", "docker.io/library/nginx"),
            ("nginx:1.8", "docker.io/library/nginx"),
            ("me/web@sha256:ab", "docker.io/me/web"),
            ("registry:5000/me/web:1", "registry:5000/me/web"),
            ("localhost/web", "localhost/web"),
        ] {
            assert_eq!(repository(image), expected, "{image}");
        }
    }
}
