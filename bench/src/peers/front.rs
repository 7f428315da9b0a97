//! haproxy and nginx in front of a unix socket: what operators would use instead, without access control.
//!
//! Both end TLS with the run's P-256 certificate, keep connections open on both sides, log nothing, and use as many
//! threads or processes as there are cores, like `ucp serve`.

use std::path::Path;

use mke_test_support::free_port;

use crate::client::Client;
use crate::error::BenchError;
use crate::process::Daemon;
use crate::tools;
use crate::trust;

/// Which program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// haproxy
    Haproxy,
    /// nginx
    Nginx,
}

/// A running proxy.
#[derive(Debug)]
pub(crate) struct Front {
    port: u16,
    daemon: Daemon,
}

impl Front {
    /// Starts one in front of the socket. `directory` holds the certificate; `name` tells its files from those of
    /// others there.
    pub(crate) async fn start(
        kind: Kind,
        directory: &Path,
        name: &str,
        socket: &Path,
        root: &str,
    ) -> Result<Self, BenchError> {
        let port = free_port();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let setup = Setup {
            port,
            cores,
            directory,
            socket,
        };
        let (program, text) = match kind {
            Kind::Haproxy => ("haproxy", setup.haproxy()),
            Kind::Nginx => ("nginx", setup.nginx()),
        };
        let config = directory.join(format!("{name}.{program}.conf"));
        std::fs::write(&config, text).map_err(BenchError::file("write", config.display()))?;
        let mut command = tools::command(program);
        match kind {
            Kind::Haproxy => command.arg("-db").arg("-f").arg(&config),
            Kind::Nginx => command
                .arg("-p")
                .arg(directory)
                .arg("-e")
                .arg("stderr")
                .arg("-c")
                .arg(&config),
        };
        let mut daemon = Daemon::start(
            program,
            &mut command,
            directory.join(format!("{name}.{program}.log")),
        )?;
        let connector = trust::connector([root])?;
        daemon
            .until("answer", async || match Client::tls(port, &connector).await {
                Ok(mut client) => client.get("/_ping").await.is_ok(),
                Err(_) => false,
            })
            .await?;
        Ok(Self { port, daemon })
    }

    /// Its port on the loopback interface.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// The process.
    pub(crate) const fn daemon(&self) -> &Daemon {
        &self.daemon
    }
}

/// What the configurations are made of.
struct Setup<'s> {
    port: u16,
    cores: usize,
    directory: &'s Path,
    socket: &'s Path,
}

impl Setup<'_> {
    fn haproxy(&self) -> String {
        format!(
            "\
global
    nbthread {cores}
    ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
    mode http
    http-reuse always
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend tls
    bind 127.0.0.1:{port} ssl crt {certificate}
    default_backend engine
backend engine
    server engine unix@{socket}
",
            cores = self.cores,
            port = self.port,
            certificate = self.directory.join(trust::CERT_AND_KEY).display(),
            socket = self.socket.display(),
        )
    }

    /// The limits on requests of one connection are nginx's own and would only cost it reconnects here. Large
    /// answers stay in memory.
    fn nginx(&self) -> String {
        format!(
            "\
{head}
http {{
    access_log off;
    keepalive_requests 1000000000;
    upstream engine {{
        server unix:{socket};
        keepalive 64;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.2 TLSv1.3;
        location / {{
            proxy_pass http://engine;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_max_temp_file_size 0;
        }}
    }}
}}
",
            head = nginx_head(self.cores, &format!("front-{}", self.port)),
            port = self.port,
            socket = self.socket.display(),
            certificate = self.directory.join(trust::CERT).display(),
            key = self.directory.join(trust::KEY).display(),
        )
    }
}

/// What every nginx of a run has in common. It stays root because the engine's socket is root's.
pub(super) fn nginx_head(workers: usize, name: &str) -> String {
    format!(
        "\
daemon off;
user root;
pid {name}.pid;
worker_processes {workers};
events {{
    worker_connections 1024;
}}"
    )
}
