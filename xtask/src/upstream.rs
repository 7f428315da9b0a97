//! Builds the program that asks the upstream Kubernetes authorizer, from the distribution's source package.
//!
//! Everything lies under `target/upstream/`: a list of sources made from the machine's own, what apt downloads by it, the
//! unpacked package, the compiler's cache. Of the system only the packages of the compiler are installed. Nothing is
//! fetched besides the source package: the Go part is built offline, in the way in which the package itself is built.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Outcome};
use crate::{checkout, command, packages, say};

/// The source package.
pub(crate) const PACKAGE: &str = "kubernetes";

/// The program, and where its source is.
pub(crate) struct Upstream {
    /// The program.
    pub(crate) program: PathBuf,
    /// The version of the source package.
    pub(crate) version: String,
}

/// Builds the program, after installing and fetching what is missing. `again` is the command to repeat when something
/// must be done by hand.
pub(crate) fn build(again: &str) -> Outcome<Upstream> {
    packages::ensure(&packages::for_upstream(), again)?;
    let home = checkout::root().join("target").join("upstream");
    let gopath = home.join("go");
    let tree = gopath.join("src/k8s.io/kubernetes");
    let version = match fs::read_to_string(home.join("version")) {
        Ok(version) if tree.is_dir() => version,
        _ => fetch(&home, &tree)?,
    };
    say::step(&format!(
        "building the upstream authorizer of {PACKAGE} {version}"
    ));
    // Inside the tree, because Go finds the packages of `vendor/` from there only.
    let inside = tree.join("cmd/mke-upstream");
    copy_program(&checkout::root().join("conformance/upstream/program"), &inside)?;
    let program = home.join("mke-upstream");
    let mut go = Command::new("go");
    go.current_dir(&inside)
        .args(["build", "-trimpath", "-o"])
        .arg(&program)
        .arg(".")
        .env("GO111MODULE", "off")
        .env("GOPATH", &gopath)
        .env("GOCACHE", home.join("go-cache"))
        .env("GOFLAGS", "")
        .env("GOPROXY", "off")
        .env("CGO_ENABLED", "0");
    command::must(&mut go)?;
    Ok(Upstream { program, version })
}

fn copy_program(from: &Path, to: &Path) -> Outcome {
    if to.exists() {
        fs::remove_dir_all(to).map_err(Failure::file("remove", to))?;
    }
    fs::create_dir_all(to).map_err(Failure::file("make", to))?;
    for entry in fs::read_dir(from).map_err(Failure::file("read", from))? {
        let path = entry.map_err(Failure::file("read", from))?.path();
        if let (Some(name), Some("go")) = (path.file_name(), path.extension().and_then(|end| end.to_str())) {
            let target = to.join(name);
            fs::copy(&path, &target).map_err(Failure::file("write", &target))?;
        }
    }
    Ok(())
}

/// Downloads and unpacks the source package, and returns its version.
fn fetch(home: &Path, tree: &Path) -> Outcome<String> {
    let apt = home.join("apt");
    for part in ["sources.d", "lists/partial", "cache/archives/partial", "source"] {
        let path = apt.join(part);
        fs::create_dir_all(&path).map_err(Failure::file("make", &path))?;
    }
    let count = write_sources(&apt.join("sources.d"))?;
    if count == 0 {
        return Err(Failure::Precondition(
            "apt is told of no archive, so the source package `kubernetes` cannot be found; add one to \
             /etc/apt/sources.list.d"
                .to_owned(),
        ));
    }
    say::step(&format!(
        "apt-get source {PACKAGE}, from {count} lists of archives, into {}",
        checkout::shown(&apt)
    ));
    // An archive of somebody else may have no sources; whether the package was found is seen below.
    command::run(apt_get(&apt).arg("update"))?;
    let downloads = apt.join("source");
    let mut download = apt_get(&apt);
    download
        .current_dir(&downloads)
        .args(["source", "--only-source", "--download-only", PACKAGE]);
    command::must(&mut download).map_err(|failure| {
        Failure::Precondition(format!(
            "the source package `{PACKAGE}` cannot be had from the archives that apt is told of: {failure}"
        ))
    })?;
    let description = description(&downloads)?;
    let version = version(&description)
        .ok_or_else(|| Failure::Broken(format!("{} names no version", description.display())))?;
    unpack(&description, tree)?;
    let stamp = home.join("version");
    fs::write(&stamp, &version).map_err(Failure::file("write", &stamp))?;
    Ok(version)
}

fn unpack(description: &Path, tree: &Path) -> Outcome {
    say::step(&format!("unpacking {}", checkout::shown(description)));
    // What an earlier run left half unpacked does not count.
    let half = tree.with_extension("half");
    for old in [&half, tree] {
        if old.exists() {
            fs::remove_dir_all(old).map_err(Failure::file("remove", old))?;
        }
    }
    if let Some(above) = tree.parent() {
        fs::create_dir_all(above).map_err(Failure::file("make", above))?;
    }
    let mut unpack = Command::new("dpkg-source");
    command::must(unpack.args(["--quiet", "--extract"]).arg(description).arg(&half))?;
    fs::rename(&half, tree).map_err(Failure::file("move", &half))
}

fn apt_get(apt: &Path) -> Command {
    let mut command = Command::new("apt-get");
    let mut option = |name: &str, value: &Path| {
        command.arg("-o").arg(format!("{name}={}", value.display()));
    };
    option("Dir::Etc::sourcelist", Path::new("/dev/null"));
    option("Dir::Etc::sourceparts", &apt.join("sources.d"));
    option("Dir::State::lists", &apt.join("lists"));
    option("Dir::Cache", &apt.join("cache"));
    command.args(["-o", "Acquire::Languages=none", "--quiet"]);
    // The user for downloads cannot write below somebody's checkout.
    command.args(["-o", "APT::Sandbox::User=root"]);
    command.stdout(std::io::stderr());
    command
}

/// Writes lists of sources for every archive that apt takes packages from, and returns how many lists there are.
fn write_sources(directory: &Path) -> Outcome<usize> {
    let places = command::capture(Command::new("apt-config").args([
        "shell",
        "LIST",
        "Dir::Etc::sourcelist/f",
        "PARTS",
        "Dir::Etc::sourceparts/d",
    ]))?;
    let place = |name: &str| {
        let value = places
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
        Some(PathBuf::from(value.trim_matches('\'')))
    };
    let mut files: Vec<PathBuf> = place("LIST").into_iter().filter(|file| file.is_file()).collect();
    if let Some(parts) = place("PARTS").filter(|parts| parts.is_dir()) {
        for entry in fs::read_dir(&parts).map_err(Failure::file("read", &parts))? {
            files.push(entry.map_err(Failure::file("read", &parts))?.path());
        }
    }
    let mut count = 0;
    for file in files {
        let end = file.extension().and_then(|end| end.to_str()).unwrap_or_default();
        let convert = match end {
            "list" => sources_of_lines,
            "sources" => sources_of_fields,
            _ => continue,
        };
        let text = fs::read_to_string(&file).map_err(Failure::file("read", &file))?;
        let Some(name) = file.file_name() else { continue };
        let target = directory.join(name);
        let text = convert(&text);
        if !text.trim().is_empty() {
            count += 1;
        }
        fs::write(&target, text).map_err(Failure::file("write", &target))?;
    }
    Ok(count)
}

/// The form of one line an archive.
fn sources_of_lines(text: &str) -> String {
    let source = |line: &str| {
        let (kind, rest) = line.trim().split_once(char::is_whitespace)?;
        matches!(kind, "deb" | "deb-src").then(|| format!("deb-src {}\n", rest.trim()))
    };
    let mut lines: Vec<String> = text.lines().filter_map(source).collect();
    lines.sort_unstable();
    lines.dedup();
    lines.concat()
}

/// The form of fields.
fn sources_of_fields(text: &str) -> String {
    let line = |line: &str| {
        if line
            .get(..6)
            .is_some_and(|start| start.eq_ignore_ascii_case("types:"))
        {
            "Types: deb-src\n".to_owned()
        } else {
            format!("{line}\n")
        }
    };
    text.lines().map(line).collect()
}

/// The file that describes the downloaded package.
fn description(downloads: &Path) -> Outcome<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(downloads).map_err(Failure::file("read", downloads))? {
        let path = entry.map_err(Failure::file("read", downloads))?.path();
        if path.extension().is_some_and(|end| end == "dsc") {
            let changed = path.metadata().and_then(|facts| facts.modified());
            found.push((changed.map_err(Failure::file("look at", &path))?, path));
        }
    }
    // An older version may be left from before.
    found.sort_unstable();
    found
        .pop()
        .map(|(_, path)| path)
        .ok_or_else(|| Failure::Broken(format!("apt-get downloaded no description of {PACKAGE}")))
}

fn version(description: &Path) -> Option<String> {
    let text = fs::read_to_string(description).ok()?;
    text.lines()
        .find_map(|line| line.strip_prefix("Version:"))
        .map(|version| version.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_come_from_where_packages_come_from() {
        let lines = "# packages\ndeb [signed-by=/k] http://archive.test/debian stable main\n\
                     deb-src [signed-by=/k]  http://archive.test/debian stable main\n\n#deb http://off.test x y\n";
        assert_eq!(
            sources_of_lines(lines),
            "deb-src [signed-by=/k]  http://archive.test/debian stable main\n\
             deb-src [signed-by=/k] http://archive.test/debian stable main\n"
        );
        let fields = "Types: deb\n# here\nURIs: http://archive.test/debian\nSuites: stable\n";
        assert_eq!(
            sources_of_fields(fields),
            "Types: deb-src\n# here\nURIs: http://archive.test/debian\nSuites: stable\n"
        );
    }
}
