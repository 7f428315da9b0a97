//! The files of a layer by path: in one order, with one owner, without times.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::tar;
use crate::failure::{Failure, Outcome};

/// What lies at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Directory { mode: u32 },
    File { mode: u32, content: Vec<u8> },
}

/// Directories and files below `/`. Paths are absolute.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree(BTreeMap<PathBuf, Node>);

impl Tree {
    /// Adds a directory, and those above it.
    pub(super) fn directory(&mut self, path: &str, mode: u32) {
        self.above(Path::new(path));
        self.0.insert(path.into(), Node::Directory { mode });
    }

    /// Adds a text that everybody may read.
    pub(super) fn text(&mut self, path: &str, content: &str) {
        self.put(Path::new(path), 0o644, content.as_bytes().to_vec());
    }

    /// Copies a program from `source`, following links.
    pub(super) fn program(&mut self, path: &Path, source: &Path) -> Outcome {
        let content = std::fs::read(source).map_err(Failure::file("read", source))?;
        self.put(path, 0o755, content);
        Ok(())
    }

    /// Copies a file from `source`, following links.
    pub(super) fn copy(&mut self, path: &Path, source: &Path) -> Outcome {
        let content = std::fs::read(source).map_err(Failure::file("read", source))?;
        self.put(path, 0o644, content);
        Ok(())
    }

    /// Leaves out what lies in a tree below, so that nothing is carried twice.
    pub(super) fn without(mut self, below: &Self) -> Self {
        self.0.retain(|path, node| below.0.get(path) != Some(node));
        self
    }

    /// As an archive. Parents come before what is in them.
    pub(super) fn archive(&self) -> Outcome<Vec<u8>> {
        let mut archive = tar::Writer::default();
        for (path, node) in &self.0 {
            let name = path.strip_prefix("/").unwrap_or(path).to_string_lossy();
            match node {
                Node::Directory { mode } => archive.directory(&name, *mode)?,
                Node::File { mode, content } => archive.file(&name, *mode, content)?,
            }
        }
        Ok(archive.finish())
    }

    fn put(&mut self, path: &Path, mode: u32, content: Vec<u8>) {
        self.above(path);
        self.0.insert(path.to_owned(), Node::File { mode, content });
    }

    fn above(&mut self, path: &Path) {
        let parents = path
            .ancestors()
            .skip(1)
            .filter(|parent| parent.parent().is_some());
        for parent in parents {
            self.0
                .entry(parent.to_owned())
                .or_insert(Node::Directory { mode: 0o755 });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes depend on what is in the tree and on nothing else.
    #[test]
    fn order_and_times_do_not_matter() {
        let directory = tempfile::tempdir().unwrap();
        let source = directory.path().join("program");
        let mut archives = Vec::new();
        for turn in 0..2 {
            std::fs::write(&source, "program").unwrap();
            let old =
                std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000 * (turn + 1));
            let file = std::fs::File::options().write(true).open(&source).unwrap();
            file.set_modified(old).unwrap();
            let mut tree = Tree::default();
            let steps: [&dyn Fn(&mut Tree); 3] = [
                &|tree| tree.directory("/tmp", 0o1777),
                &|tree| tree.text("/etc/passwd", "root:x:0:0::/root:/\n"),
                &|tree| tree.program(Path::new("/bin/program"), &source).unwrap(),
            ];
            if turn == 0 {
                steps.iter().for_each(|step| step(&mut tree));
            } else {
                steps.iter().rev().for_each(|step| step(&mut tree));
            }
            archives.push(tree.archive().unwrap());
        }
        assert_eq!(archives[0], archives[1]);
    }

    #[test]
    fn parents_come_first_and_what_is_below_is_left_out() {
        let mut below = Tree::default();
        below.text("/lib/a.so", "a");
        let mut above = Tree::default();
        above.text("/lib/a.so", "a");
        above.text("/lib/deep/b.so", "b");
        let rest = above.without(&below);
        let names: Vec<String> = tar::entries(&rest.archive().unwrap())
            .unwrap()
            .into_iter()
            .map(|entry| entry.name.to_owned())
            .collect();
        assert_eq!(names, ["lib/deep/", "lib/deep/b.so"]);
    }
}
