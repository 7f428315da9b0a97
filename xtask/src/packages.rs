//! What the machine must have, how that is observed, and how it is installed.
//!
//! Looks for programs and files, not for package names, so that an engine from another source counts too.
//! Installs only with apt, only as root, and says what it does; otherwise prints the command and refuses.

use std::path::PathBuf;
use std::process::Command;

use crate::command;
use crate::failure::{Failure, Outcome};
use crate::say;

/// How the presence of something is seen.
#[derive(Debug, Clone, Copy)]
enum Sign {
    /// A program in `PATH` or in the directories for system programs.
    Program(&'static str),
    /// A program that needs no shared library, so that it runs in an image of its own.
    StaticProgram(&'static str),
    /// A file.
    File(&'static str),
    /// A module that Python can load.
    PythonModule(&'static str),
}

/// One thing that is needed, and the packages of which the first that exists provides it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Need {
    sign: Sign,
    packages: &'static [&'static str],
    purpose: &'static str,
}

const fn need(sign: Sign, packages: &'static [&'static str], purpose: &'static str) -> Need {
    Need {
        sign,
        packages,
        purpose,
    }
}

/// For building: rusqlite and ring compile C, etcd's client compiles descriptions of messages.
const BUILD: [Need; 4] = [
    need(
        Sign::Program("protoc"),
        &["protobuf-compiler"],
        "compiles the messages of etcd",
    ),
    need(
        Sign::File("/usr/include/google/protobuf/descriptor.proto"),
        &["libprotobuf-dev"],
        "what the messages of etcd are described with",
    ),
    need(
        Sign::Program("cc"),
        &["gcc"],
        "compiles the embedded SQLite and ring",
    ),
    need(
        Sign::File("/usr/include/stdio.h"),
        &["libc6-dev"],
        "headers of the C library",
    ),
];

/// For an engine, and for the commands that a person tries on it.
const ENGINE: [Need; 6] = [
    need(
        Sign::Program("make"),
        &["make"],
        "builds C parts of some dependencies",
    ),
    need(Sign::Program("dockerd"), &["docker.io"], "the Docker Engine"),
    // Debian 13 moved the client out of docker.io.
    need(
        Sign::Program("docker"),
        &["docker-cli", "docker.io"],
        "the docker command",
    ),
    need(Sign::Program("iptables"), &["iptables"], "networks of containers"),
    need(
        Sign::File("/etc/ssl/certs/ca-certificates.crt"),
        &["ca-certificates"],
        "pulling images",
    ),
    need(Sign::Program("curl"), &["curl"], "the printed examples"),
];

/// For several engines on one machine.
const LAB: [Need; 3] = [
    need(
        Sign::Program("ip"),
        &["iproute2"],
        "engines in their own networks",
    ),
    need(
        Sign::Program("unshare"),
        &["util-linux"],
        "engines in their own namespaces",
    ),
    need(
        Sign::Program("nsenter"),
        &["util-linux"],
        "engines in their own namespaces",
    ),
];

/// For the images.
const IMAGE: [Need; 6] = [
    need(
        Sign::Program("strip"),
        &["binutils"],
        "takes debug information out of programs",
    ),
    need(
        Sign::Program("ldd"),
        &["libc-bin"],
        "lists the libraries of a program",
    ),
    need(Sign::Program("gzip"), &["gzip"], "compresses archives"),
    need(
        Sign::Program("etcd"),
        &["etcd-server"],
        "the store of several managers, and a real one for tests",
    ),
    need(
        Sign::Program("etcdctl"),
        &["etcd-client"],
        "looks into that store: a second opinion",
    ),
    need(
        Sign::Program("nginx"),
        &["nginx"],
        "the proxy of the routing mesh",
    ),
];

/// For the tests against real services.
const TEST: [Need; 15] = [
    need(
        Sign::File("/usr/lib/nginx/modules/ngx_stream_module.so"),
        &["libnginx-mod-stream"],
        "load balancers of TCP",
    ),
    need(Sign::Program("haproxy"), &["haproxy"], "another load balancer"),
    need(
        Sign::Program("nft"),
        &["nftables"],
        "the reader of firewall rules",
    ),
    need(
        Sign::Program("docker-registry"),
        &["docker-registry"],
        "a registry that engines must be told to trust",
    ),
    need(Sign::Program("slapd"), &["slapd"], "a real directory server"),
    need(
        Sign::Program("oathtool"),
        &["oathtool"],
        "codes of an authenticator that was written elsewhere",
    ),
    need(
        Sign::Program("jq"),
        &["jq"],
        "the commands of the guide to directories",
    ),
    need(
        Sign::Program("ldapmodify"),
        &["ldap-utils"],
        "changes entries of the directory server",
    ),
    need(
        Sign::StaticProgram("busybox"),
        &["busybox-static"],
        "images without a registry",
    ),
    need(
        Sign::Program("openssl"),
        &["openssl"],
        "a second opinion on certificates",
    ),
    need(
        Sign::Program("gpg"),
        &["gnupg"],
        "a second opinion on encrypted backups",
    ),
    need(
        Sign::Program("xmlsec1"),
        &["xmlsec1"],
        "a second opinion on XML signatures, and what pysaml2 signs with",
    ),
    need(
        Sign::Program("kubectl"),
        &["kubernetes-client"],
        "a real reader of bundles",
    ),
    need(Sign::Program("tar"), &["tar"], "images without a registry"),
    need(
        Sign::Program("chromium"),
        &["chromium"],
        "opens the pictures of access",
    ),
];

/// For the Python packages that tests and measurements compare with.
const PYTHON: [Need; 2] = [
    need(
        Sign::Program("python3"),
        &["python3"],
        "a second opinion on configuration files",
    ),
    need(
        Sign::PythonModule("ensurepip"),
        &["python3-venv"],
        "keeps Python packages apart from the system's",
    ),
];

/// For the upstream authorizer, which is built from its source package.
const UPSTREAM: [Need; 2] = [
    need(
        Sign::Program("go"),
        &["golang-go"],
        "compiles the upstream authorizer",
    ),
    need(
        Sign::Program("dpkg-source"),
        &["dpkg-dev"],
        "unpacks its source package",
    ),
];

/// What `up` needs.
pub(crate) fn for_up() -> Vec<Need> {
    [&BUILD[..], &ENGINE[..]].concat()
}

/// What `test` needs; without real services only what the build needs.
pub(crate) fn for_test(real_services: bool) -> Vec<Need> {
    if real_services {
        [&BUILD[..], &ENGINE[..], &LAB[..], &IMAGE[..], &TEST[..]].concat()
    } else {
        BUILD.to_vec()
    }
}

/// What `lab up` needs.
pub(crate) fn for_lab() -> Vec<Need> {
    [&ENGINE[..], &LAB[..]].concat()
}

/// What `image` needs.
pub(crate) fn for_image() -> Vec<Need> {
    [&BUILD[..], &IMAGE[..]].concat()
}

/// What comparisons with the upstream authorizer need.
pub(crate) fn for_upstream() -> Vec<Need> {
    [&BUILD[..], &UPSTREAM[..]].concat()
}

/// What the wheel needs.
pub(crate) fn for_wheel() -> Vec<Need> {
    [&BUILD[..], &PYTHON[..]].concat()
}

/// What the environment of Python packages needs.
pub(crate) fn for_python() -> Vec<Need> {
    PYTHON.to_vec()
}

/// Makes sure that everything in `needs` is there.
///
/// # Errors
///
/// Names the packages and the exact command when they cannot be installed from here, and what is still missing
/// after an installation.
pub(crate) fn ensure(needs: &[Need], again: &str) -> Outcome {
    say::step("looking for what is needed");
    let missing = observe_missing(needs);
    if missing.is_empty() {
        say::detail("everything is there");
        return Ok(());
    }
    for need in &missing {
        say::detail(&format!(
            "missing: {} ({})",
            need.packages.join(" or "),
            need.purpose
        ));
    }
    let apt = find("apt-get").is_some();
    let root = rustix::process::geteuid().is_root();
    if !apt || !root {
        return Err(Failure::Precondition(by_hand(&missing, apt, again)));
    }
    install(&missing)?;
    let still: Vec<&str> = observe_missing(needs)
        .iter()
        .flat_map(|need| need.packages.first().copied())
        .collect();
    if still.is_empty() {
        return Ok(());
    }
    Err(Failure::Precondition(format!(
        "still missing after the installation: {}",
        unique(&still).join(" ")
    )))
}

fn observe_missing(needs: &[Need]) -> Vec<Need> {
    needs
        .iter()
        .copied()
        .filter(|need| !is_there(need.sign))
        .collect()
}

fn is_there(sign: Sign) -> bool {
    match sign {
        Sign::Program(name) => find(name).is_some(),
        Sign::File(path) => std::path::Path::new(path).exists(),
        Sign::PythonModule(name) => {
            let load = format!("import {name}");
            command::capture(Command::new("python3").args(["-c", &load])).is_ok()
        }
        Sign::StaticProgram(name) => {
            find(name)
                .and_then(|path| std::fs::read(path).ok())
                .is_some_and(|program| {
                    // A dynamic program names its loader.
                    let loader = b"/ld-linux";
                    !program.windows(loader.len()).any(|bytes| bytes == loader)
                })
        }
    }
}

/// The full path of a program. System directories count even when they are not in `PATH`.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut directories: Vec<PathBuf> = std::env::split_paths(&path).collect();
    directories.extend(["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from));
    directories
        .into_iter()
        .map(|directory| directory.join(name))
        .find(|file| file.is_file())
}

fn by_hand(missing: &[Need], apt: bool, again: &str) -> String {
    let packages: Vec<&str> = missing
        .iter()
        .filter_map(|need| need.packages.last().copied())
        .collect();
    let packages = unique(&packages).join(" ");
    if apt {
        format!(
            "packages are missing and only root may install them; run\n\n    \
             sudo apt-get update && sudo apt-get install --no-install-recommends -y {packages}\n\nthen `{again}` again"
        )
    } else {
        format!(
            "packages are missing and this system has no apt-get; install what provides these Debian packages: \
             {packages}; then run `{again}` again"
        )
    }
}

fn install(missing: &[Need]) -> Outcome {
    say::step("apt-get update");
    command::must(apt().args(["update", "-qq"]))?;
    let packages: Vec<&str> = missing
        .iter()
        .filter_map(|need| available(need.packages))
        .collect();
    let packages = unique(&packages);
    say::step(&format!("apt-get install {}", packages.join(" ")));
    command::must(
        apt()
            .args(["install", "-qq", "-y", "--no-install-recommends"])
            .args(&packages),
    )
}

/// The first package that this release of the distribution has.
fn available(packages: &'static [&'static str]) -> Option<&'static str> {
    let known = |name: &&&str| {
        command::capture(Command::new("apt-cache").args(["show", "--no-all-versions", name])).is_ok()
    };
    packages.iter().find(known).or(packages.last()).copied()
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    // What it says is progress, not data.
    command.stdout(std::io::stderr());
    command
}

fn unique<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(name) {
            seen.push(*name);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absence_is_seen() {
        let needs = [
            need(Sign::Program("sh"), &["dash"], ""),
            need(Sign::Program("no-such-program-here"), &["none"], ""),
            need(Sign::File("/no/such/file"), &["none"], ""),
            need(Sign::PythonModule("no_such_module"), &["none"], ""),
            need(Sign::StaticProgram("sh"), &["none"], ""),
        ];
        assert_eq!(
            observe_missing(&needs).len(),
            4,
            "the shell is there, but it is no static program"
        );
    }

    #[test]
    fn the_command_is_exact_and_names_each_package_once() {
        let missing = [
            need(Sign::Program("x"), &["docker.io"], ""),
            need(Sign::Program("y"), &["docker-cli", "docker.io"], ""),
        ];
        let text = by_hand(&missing, true, "cargo xtask up");
        assert!(
            text.contains("install --no-install-recommends -y docker.io\n"),
            "{text}"
        );
        assert!(by_hand(&missing, false, "cargo xtask up").contains("no apt-get"));
    }
}
