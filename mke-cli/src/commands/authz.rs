//! `ucp authz`: questions about a whole policy, asked of a control plane, of a state file or of Kubernetes
//! manifests. A report can say "no", which is exit code 1.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use mke_rbac::Policy;
use mke_rbac::inquiry::{Inquiry, Report as _, Scene};
use mke_rbac::kubernetes::Rbac;
use mke_rbac::model::Model;
use mke_rbac::question::Inventory;
use mke_rbac::state::World;
use reqwest::Method;
use serde_json::Value;

use super::{access, audit_log, authz_to_mke4, can_i, diff, explain, paths, policy_test, simulate, who_can};
use crate::api::Client;
use crate::error::CliError;
pub(super) use crate::file::read;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask whether something is allowed, and why.
    CanI(can_i::Args),
    /// Everybody who can do something, and through what.
    WhoCan(who_can::Args),
    /// What a change would do: every decision that flips.
    Simulate(Box<simulate::Args>),
    /// Who gained and who lost between two states.
    Diff(diff::Args),
    /// Why something is allowed or denied, and what would allow it.
    Explain(explain::Args),
    /// Who may do what in a place: a matrix, or a picture.
    Access(access::Args),
    /// Who can become root on a node, and how. Exit code 1 when somebody certainly can.
    Paths(paths::Args),
    /// Rights that an audit log never shows in use.
    Unused(audit_log::UnusedArgs),
    /// An audit log asked again: what would be decided otherwise now.
    Replay(audit_log::ReplayArgs),
    /// Organizations, teams, roles and bindings as manifests for MKE 4, and what does not come along.
    ToMke4(authz_to_mke4::Args),
    /// Check a file of what must be and what must never be.
    Test(policy_test::Args),
}

/// What is asked: the control plane of the context in use, unless a file is named.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Source {
    /// Ask this state file instead of a control plane; `-` for standard input.
    #[arg(long, value_name = "FILE", help_heading = "What is asked")]
    pub(crate) state: Option<PathBuf>,
    /// The world of the state file, when it has several.
    #[arg(long, value_name = "NAME", requires = "state", help_heading = "What is asked")]
    pub(crate) world: Option<String>,
    /// Kubernetes roles and bindings from these manifests, YAML or JSON; repeatable, `-` for standard input.
    /// Without --state they are all that is asked in Kubernetes questions of the library; with a control plane
    /// they are sent along.
    #[arg(long, value_name = "FILE", help_heading = "What is asked")]
    pub(crate) manifests: Vec<PathBuf>,
    /// Add the roles and bindings that Kubernetes makes by itself, for manifests that refer to them.
    #[arg(long, help_heading = "What is asked")]
    pub(crate) bootstrap: bool,
    /// Ask the control plane of the context in use although there are manifests.
    #[arg(long, conflicts_with = "state", help_heading = "What is asked")]
    pub(crate) live: bool,
}

/// A state that was read from files.
pub(crate) struct Offline {
    pub(crate) policy: Policy,
    pub(crate) inventory: Inventory,
}

impl Offline {
    /// For asking the library.
    pub(crate) fn scene(&self) -> Scene<'_> {
        Scene::new(&self.policy, &self.inventory)
    }
}

impl Source {
    /// The named files; nothing when a control plane is to be asked.
    pub(crate) fn offline(&self) -> Result<Option<Offline>, CliError> {
        let mut offline = match &self.state {
            Some(path) => {
                let world = world(path, self.world.as_deref())?;
                Offline {
                    policy: world.policy().clone(),
                    inventory: world.inventory().clone(),
                }
            }
            None if self.live || !self.has_kubernetes() => return Ok(None),
            None => Offline {
                policy: Policy::compile(Model::with_builtin_collections()),
                inventory: Inventory::default(),
            },
        };
        self.add_kubernetes(&mut offline.inventory.kubernetes)?;
        Ok(Some(offline))
    }

    fn has_kubernetes(&self) -> bool {
        self.bootstrap || !self.manifests.is_empty()
    }

    /// Roles and bindings of files come before those that Kubernetes makes: the first of a name counts.
    fn add_kubernetes(&self, rbac: &mut Rbac) -> Result<(), CliError> {
        for path in &self.manifests {
            let found = Rbac::from_manifests(&read(path)?)
                .map_err(|error| CliError::Usage(format!("{}: {error}", path.display())))?;
            rbac.roles.extend(found.roles);
            rbac.bindings.extend(found.bindings);
        }
        if self.bootstrap {
            let bootstrap = Rbac::bootstrap();
            rbac.roles.extend(bootstrap.roles);
            rbac.bindings.extend(bootstrap.bindings);
        }
        Ok(())
    }

    /// What is sent along to a control plane.
    pub(super) fn put_inventory(&self, body: &mut Value) -> Result<(), CliError> {
        if !self.has_kubernetes() {
            return Ok(());
        }
        let mut inventory = Inventory::default();
        self.add_kubernetes(&mut inventory.kubernetes)?;
        if let Value::Object(fields) = body {
            fields.insert("inventory".to_owned(), json(&inventory)?);
        }
        Ok(())
    }
}

/// Reads a world of a state file.
pub(super) fn world(path: &Path, name: Option<&str>) -> Result<World, CliError> {
    World::parse(&read(path)?, name).map_err(|error| {
        let mut text = format!("{}: {error}", path.display());
        if let Some(cause) = std::error::Error::source(&error) {
            text.push_str(&format!(": {cause}"));
        }
        CliError::Usage(text)
    })
}

pub(super) fn run(command: &Command, output: &mut Output<'_>) -> Result<(), CliError> {
    match command {
        Command::CanI(args) => can_i::run(args, output),
        Command::WhoCan(args) => who_can::run(args, output),
        Command::Simulate(args) => simulate::run(args, output),
        Command::Diff(args) => diff::run(args, output),
        Command::Explain(args) => explain::run(args, output),
        Command::Access(args) => access::run(args, output),
        Command::Paths(args) => paths::run(args, output),
        Command::Unused(args) => audit_log::unused(args, output),
        Command::Replay(args) => audit_log::replay(args, output),
        Command::ToMke4(args) => authz_to_mke4::run(args, output),
        Command::Test(args) => policy_test::run(args, output),
    }
}

/// Asks one inquiry and shows its report: the way of every command here.
pub(super) fn ask<I: Inquiry>(inquiry: &I, source: &Source, output: &mut Output<'_>) -> Result<(), CliError> {
    let report = report(inquiry, source)?;
    output.value(&report, ToString::to_string)?;
    if report.is_no() {
        return Err(CliError::AnswerIsNo);
    }
    Ok(())
}

/// The report of one inquiry.
pub(super) fn report<I: Inquiry>(inquiry: &I, source: &Source) -> Result<I::Report, CliError> {
    match source.offline()? {
        Some(offline) => inquiry
            .ask(&offline.scene())
            .map_err(|error| CliError::Usage(error.to_string())),
        None => {
            let mut body = json(inquiry)?;
            source.put_inventory(&mut body)?;
            let client = Client::from_environment()?;
            let path = format!("/api/ucp/authz/{}", I::NAME);
            super::wait_for(client.send_json::<I::Report>(Method::POST, &path, &body))
        }
    }
}

/// A question as it is sent.
pub(super) fn json(question: &impl serde::Serialize) -> Result<Value, CliError> {
    serde_json::to_value(question)
        .map_err(|error| CliError::Failed(format!("cannot write the question: {error}")))
}

/// A complaint about a file.
pub(super) fn usage(path: &Path, error: &dyn std::error::Error) -> CliError {
    CliError::Usage(format!("{}: {error}", path.display()))
}
