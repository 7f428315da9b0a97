//! `ucp port-check-server`: answers on a port until it is stopped.

use std::io::{Error, ErrorKind};

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Address and port to listen on; without an address, on all.
    #[arg(long, short = 'l', default_value = ":2376")]
    listen_address: String,
    /// Stop after the first connection.
    #[arg(long)]
    once: bool,
}

pub(super) async fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let address = match args.listen_address.strip_prefix(':') {
        Some(port) => format!("0.0.0.0:{port}"),
        None => args.listen_address.clone(),
    };
    let listener = TcpListener::bind(&address)
        .await
        .map_err(|error| CliError::Failed(refused(&address, &error)))?;
    let local = listener.local_addr().map_or(address, |local| local.to_string());
    output.remark(&format!("listening on {local}"));
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .map_err(|error| CliError::Failed(format!("cannot wait for signals: {error}")))?;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = terminate.recv() => return Ok(()),
            _ = tokio::signal::ctrl_c() => return Ok(()),
        };
        // A peer that is gone already is no reason to stop answering the others.
        let Ok((mut stream, peer)) = accepted else {
            continue;
        };
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nOK\n")
            .await;
        let _ = stream.shutdown().await;
        output.remark(&format!("reached by {peer}"));
        if args.once {
            return Ok(());
        }
    }
}

/// Why nothing can listen there, and what to do.
fn refused(address: &str, error: &Error) -> String {
    let remedy = match error.kind() {
        ErrorKind::AddrInUse => "the port is in use; `ss -ltnp` names the program that holds it",
        ErrorKind::PermissionDenied => "ports below 1024 need root",
        ErrorKind::AddrNotAvailable => {
            "no interface of this machine has that address; `ip address` lists them"
        }
        ErrorKind::InvalidInput => "write ADDRESS:PORT, or :PORT for all addresses",
        _ => return format!("cannot listen on {address}: {error}"),
    };
    format!("cannot listen on {address}: {remedy}")
}
