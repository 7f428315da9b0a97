//! The command line: one definition gives parser, help and completions.

use clap::{Parser, Subcommand};

use crate::commands::{
    account, admission, auth, authz, bootstrap, bundle, can_i, collection, completion, config, context,
    doctor, dump_certs, grant, id, kernel, login, net, org, passwd, plan, port_check, proof, role, serve,
    service, team,
};
use crate::output::Format;

/// Control plane for container clusters.
#[derive(Debug, Parser)]
#[command(name = "ucp", version, disable_help_subcommand = false, max_term_width = 100)]
pub(crate) struct Cli {
    /// How results are shown.
    #[arg(long, global = true, value_enum, default_value_t, env = "MKE_OUTPUT")]
    pub(crate) output: Format,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the control plane over this machine's engine, in the foreground.
    Serve(Box<serve::Args>),
    /// Print the version.
    Version,
    /// Make this machine a manager and install a cluster on its swarm.
    Install(Box<bootstrap::install::Args>),
    /// Take a cluster off every node of its swarm; the swarm and applications stay.
    UninstallUcp(bootstrap::uninstall::Args),
    /// Upgrade a cluster, managers first.
    Upgrade(bootstrap::upgrade::Args),
    /// Write an archive with the state of a cluster, while it runs.
    Backup(bootstrap::backup::Args),
    /// Install a cluster that begins with the state of a backup.
    Restore(Box<bootstrap::restore::Args>),
    /// List, pull or load the images of a cluster.
    Images(bootstrap::images::Args),
    /// Print the id of the control plane on this machine.
    Id(id::Args),
    /// Print the public certificates of the control plane on this machine.
    DumpCerts(dump_certs::Args),
    /// Print an example configuration file (TOML).
    ExampleConfig,
    /// Listen on a port, so that another node can test whether it reaches this one.
    PortCheckServer(port_check::Args),
    /// Print a completion script for a shell.
    Completion(completion::Args),
    /// Log in to a control plane and keep the session as a context.
    Login(login::Args),
    /// Set a password from a shell of the manager, without logging in.
    Passwd(passwd::Args),
    /// End the session of the context in use.
    Logout,
    /// Switch between control planes.
    #[command(subcommand)]
    Context(context::Command),
    /// Manage accounts of people and programs.
    #[command(subcommand)]
    Account(account::Command),
    /// Manage organizations and their members.
    #[command(subcommand)]
    Org(org::Command),
    /// Manage teams and their members.
    #[command(subcommand)]
    Team(team::Command),
    /// Manage roles.
    #[command(subcommand)]
    Role(role::Command),
    /// Manage collections.
    #[command(subcommand)]
    Collection(collection::Command),
    /// Look after services.
    #[command(subcommand)]
    Service(service::Command),
    /// Manage grants: who has which role where.
    #[command(subcommand)]
    Grant(grant::Command),
    /// Manage client bundles.
    #[command(subcommand)]
    Bundle(bundle::Command),
    /// Check, edit, compare and convert configuration files.
    #[command(subcommand)]
    Config(config::Command),
    /// Plan and check addresses, ports, firewalls and load balancers.
    #[command(subcommand)]
    Net(net::Command),
    /// Show what the agent of this machine would do now, and why. Exit code 1 means that there is something to do.
    Plan(plan::Args),
    /// Look after nodes of the cluster.
    #[command(subcommand)]
    Node(plan::Command),
    /// Show how this machine is: what is wrong, and what to do. Exit code 1 means that there are errors.
    Doctor(doctor::Args),
    /// Change kernel parameters so that it can be taken back.
    #[command(subcommand)]
    Kernel(kernel::Command),
    /// Ask whether something is allowed, and why. Exit code 1 means no.
    CanI(can_i::Args),
    /// Where accounts come from: identity providers and directories.
    #[command(subcommand)]
    Auth(auth::Command),
    /// Ask about the whole policy: who can, why, what if.
    #[command(subcommand)]
    Authz(authz::Command),
    /// Try what admission makes of Kubernetes objects.
    #[command(subcommand)]
    Admission(admission::Command),
    /// Check proofs of access decisions.
    #[command(subcommand)]
    Proof(proof::Command),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn definitions_are_consistent() {
        Cli::command().debug_assert();
    }
}
