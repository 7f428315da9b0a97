//! The trusted registries: their authorities, for clients and for the engine on this machine (CFG-006, MSR-005).
//!
//! The engine reads `<directory>/<host>/*.crt` each time it talks to a registry, so a change needs no restart. Only the
//! file with the name of this cluster is written and removed. Engines of other machines have to be told on those machines.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use mke_core::config::Registry;
use mke_core::pki::parse_certificates;

use super::super::files::{self, FileError, PUBLIC};

/// Longest host with a port.
const MAX_HOST: usize = 261;
/// The port that names of images leave out.
const DEFAULT_PORT: &str = ":443";

/// The authorities of all registries, as PEM text.
pub(crate) fn authorities(registries: &[Registry]) -> String {
    let mut text = String::new();
    for registry in registries {
        let bundle = registry.ca_bundle.trim();
        if !bundle.is_empty() && !text.contains(bundle) {
            text.push_str(bundle);
            text.push('\n');
        }
    }
    text
}

/// Makes the files below `directory` what the configuration says. They have the name of the cluster, so that clusters
/// whose controllers share a machine leave each other alone.
///
/// # Errors
/// A file that cannot be written or removed; the others are done.
pub(super) fn write(directory: &Path, cluster: &str, registries: &[Registry]) -> Result<(), FileError> {
    let wanted = wanted(registries);
    let file = format!("mke-{cluster}.crt");
    let mut failed = Ok(());
    for (host, bundle) in &wanted {
        failed = failed.and(write_one(&directory.join(host), &file, bundle));
    }
    let known = match fs::read_dir(directory) {
        Ok(known) => known,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return failed,
        Err(error) => return Err(FileError::at("directory of registries", directory)(error)),
    };
    for folder in known.flatten() {
        let is_wanted = folder
            .file_name()
            .to_str()
            .is_some_and(|name| wanted.contains_key(name));
        if !is_wanted {
            failed = failed.and(remove_one(&folder.path(), &file));
        }
    }
    failed
}

fn write_one(folder: &Path, file: &str, bundle: &str) -> Result<(), FileError> {
    let what = "certificates of a registry";
    let path = folder.join(file);
    if files::read(what, &path)?.as_deref() == Some(bundle.as_bytes()) {
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(FileError::at(what, folder))?;
    files::replace(what, &path, PUBLIC, bundle.as_bytes())
}

fn remove_one(folder: &Path, file: &str) -> Result<(), FileError> {
    let path = folder.join(file);
    match fs::remove_file(&path) {
        Ok(()) => {
            // What others put there keeps the directory.
            let _ = fs::remove_dir(folder);
            Ok(())
        }
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(())
        }
        Err(error) => Err(FileError::at("certificates of a registry", &path)(error)),
    }
}

/// The names of directories with what belongs into them. What cannot be used is reported and left out: one broken file
/// would keep the engine from the registry altogether.
fn wanted(registries: &[Registry]) -> BTreeMap<String, String> {
    let mut wanted: BTreeMap<String, String> = BTreeMap::new();
    for registry in registries {
        let bundle = registry.ca_bundle.trim();
        if bundle.is_empty() {
            continue;
        }
        let host = host(&registry.host_address);
        let certificates = parse_certificates(bundle).map(|found| found.len());
        let (Some(host), Ok(1..)) = (host, &certificates) else {
            tracing::warn!(
                registry = registry.host_address,
                "the engine is not told about this registry: its address or its certificates cannot be used"
            );
            continue;
        };
        let hosts = [host.strip_suffix(DEFAULT_PORT), Some(host)];
        for host in hosts.into_iter().flatten() {
            let text = wanted.entry(host.to_owned()).or_default();
            text.push_str(bundle);
            text.push('\n');
        }
    }
    wanted
}

/// The host of an address, with its port; nothing where it could be anything but the name of a directory.
pub(crate) fn host(address: &str) -> Option<&str> {
    let address = address.trim();
    let host = address
        .strip_prefix("https://")
        .unwrap_or(address)
        .trim_end_matches('/');
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    let fits =
        !host.is_empty() && host.len() <= MAX_HOST && !host.starts_with('.') && host.chars().all(plain);
    fits.then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CA: &str = include_str!("registries_ca.pem");

    fn registry(host: &str, bundle: &str) -> Registry {
        Registry {
            host_address: host.to_owned(),
            service_id: String::new(),
            ca_bundle: bundle.to_owned(),
        }
    }

    fn folders(directory: &Path) -> Vec<String> {
        let names = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> = names
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// CFG-006: files come and go with the registries; what others put there stays.
    #[test]
    fn files_follow_the_configuration() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("certs.d");
        write(&path, "c1", &[]).unwrap();
        let all = [
            registry("https://msr.example.com:443/", CA),
            registry("192.0.2.1:5000", CA),
            registry("no-bundle.example.com", ""),
        ];
        write(&path, "c1", &all).unwrap();
        assert_eq!(
            folders(&path),
            ["192.0.2.1:5000", "msr.example.com", "msr.example.com:443"]
        );
        let file = path.join("192.0.2.1:5000/mke-c1.crt");
        assert_eq!(fs::read_to_string(&file).unwrap().trim(), CA.trim());
        let theirs = path.join("192.0.2.1:5000/own.crt");
        fs::write(&theirs, "theirs").unwrap();
        write(&path, "c2", &[]).unwrap();
        assert!(file.exists());
        write(&path, "c1", &[]).unwrap();
        assert_eq!(folders(&path), ["192.0.2.1:5000"]);
        assert!(theirs.exists() && !file.exists());
        assert_eq!(authorities(&all).matches("BEGIN CERTIFICATE").count(), 1);
    }

    /// Addresses that would leave the directory, and bundles that are none, write nothing.
    #[test]
    fn nothing_else_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("certs.d");
        let bad =
            ["..", "../x", "/etc", "a/b", "a b", "", ".", "a\0b", "http://x"].map(|host| registry(host, CA));
        write(&path, "c1", &bad).unwrap();
        write(&path, "c1", &[registry("a.example.com", "no certificate")]).unwrap();
        assert!(!path.exists());
    }
}
