//! `ucp auth`: where accounts come from and who vouches for people.

mod ldap;
mod saml;
mod scim;

use clap::Subcommand;

use crate::api::Client;
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Let people of an LDAP directory log in, and keep accounts and teams as it says.
    #[command(subcommand)]
    Ldap(ldap::Command),
    /// Let people log in through a SAML identity provider.
    #[command(subcommand)]
    Saml(saml::Command),
    /// Let an identity provider keep users and groups over SCIM 2.0.
    #[command(subcommand)]
    Scim(scim::Command),
}

pub(super) async fn run(command: Command, client: &Client, output: &mut Output<'_>) -> Result<(), CliError> {
    match command {
        Command::Ldap(command) => ldap::run(command, client, output).await,
        Command::Saml(command) => saml::run(command, client, output).await,
        Command::Scim(command) => scim::run(command, client, output).await,
    }
}
