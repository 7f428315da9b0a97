//! Which images a cluster needs, which of them are on this engine, and getting the others.

use std::collections::BTreeSet;

use mke_core::causes::chain;
use mke_core::product::{ImageSet, image, images};
use serde_json::Value;

use super::daemon::Daemon;
use super::error::InstallError;
use super::own::Own;
use super::progress::Progress;

/// When images are pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pull {
    /// All of them, whatever is there.
    Always,
    /// Those that are not there.
    #[default]
    Missing,
    /// None.
    Never,
}

/// The images of a set that exist, in alphabetical order: with organisation and tag.
pub fn list(own: &Own, set: ImageSet) -> Vec<String> {
    names(set, true).map(|name| own.image(name)).collect()
}

/// Images of a set that belong to parts which this product does not bring along.
pub fn not_made(own: &Own, set: ImageSet) -> Vec<String> {
    names(set, false).map(|name| own.image(name)).collect()
}

fn names(set: ImageSet, made: bool) -> impl Iterator<Item = &'static str> {
    images(set).into_iter().filter(move |name| {
        if set.windows {
            // What runs on Windows nodes is never made here, and listed so that it can be brought from elsewhere.
            return made;
        }
        image(name).is_some_and(|image| image.made == made)
    })
}

/// What is to be done about images. Pure.
///
/// # Errors
/// The images that are missing and may not be pulled.
pub fn plan(wanted: &[String], there: &BTreeSet<String>, pull: Pull) -> Result<Vec<String>, InstallError> {
    let missing = || wanted.iter().filter(|name| !there.contains(*name)).cloned();
    match pull {
        Pull::Always => Ok(wanted.to_vec()),
        Pull::Missing => Ok(missing().collect()),
        Pull::Never => {
            let missing: Vec<String> = missing().collect();
            if missing.is_empty() {
                Ok(Vec::new())
            } else {
                Err(InstallError::Images(format!(
                    "{}; load them with `docker load`, or allow pulling with `--pull missing`",
                    missing.join(", ")
                )))
            }
        }
    }
}

/// The names of all images on an engine.
///
/// # Errors
/// The engine's.
pub async fn there(daemon: &Daemon) -> Result<BTreeSet<String>, InstallError> {
    let list = daemon.list("/images/json").await?;
    Ok(list
        .iter()
        .filter_map(|image| image.get("RepoTags")?.as_array())
        .flatten()
        .filter_map(|tag| tag.as_str().map(str::to_owned))
        .collect())
}

/// Sees that images are on this engine.
///
/// # Errors
/// [`InstallError::Images`] with every image that could not be had, and why.
pub async fn ensure(
    daemon: &Daemon,
    wanted: &[String],
    pull: Pull,
    credentials: Option<&str>,
    progress: &dyn Progress,
) -> Result<(), InstallError> {
    let there = there(daemon).await?;
    let mut failed = Vec::new();
    for name in plan(wanted, &there, pull)? {
        progress.info(&format!("Pulling required images: {name}"));
        if let Err(error) = daemon.pull(&name, credentials).await {
            // An image that is there is good enough when the registry is not.
            if there.contains(&name) {
                progress.warn(&format!("{name} could not be pulled anew: {}", chain(&error)));
            } else {
                failed.push((name, chain(&error)));
            }
        }
    }
    match not_had(&failed) {
        None => Ok(()),
        Some(told) => Err(InstallError::Images(told)),
    }
}

/// All images that could not be had, and why: a registry that is away says of each the same, so that it is told once.
fn not_had(failed: &[(String, String)]) -> Option<String> {
    let (first, why) = failed.first()?;
    let names: Vec<&str> = failed.iter().map(|(name, _)| name.as_str()).collect();
    let why = why
        .strip_prefix(&format!("cannot pull `{first}`: "))
        .unwrap_or(why);
    Some(format!(
        "{}; the engine says of the first: {why}; load them with `docker load` from an archive of the images, or see that the \
         engine reaches their registry and may read them (`--registry-username`, `--registry-password`)",
        names.join(", ")
    ))
}

/// The repository names that an engine shows for an archive of images, for messages.
pub fn loaded(log: &str) -> Vec<&str> {
    log.lines()
        .filter_map(|line| line.strip_prefix("Loaded image: "))
        .map(str::trim)
        .collect()
}

/// Whether an image is on this engine, by its own description.
///
/// # Errors
/// The engine's.
pub async fn has(daemon: &Daemon, name: &str) -> Result<Option<Value>, InstallError> {
    daemon.find(&format!("/images/{name}/json")).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use mke_core::product::ProductVersion;

    fn own() -> Own {
        Own {
            organisation: "mirantis".to_owned(),
            version: ProductVersion::new(3, 4, 15),
            container: None,
        }
    }

    /// CLI-010: with `never` nothing is pulled and everything that is missing is named; with `missing` only that.
    #[test]
    fn what_is_pulled() {
        let wanted = ["a:1".to_owned(), "b:1".to_owned(), "c:1".to_owned()];
        let there: BTreeSet<String> = ["a:1".to_owned(), "b:2".to_owned()].into();
        assert_eq!(plan(&wanted, &there, Pull::Always).unwrap(), wanted);
        assert_eq!(plan(&wanted, &there, Pull::Missing).unwrap(), ["b:1", "c:1"]);
        let refused = plan(&wanted, &there, Pull::Never).unwrap_err().to_string();
        assert!(
            refused.contains("b:1, c:1") && !refused.contains("a:1"),
            "{refused}"
        );
        assert_eq!(
            plan(&wanted[..1], &there, Pull::Never).unwrap(),
            Vec::<String>::new()
        );
    }

    /// SWO-002, OFF-004: without Kubernetes no image of it is listed; those of Windows nodes are listed apart.
    #[test]
    fn lists() {
        let of = |swarm_only, windows| list(&own(), ImageSet { swarm_only, windows });
        let swarm = of(true, false);
        for name in [
            "ucp-agent",
            "ucp-auth",
            "ucp-cfssl",
            "ucp-controller",
            "ucp-etcd",
            "ucp-metrics",
            "ucp-swarm",
        ] {
            assert!(swarm.contains(&format!("mirantis/{name}:3.4.15")), "{name}");
        }
        for name in ["hyperkube", "calico", "coredns", "pause", "kube"] {
            assert!(!swarm.iter().any(|image| image.contains(name)), "{name}");
        }
        assert!(of(false, true).contains(&"mirantis/ucp-agent-win:3.4.15".to_owned()));
        assert!(!of(false, false).iter().any(|image| image.contains("-win:")));
        let missing = not_made(&own(), ImageSet::default());
        assert!(missing.iter().any(|image| image.contains("ucp-hyperkube")));
        assert!(!missing.iter().any(|image| of(false, false).contains(image)));
    }

    /// UPG-009, INST-001: name and password of the registry go along with every pull and with nothing else. Without them all images
    /// are named that could not be had, the reason once, and what to do; without pulling nobody is asked for any.
    #[tokio::test]
    async fn pulls() {
        use crate::install::daemon::registry_credentials;
        use crate::install::played::Played;
        use crate::install::progress::Silent;
        // It has no image, and the registry wants a name and a password.
        let engine = Played::start(|asked| {
            Some(
                match (asked.what.contains("/images/create"), &asked.credentials) {
                    (false, _) => "[]",
                    (true, Some(_)) => r#"{"status":"done"}"#,
                    (true, None) => r#"{"error":"unauthorized: access denied"}"#,
                },
            )
        });
        let wanted = [
            "mirantis/ucp-agent:3.4.15".to_owned(),
            "mirantis/ucp-etcd:3.4.15".to_owned(),
        ];
        let credentials = registry_credentials("jane", "correct horse");
        let get = async |pull: Pull, credentials: Option<&str>| {
            ensure(&engine.daemon, &wanted, pull, credentials, &Silent)
                .await
                .map_err(|error| error.to_string())
        };
        get(Pull::Missing, Some(&credentials)).await.unwrap();
        let with = engine.asked();
        assert_eq!(with.len(), 3);
        for call in &with {
            let is_pull = call.what.contains("/images/create");
            assert_eq!(
                call.credentials.as_ref(),
                is_pull.then_some(&credentials),
                "{call:?}"
            );
        }
        assert!(
            with[1].what.contains("fromImage=mirantis/ucp-agent&tag=3.4.15"),
            "{with:?}"
        );

        let refused = get(Pull::Missing, None).await.unwrap_err();
        for told in [
            "ucp-agent:3.4.15, mirantis/ucp-etcd:3.4.15",
            "docker load",
            "--registry-username",
        ] {
            assert!(refused.contains(told), "{told}: {refused}");
        }
        assert_eq!(refused.matches("access denied").count(), 1, "{refused}");
        engine.asked();
        let refused = get(Pull::Never, Some(&credentials)).await.unwrap_err();
        assert!(refused.contains("`--pull missing`"), "{refused}");
        assert_eq!(engine.asked().len(), 1);
    }
}
