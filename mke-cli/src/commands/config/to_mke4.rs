//! `ucp config to-mke4`: `mke4.yaml` from a 3.x file and manifests from a state, with the summary of what did not come
//! along.

use std::path::PathBuf;

use mke_core::config::Config;
use mke_core::config::Version;
use mke_core::config::mke4::{
    Access, Cluster3, DatastoreMove, Hosts, Left, Obstacle, UpgradeFlags, UpgradeSummary, convert, obstacles,
    reminders, stale_kubeconf,
};
use mke_core::secret::Secret;
use mke_rbac::mke4::{Conversion as AccessConversion, ToMke4};

use super::super::authz::{self, read};
use super::source::Source;
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,
    /// Write the new file here and not to standard output. It holds the secrets of the old one.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Take accounts and rights from this state file and not from the control plane of the context in use.
    #[arg(long, value_name = "FILE", requires = "rbac_out")]
    state: Option<PathBuf>,
    /// The world of the state file, when it has several.
    #[arg(long, value_name = "NAME", requires = "state")]
    world: Option<String>,
    /// Convert accounts and rights too, and write the manifests of roles and bindings here.
    #[arg(long, value_name = "FILE")]
    rbac_out: Option<PathBuf>,
    #[command(flatten)]
    check: Check,
}

/// What is checked first.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Checks before the upgrade")]
struct Check {
    /// Check first whether this cluster can be upgraded; nothing is written when it cannot.
    #[arg(long)]
    check: bool,
    /// The version that the cluster runs, such as 3.7.15.
    #[arg(long, requires = "check", value_parser = version)]
    version: Option<Version>,
    /// There is a backup of the cluster.
    #[arg(long, requires = "check")]
    backup_confirmed: bool,
    /// Where the upgrade writes the administrator's kubeconfig; a damaged one of an earlier try blocks the next
    /// [default: ~/.mke/mke.kubeconf].
    #[arg(long, value_name = "FILE", requires = "check")]
    kubeconf: Option<PathBuf>,
    /// The file that lists the nodes: address, port, user and keyPath of each. With it, or any flag below, all
    /// flags of the upgrade are checked.
    #[arg(long, value_name = "FILE", requires = "check")]
    hosts_path: Option<PathBuf>,
    /// An administrator of MKE 3.
    #[arg(long, value_name = "NAME", requires = "check")]
    mke3_admin_username: Option<String>,
    /// The file that holds the password of that administrator.
    #[arg(long, value_name = "FILE", requires = "check")]
    mke3_admin_password_file: Option<PathBuf>,
    /// The name of the load balancer.
    #[arg(long, value_name = "ADDRESS", requires = "check")]
    external_address: Option<String>,
    /// How much the upgrade logs.
    #[arg(long, value_name = "LEVEL", requires = "check")]
    log_level: Option<String>,
    /// The registry of images, with the path of the project.
    #[arg(long, value_name = "REGISTRY", requires = "check")]
    image_registry: Option<String>,
    /// The registry of charts, with oci:// and the path of the project.
    #[arg(long, value_name = "REGISTRY", requires = "check")]
    chart_registry: Option<String>,
    /// The cluster reaches nothing outside.
    #[arg(long, requires = "check")]
    mke3_airgapped: bool,
}

pub(super) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let config = args.source.config(output)?;
    if args.check.check {
        args.check.run(&config, output)?;
    }
    let rights = authz::Source {
        state: args.state.clone(),
        world: args.world.clone(),
        ..authz::Source::default()
    };
    let wanted = args.rbac_out.as_ref();
    let access = wanted.map(|_| authz::report(&ToMke4 {}, &rights)).transpose()?;
    let conversion = convert(&config);
    let cannot = |error| CliError::Failed(format!("cannot write YAML: {error}"));
    let yaml = conversion.to_yaml().map_err(cannot)?;
    if let (Some(access), Some(path)) = (&access, &args.rbac_out) {
        crate::file::replace(path, &access.to_yaml().map_err(cannot)?)?;
    }
    match &args.out {
        Some(path) => crate::file::replace(path, &yaml)?,
        None => output.data(&yaml)?,
    }
    let access = access.as_ref().map(summary);
    let summary = UpgradeSummary {
        conversion: &conversion,
        access: access.as_ref(),
        removed: None,
    };
    output.remark(summary.to_string().trim_end());
    Ok(())
}

impl Check {
    /// Everything that speaks against the upgrade, and what to know before it.
    fn run(&self, config: &Config, output: &mut Output<'_>) -> Result<(), CliError> {
        let cluster = Cluster3 {
            version: self.version,
            backup_confirmed: self.backup_confirmed,
        };
        let flags = self.flags()?;
        let problems = flags.as_ref().map(UpgradeFlags::problems).unwrap_or_default();
        let mut obstacles = obstacles(config, cluster);
        obstacles.extend(self.left_behind()?);
        for obstacle in &obstacles {
            output.remark(&format!("obstacle: {obstacle}"));
        }
        for problem in &problems {
            output.remark(&format!("obstacle: {problem}"));
        }
        if obstacles.contains(&Obstacle::CalicoInEtcd) {
            let hosts = flags.and_then(|flags| Hosts::parse(&flags.hosts?).ok());
            let nodes = hosts.and_then(|hosts| u32::try_from(hosts.hosts.len()).ok());
            output.remark(DatastoreMove { nodes }.to_string().trim_end());
        }
        for reminder in reminders(config) {
            output.remark(&format!("reminder: {reminder}"));
        }
        if obstacles.is_empty() && problems.is_empty() {
            Ok(())
        } else {
            Err(CliError::AnswerIsNo)
        }
    }

    /// What an earlier try left behind on this machine and must go first.
    fn left_behind(&self) -> Result<Option<Obstacle>, CliError> {
        let own = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".mke/mke.kubeconf"));
        let Some(path) = self.kubeconf.clone().or_else(own) else {
            return Ok(None);
        };
        match std::fs::read(&path) {
            Ok(content) => Ok(stale_kubeconf(&path.display().to_string(), &content)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(CliError::file("cannot read", &path)(error)),
        }
    }

    /// The flags of the upgrade, when any is given.
    fn flags(&self) -> Result<Option<UpgradeFlags>, CliError> {
        let texts = [
            &self.mke3_admin_username,
            &self.external_address,
            &self.log_level,
            &self.image_registry,
            &self.chart_registry,
        ];
        let files = [&self.hosts_path, &self.mke3_admin_password_file];
        let any = self.mke3_airgapped
            || texts.iter().any(|text| text.is_some())
            || files.iter().any(|file| file.is_some());
        if !any {
            return Ok(None);
        }
        let content = |path: &Option<PathBuf>| path.as_deref().map(read).transpose();
        let password = content(&self.mke3_admin_password_file)?.map(Secret::new);
        Ok(Some(UpgradeFlags {
            hosts: content(&self.hosts_path)?,
            admin_username: self.mke3_admin_username.clone(),
            admin_password: password.map(|text| Secret::new(text.expose().trim_end_matches(['\r', '\n']))),
            external_address: self.external_address.clone(),
            log_level: self.log_level.clone(),
            image_registry: self.image_registry.clone(),
            chart_registry: self.chart_registry.clone(),
            airgapped: self.mke3_airgapped,
        }))
    }
}

/// What the summary says of accounts and rights.
fn summary(conversion: &AccessConversion) -> Access {
    let left = conversion.left.iter().map(|left| Left {
        key: left.what.clone(),
        found: String::new(),
        why: left.why.clone(),
    });
    let (users_left, rights_left) = left.partition(|left| left.key.starts_with("user "));
    let renamed = conversion.renamed.iter();
    Access {
        users: conversion.counts.users,
        organizations: conversion.counts.organizations,
        teams: conversion.counts.teams,
        renamed: renamed
            .map(|renamed| format!("{} is {}: {}", renamed.what, renamed.name, renamed.why))
            .collect(),
        users_left,
        rights_left,
    }
}

fn version(text: &str) -> Result<Version, String> {
    Version::from_text(text).ok_or_else(|| "write a version such as 3.7.15".to_owned())
}
