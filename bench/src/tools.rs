//! The programs that a measurement needs, and the packages that hold them.

use std::path::PathBuf;
use std::process::Command;

use crate::args::Name;
use crate::error::BenchError;

/// A program and the Debian package that holds it.
type Tool = (&'static str, &'static str);

const WRK: Tool = ("wrk", "wrk");
const PYTHON: Tool = ("python3", "python3-venv");
const XMLSEC1: Tool = ("xmlsec1", "xmlsec1");
const SLAPD: Tool = ("slapd", "slapd");
const LDAPSEARCH: Tool = ("ldapsearch", "ldap-utils");
const OPENSSL: Tool = ("openssl", "openssl");
const PROXIES: [Tool; 4] = [
    ("haproxy", "haproxy"),
    ("nginx", "nginx-light"),
    ("dockerd", "docker.io"),
    ("tar", "tar"),
];

/// What a measure needs besides this program and `ucp`.
fn needed(name: Name) -> Vec<Tool> {
    match name {
        Name::Decide | Name::Serve => Vec::new(),
        Name::Bundles => vec![OPENSSL],
        Name::Config | Name::Scim => vec![PYTHON],
        Name::Saml => vec![PYTHON, XMLSEC1],
        Name::Ldap => vec![PYTHON, SLAPD, LDAPSEARCH],
        Name::Proxy => PROXIES.into_iter().chain([WRK]).collect(),
    }
}

/// Refuses to start without them: half a table would be read as a whole one.
pub(crate) fn check(measures: &[Name]) -> Result<(), BenchError> {
    if cfg!(debug_assertions) {
        return Err(BenchError::Unoptimised);
    }
    if measures.contains(&Name::Proxy) && !rustix::process::geteuid().is_root() {
        return Err(BenchError::NotRoot);
    }
    for (program, package) in measures.iter().copied().flat_map(needed) {
        if find(program).is_none() {
            return Err(BenchError::Missing { program, package });
        }
    }
    Ok(())
}

/// Where a program lies. Daemons are in directories that are not on everybody's path.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|directory| directory.join(program))
        .find(|path| path.is_file())
}

/// Calls a program that [`check`] has found.
pub(crate) fn command(program: &str) -> Command {
    Command::new(find(program).unwrap_or_else(|| program.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_programs_are_found_out() {
        assert!(find("sh").is_some());
        assert_eq!(find("no-such-program"), None);
        assert!(check(&[Name::Decide]).is_err(), "an unoptimised build is refused");
    }
}
