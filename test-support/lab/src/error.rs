//! Why something in a lab did not work.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// Every way in which a lab can fail. The text names the thing, and the remedy where there is one.
#[derive(thiserror::Error)]
pub enum LabError {
    /// A program is not installed.
    #[error("{}", missing(.0))]
    Missing(
        /// Programs and the Debian packages that have them.
        Vec<(&'static str, &'static str)>,
    ),
    /// Namespaces and network devices need root.
    #[error("a lab needs root: run as root or with sudo")]
    NotRoot,
    /// The directory's path makes the path of a node's socket too long for the kernel (108 bytes).
    #[error("the path {} is too long for the sockets of a lab; use one of at most 80 characters", .0.display())]
    PathTooLong(
        /// The directory.
        PathBuf,
    ),
    /// Every subnet that labs use is taken.
    #[error("no free subnet for a lab: {0}")]
    NoSubnet(
        /// What the last attempt said.
        String,
    ),
    /// A program ended with another code than 0.
    #[error("`{command}` ended with {status}: {stderr}")]
    Failed {
        /// The command as typed.
        command: String,
        /// Its exit status.
        status: String,
        /// What it wrote to its standard error.
        stderr: String,
    },
    /// A program did not end in time, and was killed.
    #[error("`{command}` did not end within {} s", .limit.as_secs())]
    Late {
        /// The command as typed.
        command: String,
        /// How long it had.
        limit: Duration,
    },
    /// Something did not happen in time.
    #[error("in vain, after {} s: {what}{}", .limit.as_secs(), log_text(.log))]
    InVain {
        /// What was waited for.
        what: String,
        /// How long.
        limit: Duration,
        /// The last lines of the log that may say why; may be empty.
        log: String,
    },
    /// No such node.
    #[error("no node `{name}` in this lab; it has {}", .known.join(", "))]
    NoSuchNode {
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// The node is switched off.
    #[error("node {0} does not run; start it first")]
    NotRunning(
        /// Its name.
        String,
    ),
    /// A lab is there already.
    #[error("a lab is there already in {}; end it first", .0.display())]
    Present(
        /// Its directory.
        PathBuf,
    ),
    /// No lab is there.
    #[error("no lab in {}", .0.display())]
    Absent(
        /// The directory.
        PathBuf,
    ),
    /// A file or directory.
    #[error("cannot {what} {}: {source}", .path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

/// Tests unwrap: what they then print is the text and not the structure.
impl std::fmt::Debug for LabError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl LabError {
    pub(crate) fn file(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { what, path, source }
    }
}

fn missing(programs: &[(&str, &str)]) -> String {
    let names: Vec<String> = programs.iter().map(|(name, _)| format!("`{name}`")).collect();
    let mut packages: Vec<&str> = programs.iter().map(|(_, package)| *package).collect();
    packages.sort_unstable();
    packages.dedup();
    format!(
        "missing: {}; install Debian packages {}",
        names.join(", "),
        packages.join(" ")
    )
}

fn log_text(log: &str) -> String {
    if log.is_empty() {
        String::new()
    } else {
        format!("; the log says:\n{log}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_programs_come_with_their_packages_once() {
        let error = LabError::Missing(vec![
            ("dockerd", "docker.io"),
            ("docker", "docker.io"),
            ("ip", "iproute2"),
        ]);
        assert_eq!(
            error.to_string(),
            "missing: `dockerd`, `docker`, `ip`; install Debian packages docker.io iproute2"
        );
    }
}
