//! What an installation begins with, and what it refuses on flags and what is there alone, before anything is made.

use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mke_core::causes::chain;
use mke_core::config::Config;
use mke_core::product::ImageSet;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::configuration::{self, Beginning};
use super::daemon::Daemon;
use super::error::InstallError;
use super::images;
use super::options::InstallOptions;
use super::own::Own;
use super::probe::{Probed, Wanted};
use super::run::LOOK;
use super::swarm::{self, Swarm, SwarmInfo};
use crate::backup::collect::CONFIGURATION;
use crate::controller::configuration::license::License;
use crate::controller::configuration::objects as config_objects;

/// Says at once what would otherwise be found out image by image.
pub(super) fn refuse_kubernetes(own: &Own, config: &Config) -> Result<(), InstallError> {
    if config.cluster.swarm_only {
        return Ok(());
    }
    let missing = images::not_made(own, ImageSet::default());
    Err(InstallError::Images(format!(
        "Kubernetes is not part of this version; install with `--swarm-only`. Without that these images would be needed: {}",
        missing.join(", ")
    )))
}

pub(super) fn check_license(options: &InstallOptions) -> Result<(), InstallError> {
    match &options.license {
        None => Ok(()),
        Some(text) => License::parse(text.as_bytes())
            .map(drop)
            .map_err(|error| InstallError::License(error.to_string())),
    }
}

pub(super) async fn unlocked(daemon: &Daemon, options: &InstallOptions) -> Result<SwarmInfo, InstallError> {
    let Some(key) = &options.unlock_key else {
        return SwarmInfo::read(daemon).await;
    };
    swarm::unlock(daemon, key.expose()).await?;
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let info = SwarmInfo::read(daemon).await?;
        if matches!(info.swarm, Swarm::Manager { .. } | Swarm::Worker) || Instant::now() > end {
            return Ok(info);
        }
        sleep(LOOK).await;
    }
}

/// The configuration to begin with.
pub(super) async fn beginning(
    daemon: &Daemon,
    info: &SwarmInfo,
    options: &InstallOptions,
) -> Result<Beginning, InstallError> {
    if let Some(restore) = &options.restore {
        let given = restore.settings(&options.settings)?;
        return configuration::begin(Some((CONFIGURATION, &restore.config)), &given);
    }
    if !options.existing_config {
        return configuration::begin(None, &options.settings);
    }
    if !matches!(info.swarm, Swarm::Manager { .. }) {
        return Err(InstallError::NoExistingConfig);
    }
    let (name, _) = config_objects::import(daemon.client())
        .await
        .map_err(|error| match error {
            config_objects::ImportError::Missing => InstallError::NoExistingConfig,
            other => InstallError::System(chain(&other)),
        })?;
    let object = daemon.get(&format!("/configs/{name}")).await?;
    let data = object
        .pointer("/Spec/Data")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let text = STANDARD
        .decode(data)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| InstallError::System(format!("config object `{name}` holds no text")))?;
    configuration::begin(Some((&name, &text)), &options.settings)
}

/// Refuses an address at which nothing of this machine answers: other nodes would not find it there either.
pub(super) fn must_be_here(
    address: Option<IpAddr>,
    probed: &Probed,
    wanted: &[Wanted],
) -> Result<(), InstallError> {
    let (Some(address), Some(said)) = (address, probed.said.get("")) else {
        return Ok(());
    };
    let opened: Vec<String> = wanted
        .iter()
        .filter(|wanted| !wanted.udp)
        .map(ToString::to_string)
        .filter(|port| !said.in_use.contains(port))
        .collect();
    let silent = probed.unreachable.get("");
    if opened.is_empty()
        || !opened
            .iter()
            .all(|port| silent.is_some_and(|silent| silent.contains(port)))
    {
        return Ok(());
    }
    Err(InstallError::Flag {
        flag: "--host-address".to_owned(),
        reason: format!(
            "nothing of this machine answers at {address}; give one of its addresses or interfaces (`ip address`), or open \
             the firewall between the two"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::install::configuration::Given;
    use crate::install::images::Pull;
    use crate::install::played::Played;
    use crate::install::preflight::Switches;
    use crate::install::progress::Silent;
    use crate::install::run::install;
    use mke_core::product::ProductVersion;
    use mke_core::secret::Secret;

    fn options(password: &str) -> InstallOptions {
        InstallOptions {
            settings: vec![Given::one("--swarm-only", "true")],
            admin_username: "admin".parse().unwrap(),
            admin_password: Secret::new(password),
            host_address: None,
            data_path_address: None,
            swarm_grpc_port: 2377,
            license: None,
            existing_config: false,
            external_server_cert: false,
            preserve_certs: false,
            skip_cloud: false,
            unlock_key: None,
            pull: Pull::Missing,
            credentials: None,
            restore: None,
            switches: Switches::default(),
            owner: "somebody".to_owned(),
            run: "r".to_owned(),
        }
    }

    /// INST-001: whoever presses ctrl-C while images are pulled waits for nothing, and the engine was only asked. A password that
    /// nobody can have is refused before that.
    #[tokio::test]
    async fn ended_before_anything_is_made() {
        let engine = Played::start(|asked| match &asked.what {
            what if what.contains("/images/create") => None,
            what if what.contains("/info") => Some(r#"{"Swarm":{"LocalNodeState":"inactive"}}"#),
            _ => Some("[]"),
        });
        let own = Own {
            organisation: "mirantis".to_owned(),
            version: ProductVersion::new(3, 4, 15),
            container: None,
        };
        let silent = engine.silent.clone();
        let pressed = async move { silent.notified().await };
        let outcome = install(&engine.daemon, &own, &options("correct horse"), &Silent, pressed).await;
        assert!(matches!(outcome, Err(InstallError::BrokenOff)), "{outcome:?}");
        let asked = engine.asked();
        let changes: Vec<_> = asked
            .iter()
            .filter(|call| !call.what.starts_with("GET "))
            .collect();
        assert_eq!(changes.len(), 1, "{changes:?}");

        let never = std::future::pending();
        let outcome = install(&engine.daemon, &own, &options("short"), &Silent, never).await;
        let refused = outcome.unwrap_err().to_string();
        assert!(
            refused.contains("--admin-password: ") && refused.contains("at least 8"),
            "{refused}"
        );
        assert_eq!(engine.asked(), []);
    }

    /// INST-001: an address at which nothing of this machine answers is refused; a port that is taken or cut off alone says nothing of
    /// the address.
    #[test]
    fn addresses_of_other_machines() {
        let wanted = [443, 2376].map(|port| Wanted { udp: false, port });
        let silent = |ports: &[&str], in_use: &[&str]| {
            let set = |ports: &[&str]| ports.iter().map(|port| (*port).to_owned()).collect();
            let said = serde_json::json!({
                "node": "", "kernel": null, "no_new_privileges": null, "disk": null, "disk_free": null, "in_use": in_use,
                "networks": [],
            });
            Probed {
                said: [(String::new(), serde_json::from_value(said).unwrap())].into(),
                unreachable: [(String::new(), set(ports))].into(),
                ..Probed::default()
            }
        };
        let address = Some([203, 0, 113, 9].into());
        for (address, probed, refused) in [
            (address, silent(&["tcp/443", "tcp/2376"], &[]), true),
            (address, silent(&["tcp/2376"], &["tcp/443"]), true),
            (address, silent(&["tcp/2376"], &[]), false),
            (address, silent(&[], &["tcp/443", "tcp/2376"]), false),
            (None, silent(&["tcp/443", "tcp/2376"], &[]), false),
        ] {
            let judged = must_be_here(address, &probed, &wanted);
            assert_eq!(judged.is_err(), refused, "{probed:?}");
        }
    }
}
