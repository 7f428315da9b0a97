//! Pure code asks the machine for nothing: no clock, no files, no environment, no threads, no sockets.
//!
//! Which packages a crate pulls in says nothing about the standard library; this looks at the source itself.

use std::path::Path;

use crate::failure::{Failure, Outcome};

/// Directories whose code takes clock, randomness and data as arguments.
const PURE: [&str; 3] = ["mke-core/src", "mke-rbac/src", "mke-rbac/proof-checker/src"];

/// Files below them that do ask: the clock for programs, and the store with its adapters and their suite.
const ADAPTERS: [&str; 2] = ["mke-core/src/time.rs", "mke-core/src/store"];

/// What asks, with what it asks for. Addresses of `std::net` are only values.
const ASKS: [(&str, &str); 17] = [
    ("SystemTime", "the clock"),
    ("SystemClock", "the clock"),
    ("Instant::now", "the clock"),
    ("now_utc", "the clock"),
    ("now_local", "the clock"),
    ("std::fs", "files"),
    ("File::open", "files"),
    ("File::create", "files"),
    ("std::env", "the environment"),
    ("std::process", "processes"),
    ("std::thread", "threads"),
    ("thread::spawn", "threads"),
    ("std::os", "one operating system"),
    ("TcpStream", "a socket"),
    ("TcpListener", "a socket"),
    ("UdpSocket", "a socket"),
    ("stdin()", "a terminal"),
];

/// Every line of pure code that asks the machine for something.
pub(super) fn problems(root: &Path) -> Outcome<Vec<String>> {
    let mut problems = Vec::new();
    for directory in PURE {
        look(root, &root.join(directory), &mut problems)?;
    }
    problems.sort();
    Ok(problems)
}

fn look(root: &Path, directory: &Path, problems: &mut Vec<String>) -> Outcome {
    let entries = std::fs::read_dir(directory).map_err(Failure::file("read", directory))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        let shown = path.strip_prefix(root).unwrap_or(&path);
        if ADAPTERS.iter().any(|adapter| shown == Path::new(adapter)) {
            continue;
        }
        if path.is_dir() {
            look(root, &path, problems)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).map_err(Failure::file("read", &path))?;
            problems.extend(asked(&text).map(|(line, name, what)| {
                format!(
                    "{}:{line} asks the machine for {what} (`{name}`): take it as an argument",
                    shown.display()
                )
            }));
        }
    }
    Ok(())
}

/// Line numbers, what asks and for what. Comments may speak of it.
fn asked(text: &str) -> impl Iterator<Item = (usize, &'static str, &'static str)> {
    let lines = text.lines().enumerate();
    let code = lines.filter(|(_, line)| !line.trim_start().starts_with("//"));
    code.flat_map(|(index, line)| {
        let found = ASKS.iter().filter(|(name, _)| line.contains(name));
        found.map(move |(name, what)| (index + 1, *name, *what))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_to_the_machine_are_seen() {
        for (line, what) in [
            ("let now = std::time::SystemTime::now();", Some("the clock")),
            ("    let start = Instant::now();", Some("the clock")),
            ("let text = std::fs::read_to_string(path)?;", Some("files")),
            ("if std::env::var(\"HOME\").is_ok() {}", Some("the environment")),
            ("std::thread::scope(|s| {});", Some("threads")),
            ("let peer = TcpStream::connect(address)?;", Some("a socket")),
            ("use std::net::IpAddr;", None),
            ("use std::time::Duration;", None),
            ("/// Never reads `std::fs`.", None),
            ("fn now(&self) -> Timestamp;", None),
        ] {
            assert_eq!(asked(line).next().map(|(_, _, what)| what), what, "{line}");
        }
    }

    #[test]
    fn adapters_may_ask_and_others_are_named_with_their_line() {
        let dir = tempfile::tempdir().unwrap();
        for directory in PURE {
            std::fs::create_dir_all(dir.path().join(directory)).unwrap();
        }
        let write = |path: &str| {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "//! Text.\nlet now = SystemClock.now();\n").unwrap();
        };
        write("mke-core/src/time.rs");
        write("mke-core/src/store/sqlite/mod.rs");
        assert!(problems(dir.path()).unwrap().is_empty());
        write("mke-rbac/src/policy/mod.rs");
        assert_eq!(
            problems(dir.path()).unwrap(),
            [
                "mke-rbac/src/policy/mod.rs:2 asks the machine for the clock (`SystemClock`): take it as an argument"
            ]
        );
    }
}
