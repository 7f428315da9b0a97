//! Whether an archive may be restored on a swarm, and what the installation takes from it. Pure: every reason against it is
//! told at once, and nothing is touched before.

use std::fmt;

use mke_core::config::Config;
use mke_core::pki::AuthorityKind;
use mke_core::product::ProductVersion;
use mke_core::secret::Secret;

use super::archive::{Archive, ArchiveError};
use super::collect::{CONFIGURATION, LICENSE, SEALING_KEY};
use super::openpgp::{self, OpenPgpError};
use super::selection::{self, Record};
use crate::ca::bootstrap::volume_of;
use crate::install::InstallError;
use crate::install::configuration::Given;
use crate::install::handover::{AuthorityFiles, Restored, ServerFiles};
use crate::install::inventory::{Inventory, Kind, Object};

/// What somebody says about the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Asked {
    /// `--swarm-only`
    pub swarm_only: bool,
    /// `--force`
    pub force: bool,
}

/// Why an archive is not restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Another version made it (RST-003, UPG-007).
    Version {
        /// The version that made it.
        archive: ProductVersion,
        /// What this is.
        own: ProductVersion,
        /// The image that would do.
        image: String,
    },
    /// It is of a cluster without Kubernetes and nobody says so, or the other way round (SWO-005).
    SwarmOnly {
        /// Whether it is of a cluster without Kubernetes.
        archive: bool,
    },
    /// Parts of an installation are still there (RST-002).
    Leftovers(Vec<String>),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version { archive, own, image } => write!(
                f,
                "the archive was made by version {archive} and this is {own}: run the same command with image {image}, and \
                 upgrade the cluster after that; `--force` restores it all the same, for tests"
            ),
            Self::SwarmOnly { archive: true } => f.write_str(
                "the archive is of a cluster without Kubernetes: give `--swarm-only`, so that no images of Kubernetes are pulled",
            ),
            Self::SwarmOnly { archive: false } => {
                f.write_str("the archive is of a cluster with Kubernetes: leave out `--swarm-only`")
            }
            Self::Leftovers(names) => write!(
                f,
                "parts of an installation are still here: {}; take it off with `uninstall-ucp` first",
                names.join(", ")
            ),
        }
    }
}

/// All reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusals(pub Vec<Refusal>);

impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nothing was restored")?;
        for refusal in &self.0 {
            write!(f, "\n- {refusal}")?;
        }
        Ok(())
    }
}

/// What an installation takes from an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restore {
    /// The cluster that it is of.
    pub cluster_id: String,
    /// The configuration, secrets masked.
    pub config: String,
    /// The licence.
    pub license: Option<String>,
    /// What opens what is sealed in the records, hexadecimal.
    pub sealing_key: Secret,
    /// Every record.
    pub records: Vec<Record>,
    /// Names of certificates that somebody adds.
    pub names: Vec<String>,
    cluster_authority: AuthorityFiles,
    client_authority: AuthorityFiles,
    server: ServerFiles,
}

/// Opens what somebody gives as a backup: decrypts it where it is encrypted, and compares everything in it (RST-004, RST-008).
///
/// # Errors
/// [`InstallError::Flag`] for `--passphrase`, and [`InstallError::Archive`].
pub fn open(bytes: &[u8], passphrase: Option<&Secret>) -> Result<Archive, InstallError> {
    let flag = |reason: &str| InstallError::Flag {
        flag: "--passphrase".to_owned(),
        reason: reason.to_owned(),
    };
    if !openpgp::is_message(bytes) {
        return Ok(Archive::unpack(bytes)?);
    }
    let Some(passphrase) = passphrase else {
        return Err(flag(
            "the archive is encrypted, give the passphrase that it was made with",
        ));
    };
    match openpgp::decrypt(bytes, passphrase) {
        Ok(plain) => Ok(Archive::unpack(&plain)?),
        Err(OpenPgpError::WrongPassphrase | OpenPgpError::NoPassphrase) => Err(flag(
            "the passphrase is wrong for this archive; nothing was restored",
        )),
        Err(error @ OpenPgpError::Changed) => Err(ArchiveError::Damaged(error.to_string()).into()),
        Err(error) => Err(ArchiveError::Foreign(error.to_string()).into()),
    }
}

/// Everything that speaks against restoring an archive here.
pub fn refusals(
    archive: &Archive,
    own: ProductVersion,
    image: impl Fn(ProductVersion) -> String,
    asked: Asked,
    inventory: &Inventory,
) -> Vec<Refusal> {
    let mut found = Vec::new();
    let metadata = &archive.metadata;
    if metadata.version != own && !asked.force {
        found.push(Refusal::Version {
            archive: metadata.version,
            own,
            image: image(metadata.version),
        });
    }
    if metadata.swarm_only != asked.swarm_only {
        found.push(Refusal::SwarmOnly {
            archive: metadata.swarm_only,
        });
    }
    let left = leftovers(inventory);
    if !left.is_empty() {
        found.push(Refusal::Leftovers(left));
    }
    found
}

/// What an installation left that was not taken off. Configuration that an uninstallation keeps, and volumes that somebody made
/// for the product, are no parts of one.
fn leftovers(inventory: &Inventory) -> Vec<String> {
    let is_left = |object: &&Object| {
        object.kind != Kind::Config && object.has_catalogue_name() && object.instance().is_some()
    };
    let names = inventory.objects.iter().filter(is_left);
    names
        .map(|object| format!("{} {}", object.kind.words().0, object.name))
        .collect()
}

impl Restore {
    /// Takes what an installation needs. `names`: what `--san` says.
    ///
    /// # Errors
    /// [`ArchiveError::Damaged`] when something is missing.
    pub fn of(archive: &Archive, names: Vec<String>) -> Result<Self, ArchiveError> {
        let text = |name: &str| archive.text(name).map(str::to_owned);
        let authority = |kind| {
            let volume = volume_of(kind);
            Ok::<_, ArchiveError>(AuthorityFiles {
                certificate: text(&format!("{volume}/cert.pem"))?,
                key: Secret::new(text(&format!("{volume}/key.pem"))?),
            })
        };
        let server = |name: &str| text(&format!("ucp-controller-server-certs/{name}"));
        let sealing_key = text(SEALING_KEY)?;
        if hex::decode(&sealing_key).map_or(0, |key| key.len()) != 32 {
            return Err(ArchiveError::Damaged(format!("`{SEALING_KEY}` is no key")));
        }
        Ok(Self {
            cluster_id: archive.metadata.cluster_id.clone(),
            config: text(CONFIGURATION)?,
            license: archive
                .files
                .contains_key(LICENSE)
                .then(|| text(LICENSE))
                .transpose()?,
            sealing_key: Secret::new(sealing_key),
            records: selection::records(archive)?,
            names,
            cluster_authority: authority(AuthorityKind::Cluster)?,
            client_authority: authority(AuthorityKind::Client)?,
            server: ServerFiles {
                ca: server("ca.pem")?,
                certificate: server("cert.pem")?,
                key: Secret::new(server("key.pem")?),
            },
        })
    }

    /// Flags of an installation with those names that the configuration has already, which a flag would replace.
    ///
    /// # Errors
    /// [`InstallError::Configuration`].
    pub fn settings(&self, given: &[Given]) -> Result<Vec<Given>, InstallError> {
        let mut given = given.to_vec();
        if !self.names.is_empty() {
            let config = Config::parse(&self.config).map_err(InstallError::Configuration)?;
            let mut values = config.cluster.shared_sans;
            for name in &self.names {
                if !values.contains(name) {
                    values.push(name.clone());
                }
            }
            given.push(Given {
                flag: "--san".to_owned(),
                values,
            });
        }
        Ok(given)
    }

    /// The authority of the archive, when it comes back to its own swarm; another cluster gets new ones (RST-006).
    pub fn authority(&self, kind: AuthorityKind, instance: &str) -> Option<&AuthorityFiles> {
        (self.cluster_id == instance).then_some(match kind {
            AuthorityKind::Cluster => &self.cluster_authority,
            AuthorityKind::Client => &self.client_authority,
        })
    }

    /// What the first node gets.
    pub fn handed_over(&self, instance: &str) -> Restored {
        Restored {
            records: selection::restored(self.records.clone(), instance),
            server: self.server.clone(),
            names: self.names.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::archive::examples::{archive, metadata};
    use mke_core::product::labels;

    const OWN: ProductVersion = ProductVersion::new(3, 4, 15);

    fn whole() -> Archive {
        let mut files: std::collections::BTreeMap<String, Vec<u8>> = [
            (
                "config.toml",
                "[cluster_config]\nshared_sans = [\"a.example.com\"]\n".to_owned(),
            ),
            ("ucp-auth-key", "07".repeat(32)),
            (
                "ucp-kv/accounts.jsonl",
                "{\"key\":\"/mke/accounts/a\",\"value\":\"e30=\"}\n".to_owned(),
            ),
        ]
        .map(|(name, text)| (name.to_owned(), text.into_bytes()))
        .into();
        for name in [
            "ucp-cluster-root-ca/cert.pem",
            "ucp-cluster-root-ca/key.pem",
            "ucp-client-root-ca/cert.pem",
            "ucp-client-root-ca/key.pem",
            "ucp-controller-server-certs/ca.pem",
            "ucp-controller-server-certs/cert.pem",
            "ucp-controller-server-certs/key.pem",
        ] {
            files.insert(name.to_owned(), name.as_bytes().to_vec());
        }
        Archive::new(metadata(), files)
    }

    fn objects(of: &[(Kind, &str, bool)]) -> Inventory {
        let objects = of.iter().map(|(kind, name, ours)| Object {
            kind: *kind,
            id: (*name).to_owned(),
            name: (*name).to_owned(),
            labels: ours
                .then(|| (labels::INSTANCE_ID.to_owned(), "c".to_owned()))
                .into_iter()
                .collect(),
        });
        Inventory {
            objects: objects.collect(),
            ..Inventory::default()
        }
    }

    /// UPG-007, RST-002, RST-003, SWO-005: an archive of any other version is refused with the image that would do, unless
    /// forced; the word about Kubernetes must be that of the archive, also when forced; parts of an installation are listed,
    /// and what an operator keeps for the next one is none. Several reasons are told at once.
    #[test]
    fn who_is_refused() {
        let image = |version: ProductVersion| format!("mirantis/ucp:{version}");
        let judged = |version, swarm_only, asked, inventory: &Inventory| {
            let mut archive = archive();
            archive.metadata.version = version;
            archive.metadata.swarm_only = swarm_only;
            refusals(&archive, OWN, image, asked, inventory)
        };
        let asked = |swarm_only, force| Asked { swarm_only, force };
        let clean = objects(&[]);
        assert_eq!(judged(OWN, true, asked(true, false), &clean), []);
        assert_eq!(judged(OWN, false, asked(false, false), &clean), []);
        for (major, minor, patch) in [(3, 4, 14), (3, 4, 16), (3, 5, 15), (4, 4, 15)] {
            let other = ProductVersion::new(major, minor, patch);
            let refused = judged(other, true, asked(true, false), &clean);
            let expected = Refusal::Version {
                archive: other,
                own: OWN,
                image: image(other),
            };
            assert_eq!(refused, [expected]);
            assert!(refused[0].to_string().contains(&image(other)));
            assert_eq!(judged(other, true, asked(true, true), &clean), []);
        }
        for (archive, flag) in [(true, false), (false, true)] {
            for force in [false, true] {
                let refused = judged(OWN, archive, asked(flag, force), &clean);
                assert_eq!(refused, [Refusal::SwarmOnly { archive }]);
                assert!(refused[0].to_string().contains("--swarm-only"));
            }
        }
        let kept = objects(&[
            (Kind::Config, "com.docker.ucp.config-4", true),
            (Kind::Volume, "ucp-kv", false),
            (Kind::Service, "web", false),
            (Kind::Container, "web", true),
        ]);
        assert_eq!(judged(OWN, true, asked(true, false), &kept), []);
        for (kind, name) in [
            (Kind::Service, "ucp-manager-agent"),
            (Kind::Container, "ucp-proxy"),
            (Kind::Network, "ucp-bridge"),
            (Kind::Volume, "ucp-kv"),
            (Kind::Secret, "ucp-auth-key"),
        ] {
            let refused = judged(OWN, true, asked(true, true), &objects(&[(kind, name, true)]));
            assert!(
                matches!(&refused[..], [Refusal::Leftovers(names)] if names[0].ends_with(name)),
                "{refused:?}"
            );
        }
        let all = judged(
            ProductVersion::new(3, 4, 14),
            true,
            asked(false, false),
            &objects(&[(Kind::Container, "ucp-kv", true)]),
        );
        assert_eq!(all.len(), 3);
        assert_eq!(Refusals(all).to_string().lines().count(), 4);
    }

    /// RST-004, RST-008: a missing and a wrong passphrase are told apart from an archive that was damaged.
    #[test]
    fn what_cannot_be_opened() {
        let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
        let plain = archive().pack().unwrap();
        assert_eq!(open(&plain, None).unwrap(), archive());
        assert_eq!(open(&plain, Some(&Secret::new("not needed"))).unwrap(), archive());
        let secret = Secret::new("correct horse");
        let message = openpgp::encrypt(&plain, &secret, &mut rng).unwrap();
        assert_eq!(open(&message, Some(&secret)).unwrap(), archive());
        let other = Secret::new("battery staple");
        let mut cut = message.clone();
        cut.truncate(message.len() - 100);
        for (bytes, passphrase, told) in [
            (&message, None, "--passphrase: the archive is encrypted"),
            (&message, Some(&other), "--passphrase: the passphrase is wrong"),
            (&cut, Some(&secret), "damaged"),
            (&vec![0x8c; 4], Some(&secret), "no archive"),
            (&Vec::new(), Some(&secret), "no archive"),
        ] {
            let refused = open(bytes, passphrase).unwrap_err().to_string();
            assert!(refused.contains(told), "{refused}");
        }
    }

    /// RST-005, RST-006: authorities come back to their own swarm only, the certificate of the API port everywhere; names are
    /// added to those that are there.
    #[test]
    fn what_is_taken() {
        let restore = Restore::of(&whole(), vec!["b.example.com".to_owned()]).unwrap();
        for kind in [AuthorityKind::Cluster, AuthorityKind::Client] {
            let files = restore.authority(kind, "c").unwrap();
            assert_eq!(files.certificate, format!("{}/cert.pem", volume_of(kind)));
            assert_eq!(restore.authority(kind, "other"), None);
        }
        let handed = restore.handed_over("other");
        assert_eq!(handed.server.certificate, "ucp-controller-server-certs/cert.pem");
        assert_eq!(handed.records.len(), 1);
        let settings = restore.settings(&[]).unwrap();
        assert_eq!(settings[0].values, ["a.example.com", "b.example.com"]);
        for name in [
            "config.toml",
            "ucp-auth-key",
            "ucp-controller-server-certs/key.pem",
        ] {
            let mut less = whole();
            less.files.remove(name);
            assert!(Restore::of(&less, Vec::new()).is_err(), "{name}");
        }
        let mut other = whole();
        other.files.insert(
            "ucp-kv/x.jsonl".to_owned(),
            b"{\"key\":\"/etc/x\",\"value\":\"\"}".to_vec(),
        );
        assert!(Restore::of(&other, Vec::new()).is_err());
    }
}
