//! Every named volume of the product.

use super::component::{ALL, MANAGERS};
use super::volume::{Content, Volume};

/// The volumes.
pub(super) const VOLUMES: &[Volume] = &[
    Volume::new("ucp-auth-api-certs", Content::Certificates, "TLS material of the authentication API; mounted at /tls by the authentication command line (password recovery)")
        .on(MANAGERS),
    Volume::new("ucp-auth-store-certs", Content::Certificates, "TLS material of the authentication store, mounted at /tls by database maintenance commands")
        .on(MANAGERS),
    Volume::new("ucp-auth-store-data", Content::Data, "RethinkDB data files")
        .on(MANAGERS)
        .replicated()
        .in_backup()
        .never_made(),
    Volume::new("ucp-auth-worker-certs", Content::Certificates, "TLS material of the authentication worker")
        .on(MANAGERS),
    Volume::new("ucp-auth-worker-data", Content::Data, "Working data of the authentication worker (LDAP sync logs)")
        .on(MANAGERS),
    Volume::new("ucp-client-root-ca", Content::RootAuthority, "Root key material of the CA that signs client bundles")
        .on(MANAGERS)
        .replicated()
        .in_backup()
        .files(&["cert.pem", "key.pem"]),
    Volume::new("ucp-cluster-root-ca", Content::RootAuthority, "Root key material of the CA that issues certificates to swarm members")
        .on(MANAGERS)
        .replicated()
        .in_backup()
        .files(&["cert.pem", "key.pem"]),
    Volume::new("ucp-controller-client-certs", Content::Certificates, "Client certificates the web server uses toward other components")
        .on(MANAGERS),
    Volume::new("ucp-controller-server-certs", Content::Certificates, "Server certificate and key of the web server (user supplied with --external-server-cert)")
        .on(MANAGERS)
        .in_backup()
        .files(&["ca.pem", "cert.pem", "client_ca.pem", "key.pem"]),
    Volume::new("ucp-kv", Content::Data, "etcd data: MKE configuration and Kubernetes objects")
        .on(MANAGERS)
        .replicated()
        .in_backup(),
    Volume::new("ucp-kv-certs", Content::Certificates, "TLS material of the key-value store")
        .on(MANAGERS),
    Volume::new("ucp-metrics-data", Content::Data, "Prometheus time series")
        .on(MANAGERS),
    Volume::new("ucp-metrics-inventory", Content::Configuration, "Configuration and target inventory of the metrics service")
        .on(MANAGERS),
    Volume::new("ucp-node-certs", Content::Certificates, "Node certificate and key used for communication between nodes")
        .on(ALL)
        .files(&["ca.pem", "cert.pem", "key.pem"]),
    Volume::new("ucp-backup", Content::Scratch, "Scratch space while a backup runs; emptied afterwards except for the archive and log, the volume itself stays")
        .on(MANAGERS)
        .in_backup()
        .files(&["<id>/auth-store.tar.gz", "<id>/etcd.backup.db"]),
    Volume::new("mke-container-logs", Content::Logs, "Symlinks to component log files, created by ucp-agent")
        .on(ALL),
];
