//! `ucp-agent auth-api` and `ucp-agent swarm-manager`: ports that lead to the controller of this manager (decision 0026).

use std::net::SocketAddr;

use super::ProgramError;
use super::ports::{inside, listen, until_asked};
use crate::relay::{self, Targets};

/// Port of the authentication API.
pub(super) const AUTH_API: u16 = 12385;
/// Port for classic Swarm clients.
pub(super) const SWARM_MANAGER: u16 = 2376;

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Address to listen on; port 12385 for auth-api and 2376 for swarm-manager when not given.
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Where to: host:port, several in the order of preference.
    #[arg(long = "to", value_delimiter = ',', default_values_t = [format!("ucp-controller:{}", inside(443))])]
    targets: Vec<String>,
}

/// Passes connections on until asked to end.
///
/// # Errors
/// [`ProgramError`] when it cannot listen.
pub(super) async fn run(args: Args, port: u16) -> Result<(), ProgramError> {
    let targets = Targets::new(args.targets).map_err(|error| ProgramError::Usage(error.to_string()))?;
    let address = args
        .listen
        .unwrap_or((std::net::Ipv4Addr::UNSPECIFIED, inside(port)).into());
    let listener = listen(address).await?;
    until_asked(|stopping| relay::run(listener, targets, stopping)).await
}
