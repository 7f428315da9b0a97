//! One module per command, and the dispatch.

pub(crate) mod access;
pub(crate) mod account;
pub(crate) mod admission;
mod asked;
pub(crate) mod audit_log;
pub(crate) mod auth;
pub(crate) mod authz;
mod authz_to_mke4;
pub(crate) mod bootstrap;
pub(crate) mod bundle;
pub(crate) mod can_i;
pub(crate) mod collection;
pub(crate) mod completion;
pub(crate) mod config;
pub(crate) mod context;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod dump_certs;
pub(crate) mod explain;
pub(crate) mod grant;
pub(crate) mod id;
pub(crate) mod kernel;
pub(crate) mod login;
pub(crate) mod names;
pub(crate) mod net;
pub(crate) mod org;
pub(crate) mod passwd;
pub(crate) mod paths;
pub(crate) mod plan;
pub(crate) mod policy_test;
pub(crate) mod port_check;
pub(crate) mod proof;
pub(crate) mod role;
pub(crate) mod serve;
pub(crate) mod service;
pub(crate) mod simulate;
mod supervise;
pub(crate) mod team;
mod version;
pub(crate) mod who_can;

use std::future::Future;

use crate::api::Client;
use crate::args::Command;
use crate::error::CliError;
use crate::output::Output;

/// Runs one command.
pub(crate) fn dispatch(command: Command, output: &mut Output<'_>) -> Result<(), CliError> {
    match command {
        Command::Serve(args) => serve::run(*args),
        Command::Version => version::run(output),
        Command::Install(args) => bootstrap::install::run(*args, output),
        Command::UninstallUcp(args) => bootstrap::uninstall::run(args, output),
        Command::Upgrade(args) => bootstrap::upgrade::run(args, output),
        Command::Backup(args) => bootstrap::backup::run(args, output),
        Command::Restore(args) => bootstrap::restore::run(*args, output),
        Command::Images(args) => bootstrap::images::run(&args, output),
        Command::Id(args) => id::run(&args, output),
        Command::DumpCerts(args) => dump_certs::run(&args, output),
        Command::ExampleConfig => output.data(&mke_core::config::Config::example()),
        Command::PortCheckServer(args) => wait_for(port_check::run(&args, output)),
        Command::Completion(args) => completion::run(&args, output),
        Command::Login(args) => wait_for(login::login(&args, output)),
        Command::Passwd(args) => wait_for(passwd::run(&args, output)),
        Command::Logout => wait_for(login::logout(output)),
        Command::Context(command) => context::run(&command, output),
        Command::Account(command) => wait_for(account::run(command, &Client::from_environment()?, output)),
        Command::Org(command) => wait_for(org::run(command, &Client::from_environment()?, output)),
        Command::Team(command) => wait_for(team::run(command, &Client::from_environment()?, output)),
        Command::Role(command) => wait_for(role::run(command, &Client::from_environment()?, output)),
        Command::Collection(command) => {
            wait_for(collection::run(command, &Client::from_environment()?, output))
        }
        Command::Service(command) => wait_for(service::run(command, &Client::from_environment()?, output)),
        Command::Grant(command) => wait_for(grant::run(command, &Client::from_environment()?, output)),
        Command::Bundle(command) => wait_for(bundle::run(command, &Client::from_environment()?, output)),
        Command::Auth(command) => wait_for(auth::run(command, &Client::from_environment()?, output)),
        Command::Config(command) => config::run(&command, output),
        Command::Net(command) => net::run(&command, output),
        Command::Plan(args) => wait_for(plan::run(&args, output)),
        Command::Node(command) => wait_for(plan::of_node(&command, &Client::from_environment()?, output)),
        Command::Doctor(args) => wait_for(doctor::run(&args, output)),
        Command::Kernel(command) => kernel::run(&command, output),
        Command::CanI(args) => can_i::run(&args, output),
        Command::Authz(command) => authz::run(&command, output),
        Command::Admission(command) => admission::run(&command, output),
        Command::Proof(command) => proof::run(&command, output),
    }
}

/// Runs a client command on a runtime of its own.
fn wait_for<T>(future: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::Failed(format!("cannot start: {error}")))?
        .block_on(future)
}
