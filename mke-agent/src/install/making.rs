//! The steps of an installation, carried out. Each makes what the later ones need; none undoes anything.

use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mke_core::pki::{Authority, AuthorityKind};
use mke_core::product::{Role, labels, objects, volumes_of};
use mke_core::secret::Secret;
use mke_core::time::{Clock as _, SystemClock};
use rand_core::Rng as _;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::error::InstallError;
use super::handover::{self, AuthorityFiles, Handover};
use super::inventory::{Inventory, Kind, RUN};
use super::ping::{Health, ping};
use super::run::{Installation, LOOK, Site};
use super::services::{Context, Generation, Mounted};
use super::steps::{self, Step};
use crate::ca::bootstrap::volume_of;
use crate::controller::rng;

/// How long the first node may take to become a manager of the product.
const COMPONENTS: Duration = Duration::from_secs(300);
/// How long the controller, and then all nodes, may take.
const READY: Duration = Duration::from_secs(300);
/// The container that makes the first node.
const RECONCILE: &str = "ucp-reconcile";
/// How many lines of its log are told when it fails: the last step that it tried is among them.
const LAST_WORDS: usize = 6;

/// What steps hand on to later ones.
#[derive(Default)]
struct Made {
    cluster_authority: Option<Authority>,
    client_authority: Option<Authority>,
    sealing_key: Option<Secret>,
    auth_key: Option<Mounted>,
    config: Option<Mounted>,
    cluster_ca: Option<Mounted>,
}

impl Installation<'_> {
    /// Carries out all steps.
    pub(super) async fn steps(&self, site: &Site) -> Result<(), InstallError> {
        let plan = steps::plan(self.options.license.is_some());
        let mut made = Made::default();
        for (number, step) in plan.iter().enumerate() {
            self.progress.step(number + 1, plan.len(), &step.to_string());
            match step {
                Step::ClusterAuthority => {
                    made.cluster_authority = Some(self.authority(AuthorityKind::Cluster, site).await?);
                }
                Step::ClientAuthority => {
                    made.client_authority = Some(self.authority(AuthorityKind::Client, site).await?);
                }
                Step::AuthKey => self.auth_key(site, &mut made).await?,
                Step::Configuration => self.configuration(site, &mut made).await?,
                Step::NodeObjects => self.node_objects(site).await?,
                Step::ManagerComponents => self.components(site, &made).await?,
                Step::ManagerAgent => self.service(&self.context(site, &made)?.manager_agent()).await?,
                Step::WorkerAgent => {
                    let agent = self.context(site, &made)?.worker_agent(Generation::X, false);
                    self.service(&agent).await?;
                }
                Step::ClusterAgent => self.service(&self.context(site, &made)?.cluster_agent()).await?,
                Step::AuthApi => self.service(&self.context(site, &made)?.auth_api()).await?,
                Step::AuthWorker => self.service(&self.context(site, &made)?.auth_worker()).await?,
                Step::License => self.license(site).await?,
                Step::Controller => self.controller(site.address, site.port).await?,
                Step::Nodes => self.nodes(site).await?,
            }
        }
        Ok(())
    }

    /// The authority of a backup of this same cluster, or the one that is there and is to be kept, or a new one.
    async fn authority(&self, kind: AuthorityKind, site: &Site) -> Result<Authority, InstallError> {
        let restored = self.options.restore.as_ref();
        if let Some(files) = restored.and_then(|restore| restore.authority(kind, &site.instance)) {
            let word = volume_of(kind);
            self.progress
                .info(&format!("Taking the authority {word} from the backup"));
            return Ok(Authority::from_pem(&files.certificate, &files.key)?);
        }
        if self.options.preserve_certs {
            let image = self.own.image("ucp-agent");
            if let Some(kept) = self.volumes(&image).authority(kind).await? {
                let volume = volume_of(kind);
                self.progress
                    .info(&format!("Keeping the authority in volume {volume}"));
                return Ok(kept);
            }
        }
        Ok(Authority::create(
            kind,
            &site.instance,
            SystemClock.now(),
            &mut rng(),
        )?)
    }

    fn labels(&self, site: &Site) -> Value {
        json!({ labels::INSTANCE_ID: site.instance, RUN: self.options.run })
    }

    async fn object(
        &self,
        kind: Kind,
        name: &str,
        data: &[u8],
        site: &Site,
    ) -> Result<Mounted, InstallError> {
        let (word, place) = kind.words();
        let body = json!({ "Name": name, "Labels": self.labels(site), "Data": STANDARD.encode(data) });
        let doing = format!("cannot create {word} `{name}`");
        let made = self
            .daemon
            .post(&doing, &format!("/{place}/create"), &body)
            .await?;
        Ok(Mounted {
            id: made
                .get("ID")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            name: name.to_owned(),
        })
    }

    async fn auth_key(&self, site: &Site, made: &mut Made) -> Result<(), InstallError> {
        let mut key = [0_u8; 32];
        rng().fill_bytes(&mut key);
        let name = objects::AUTH_KEY_SECRET;
        // A secret that an earlier uninstallation left can be given to tasks and not be read: its key is lost to the
        // store that is made now, so the store gets a new one beside it.
        let there = self.daemon.list("/secrets").await?;
        let names = there
            .iter()
            .filter_map(|secret| secret.pointer("/Spec/Name")?.as_str());
        let next = names.filter_map(|other| objects::version_of(name, other)).max();
        let name = match next {
            None => name.to_owned(),
            Some(number) => objects::versioned(name, number.saturating_add(1)),
        };
        // As text: agents read the secret as they read the handover.
        let key = match &self.options.restore {
            // It opens what is sealed in the records.
            Some(restore) => restore.sealing_key.expose().to_owned(),
            None => hex::encode(key),
        };
        made.auth_key = Some(self.object(Kind::Secret, &name, key.as_bytes(), site).await?);
        made.sealing_key = Some(Secret::new(key));
        Ok(())
    }

    async fn configuration(&self, site: &Site, made: &mut Made) -> Result<(), InstallError> {
        let inventory = Inventory::read(self.daemon, true).await?;
        let number = inventory.next_number(objects::CONFIG);
        let name = objects::versioned(objects::CONFIG, number);
        let text = self.beginning.text.as_bytes();
        made.config = Some(self.object(Kind::Config, &name, text, site).await?);
        if let Some(old) = inventory.named(Kind::Config, objects::CLUSTER_CA_CONFIG) {
            let doing = "cannot remove the certificate of an earlier installation";
            self.daemon.delete(doing, &format!("/configs/{}", old.id)).await?;
        }
        let authority = made.cluster_authority.as_ref().ok_or_else(out_of_order)?;
        let certificate = authority.certificate_pem();
        let object = self
            .object(
                Kind::Config,
                objects::CLUSTER_CA_CONFIG,
                certificate.as_bytes(),
                site,
            )
            .await?;
        made.cluster_ca = Some(object);
        Ok(())
    }

    async fn node_objects(&self, site: &Site) -> Result<(), InstallError> {
        let labels = self.labels(site);
        let network = objects::BRIDGE;
        if self.daemon.find(&format!("/networks/{network}")).await?.is_none() {
            let body =
                json!({ "Name": network, "Driver": "bridge", "CheckDuplicate": true, "Labels": labels });
            self.daemon
                .post(
                    &format!("cannot create network `{network}`"),
                    "/networks/create",
                    &body,
                )
                .await?;
        }
        for volume in volumes_of(Role::Manager) {
            let name = volume.name;
            if self.daemon.find(&format!("/volumes/{name}")).await?.is_some() {
                self.progress
                    .info(&format!("Volume {name} exists and is used as it is"));
                continue;
            }
            let body = json!({ "Name": name, "Labels": labels });
            self.daemon
                .post(
                    &format!("cannot create volume `{name}`"),
                    "/volumes/create",
                    &body,
                )
                .await?;
        }
        Ok(())
    }

    async fn components(&self, site: &Site, made: &Made) -> Result<(), InstallError> {
        let doing = "cannot remove an old container ucp-reconcile";
        self.daemon
            .delete(doing, &format!("/containers/{RECONCILE}?force=1"))
            .await?;
        let mut mounts = vec![
            json!({ "Type": "bind", "Source": "/var/run/docker.sock", "Target": "/var/run/docker.sock" }),
            json!({
                "Type": "bind", "Source": format!("{}/swarm/certificates", site.data_root),
                "Target": handover::SWARM_CERTIFICATES, "ReadOnly": true,
            }),
        ];
        mounts.extend(volumes_of(Role::Manager).map(|volume| {
            json!({
                "Type": "volume", "Source": volume.name, "Target": format!("{}/{}", handover::VOLUMES, volume.name),
            })
        }));
        let body = json!({
            "Image": self.own.image("ucp-agent"),
            // The store remembers the first node by this name.
            "Hostname": site.hostname,
            "Entrypoint": ["/bin/ucp-agent"],
            "Cmd": ["reconcile", "--bootstrap"],
            "Env": [format!("UCP_VERSION={}", self.own.version)],
            "Labels": {
                labels::INSTANCE_ID: site.instance,
                labels::VERSION: self.own.version.to_string(),
                RUN: self.options.run,
            },
            "HostConfig": {
                "Mounts": mounts,
                "SecurityOpt": ["no-new-privileges"],
                "LogConfig": { "Type": "json-file", "Config": { "max-size": "10m", "max-file": "3" } },
            },
        });
        let path = format!("/containers/create?name={RECONCILE}");
        self.daemon
            .post("cannot create container `ucp-reconcile`", &path, &body)
            .await?;
        let handover = self.handover(site, made)?.to_json()?;
        self.daemon
            .put_file(RECONCILE, handover::PATH, 0o600, handover.expose().as_bytes())
            .await?;
        if let Some(restored) = &self.options.restore {
            let count = restored.records.len();
            self.progress
                .info(&format!("Restoring the store from {count} records"));
        }
        let path = format!("/containers/{RECONCILE}/start");
        self.daemon
            .post("cannot start container `ucp-reconcile`", &path, &Value::Null)
            .await?;
        let code = self.daemon.wait(RECONCILE, COMPONENTS).await?;
        if code == 0 {
            return Ok(());
        }
        Err(InstallError::Program {
            what: format!("container `{RECONCILE}`"),
            code,
            log: self
                .daemon
                .log("containers", RECONCILE, LAST_WORDS)
                .await
                .unwrap_or_default(),
        })
    }

    fn handover(&self, site: &Site, made: &Made) -> Result<Handover, InstallError> {
        let files = |authority: &Option<Authority>| {
            authority.as_ref().map(|authority| AuthorityFiles {
                certificate: authority.certificate_pem(),
                key: authority.key_pem(),
            })
        };
        let restore = self.options.restore.as_ref();
        Ok(Handover {
            schema: handover::SCHEMA,
            cluster_id: site.instance.clone(),
            version: self.own.version.to_string(),
            organisation: self.own.organisation.clone(),
            node_id: site.node_id.clone(),
            address: site.address,
            config: self.beginning.text.clone(),
            license: self.options.license.clone(),
            sans: self.beginning.config.cluster.shared_sans.clone(),
            admin_username: self.options.admin_username.to_string(),
            admin_password: self.options.admin_password.clone(),
            sealing_key: made.sealing_key.clone().ok_or_else(out_of_order)?,
            cluster_authority: files(&made.cluster_authority).ok_or_else(out_of_order)?,
            client_authority: files(&made.client_authority).ok_or_else(out_of_order)?,
            external_server_cert: self.options.external_server_cert,
            restored: restore.map(|restore| restore.handed_over(&site.instance)),
        })
    }

    fn context(&self, site: &Site, made: &Made) -> Result<Context, InstallError> {
        Ok(Context {
            cluster_id: site.instance.clone(),
            organisation: self.own.organisation.clone(),
            version: self.own.version,
            run: self.options.run.clone(),
            config: made.config.clone().ok_or_else(out_of_order)?,
            cluster_ca: made.cluster_ca.clone().ok_or_else(out_of_order)?,
            auth_key: made.auth_key.clone().ok_or_else(out_of_order)?,
            controller_port: site.port,
        })
    }

    async fn service(&self, spec: &Value) -> Result<(), InstallError> {
        let name = spec.get("Name").and_then(Value::as_str).unwrap_or_default();
        let doing = format!("cannot create service `{name}`");
        let credentials = self.options.credentials.as_deref();
        self.daemon
            .post_with(&doing, "/services/create", spec, credentials)
            .await
            .map(drop)
    }

    async fn license(&self, site: &Site) -> Result<(), InstallError> {
        let Some(text) = &self.options.license else {
            return Ok(());
        };
        let number = Inventory::read(self.daemon, true)
            .await?
            .next_number(objects::LICENSE);
        let name = objects::versioned(objects::LICENSE, number);
        self.object(Kind::Config, &name, text.as_bytes(), site)
            .await
            .map(drop)
    }

    async fn controller(&self, address: IpAddr, port: u16) -> Result<(), InstallError> {
        wait_for_controller(address, port, READY).await
    }

    async fn nodes(&self, site: &Site) -> Result<(), InstallError> {
        super::wait::all_nodes(self.daemon, site.port, READY, self.progress).await
    }
}

/// Waits until a controller says that it is healthy.
///
/// # Errors
/// [`InstallError::TookTooLong`] with what it said last.
async fn wait_for_controller(address: IpAddr, port: u16, limit: Duration) -> Result<(), InstallError> {
    let end = Instant::now() + limit;
    loop {
        let said = match ping(address, port).await {
            Health::Healthy => return Ok(()),
            Health::Unwell(text) | Health::Silent(text) => text,
        };
        if Instant::now() > end {
            return Err(InstallError::TookTooLong {
                what: format!("the controller at {address}"),
                seconds: limit.as_secs(),
                detail: format!(": {said}"),
            });
        }
        sleep(LOOK).await;
    }
}

fn out_of_order() -> InstallError {
    InstallError::System("a step was taken before the one whose result it needs".to_owned())
}
