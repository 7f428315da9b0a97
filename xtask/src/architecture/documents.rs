//! Every path that a document names must exist: a document that points to a file that is gone misleads.
//!
//! A path is what stands in backticks and looks like one (`mke-core/src/names.rs`), and the target of a relative
//! link. Paths count from the root of the checkout or from the document's own directory.

use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};

/// Starts of things that look like paths and are none of this checkout.
const ELSEWHERE: [(&str, &str); 10] = [
    (".mke/", "made by `cargo xtask up`"),
    ("target/", "made by cargo"),
    ("application/", "a media type"),
    ("text/", "a media type"),
    ("tls/", "inside a client bundle"),
    ("docker-datacenter/", "a subject of a grant"),
    ("http/1", "a protocol"),
    ("rbac-scenarios/", "a format"),
    ("kubernetes-cases/", "a format"),
    ("namespace/", "a Kubernetes object, named with its namespace"),
];

/// All paths in `*.md` at the root, in `docs/`, and beside code, that do not exist.
pub(super) fn problems(root: &Path) -> Outcome<Vec<String>> {
    let mut documents = Vec::new();
    collect(root, &mut documents)?;
    documents.sort();
    let mut problems = Vec::new();
    for document in documents {
        let text = std::fs::read_to_string(&document).map_err(Failure::file("read", &document))?;
        let own = document.parent().unwrap_or(root);
        let shown = document.strip_prefix(root).unwrap_or(&document).display();
        for (line, path) in named(&text) {
            if !root.join(&path).exists() && !own.join(&path).exists() {
                problems.push(format!("{shown}:{line} names `{path}`, which does not exist"));
            }
        }
    }
    Ok(problems)
}

fn collect(directory: &Path, into: &mut Vec<PathBuf>) -> Outcome {
    for entry in std::fs::read_dir(directory)
        .map_err(Failure::file("read", directory))?
        .flatten()
    {
        let (path, name) = (entry.path(), entry.file_name());
        let hidden = name.to_string_lossy().starts_with('.');
        if path.is_dir() && !hidden && name != "target" {
            collect(&path, into)?;
        } else if path.extension().is_some_and(|extension| extension == "md") {
            into.push(path);
        }
    }
    Ok(())
}

/// Line numbers and paths. Fenced blocks are commands and output, not names of files.
fn named(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        let quoted = line
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|text| looks_like_path(text));
        let linked = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let linked = linked.filter(|target| !target.contains("://") && !target.starts_with(['#', '/']));
        let linked = linked.filter_map(|target| target.split('#').next());
        found.extend(quoted.chain(linked).map(|path| (index + 1, path.to_owned())));
    }
    found
}

/// `mke-core/src/names.rs`, `docs/`, `deny.toml` and `CHANGELOG.md` do; `/accounts/{id}`, `a/b c`, `env.sh` and the
/// network `10.0.0.0/8` do not.
fn looks_like_path(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_');
    let elsewhere = ELSEWHERE.iter().any(|(start, _)| text.starts_with(start));
    let inside = text.contains('/') && !text.starts_with(['/', '-']);
    let file = [".rs", ".md"].iter().any(|ending| text.ends_with(ending)) || text == "deny.toml";
    !text.is_empty() && text.chars().all(plain) && !elsewhere && !is_network(text) && (inside || file)
}

/// An address and the length of its prefix.
fn is_network(text: &str) -> bool {
    text.split_once('/').is_some_and(|(address, prefix)| {
        address.parse::<std::net::IpAddr>().is_ok() && prefix.parse::<u8>().is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_from_other_code() {
        for path in [
            "mke-core/src/names.rs",
            "docs/",
            "CHANGELOG.md",
            ".ci/run",
            "deny.toml",
            "192.168.0.0/config.rs",
            "namespaces/mod.rs",
        ] {
            assert!(looks_like_path(path), "{path}");
        }
        for other in [
            "",
            "/accounts/{id}",
            "/_ping",
            "env.sh",
            "Permit",
            "cargo xtask up",
            "mke-*/tests",
            "application/json",
            "GET /info",
            ".mke/data",
            "a|b",
            "--api-server",
            "com.docker.ucp.access.label",
            "127.0.0.1:8443",
            "192.168.0.0/16",
            "namespace/name",
            "kubernetes-cases/1",
        ] {
            assert!(!looks_like_path(other), "{other}");
        }
    }

    #[test]
    fn dead_paths_are_named_with_their_line() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("docs/decisions")).unwrap();
        std::fs::write(
            dir.path().join("docs/decisions/0001.md"),
            "see [map](../../README.md#x)",
        )
        .unwrap();
        let text = "`docs/decisions/0001.md`\n\n```\n`gone/a.rs`\n```\n`gone/b.rs` and [c](gone.md) [d](https://x/y)\n";
        std::fs::write(dir.path().join("README.md"), text).unwrap();
        let problems = problems(dir.path()).unwrap();
        assert_eq!(
            problems,
            [
                "README.md:6 names `gone/b.rs`, which does not exist",
                "README.md:6 names `gone.md`, which does not exist"
            ]
        );
    }
}
