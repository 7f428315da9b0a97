//! The shared libraries that a program needs in an image: what the loader itself lists, and what the C library loads by name later.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command;
use crate::failure::{Failure, Outcome};

/// For looking up names of users and machines: the C library opens them when it is asked. Newer ones have most of it inside.
const BY_NAME: [&str; 3] = ["libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2"];

/// Paths of all libraries of a program, with the loader.
pub(super) fn of(program: &Path) -> Outcome<BTreeSet<PathBuf>> {
    let listed = command::capture(Command::new("ldd").arg(program))?;
    let mut libraries = paths(&listed).map_err(|name| {
        Failure::Precondition(format!(
            "{} needs {name}, which is not installed",
            program.display()
        ))
    })?;
    let homes: BTreeSet<PathBuf> = libraries
        .iter()
        .filter(|path| path.file_name().is_some_and(|name| name == "libc.so.6"))
        .filter_map(|path| path.parent().map(Path::to_owned))
        .collect();
    for home in homes {
        let more = BY_NAME.iter().map(|name| home.join(name));
        libraries.extend(more.filter(|path| path.exists()));
    }
    Ok(libraries)
}

/// Reads lines such as `libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x7f…)` and `/lib64/ld-linux-x86-64.so.2 (0x7f…)`. What the kernel
/// brings along has no path.
fn paths(listed: &str) -> Result<BTreeSet<PathBuf>, String> {
    let mut paths = BTreeSet::new();
    for line in listed.lines().map(str::trim) {
        let (name, place) = line.split_once(" => ").unwrap_or((line, line));
        if place.starts_with("not found") {
            return Err(name.to_owned());
        }
        let path = place.split(" (").next().unwrap_or_default();
        if path.starts_with('/') {
            paths.insert(path.into());
        }
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_loader_lists_is_read() {
        let listed = "\tlinux-vdso.so.1 (0x00007ffc)\n\tlibgcc_s.so.1 => /lib/x/libgcc_s.so.1 (0x00007f)\n\
                      \tlibc.so.6 => /lib/x/libc.so.6 (0x00007f)\n\t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n";
        let expected = [
            "/lib/x/libc.so.6",
            "/lib/x/libgcc_s.so.1",
            "/lib64/ld-linux-x86-64.so.2",
        ];
        assert_eq!(
            paths(listed),
            Ok(expected.into_iter().map(PathBuf::from).collect())
        );
        assert_eq!(paths("\tlibx.so.1 => not found\n"), Err("libx.so.1".to_owned()));
        assert_eq!(paths("\tstatically linked\n"), Ok(BTreeSet::new()));
    }

    #[test]
    fn this_program_needs_the_c_library_and_the_loader() {
        let libraries = of(&std::env::current_exe().unwrap()).unwrap();
        let has = |part: &str| libraries.iter().any(|path| path.to_string_lossy().contains(part));
        assert!(has("libc.so.6") && has("ld-linux"), "{libraries:?}");
    }
}
