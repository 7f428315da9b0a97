//! Finds the ids that tests claim in their documentation comments.
//!
//! A claim counts only on a function that is a test (`#[test]`, `#[tokio::test]` and the like), or on a table that
//! calls itself one (its documentation starts with `Test table:`). Ids in other comments are only prose. Tests in Python have a
//! reader of their own.

use std::path::{Path, PathBuf};

use super::blank::blank;
use super::{ids, python};
use crate::failure::{Failure, Outcome};

/// One id in one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Claim {
    pub(crate) id: String,
    pub(crate) file: PathBuf,
    pub(crate) line: usize,
    /// Name of the test.
    pub(crate) test: String,
}

/// Directories that hold no source of ours.
const SKIPPED: [&str; 2] = ["target", "node_modules"];

/// The claims of all files of tests below `root`.
pub(crate) fn tree(root: &Path) -> Outcome<Vec<Claim>> {
    let mut claims = Vec::new();
    visit(root, &mut |path| {
        let source = std::fs::read_to_string(path).map_err(Failure::file("read", path))?;
        let shown = path.strip_prefix(root).unwrap_or(path);
        claims.extend(match python::holds_tests(path) {
            true => python::file(shown, &source),
            false => file(shown, &source),
        });
        Ok(())
    })?;
    claims.sort();
    Ok(claims)
}

fn visit(directory: &Path, each: &mut impl FnMut(&Path) -> Outcome) -> Outcome {
    for entry in std::fs::read_dir(directory)
        .map_err(Failure::file("read", directory))?
        .flatten()
    {
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if path.is_dir() && !name.starts_with('.') && !SKIPPED.contains(&&*name) {
            visit(&path, each)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") || python::holds_tests(&path) {
            each(&path)?;
        }
    }
    Ok(())
}

/// What stands before an item: its comments and whether an attribute makes it a test.
#[derive(Default)]
struct Before {
    comments: Vec<String>,
    is_test: bool,
    /// Open brackets of an attribute that goes over several lines.
    open: usize,
}

/// The claims of one file.
fn file(path: &Path, source: &str) -> Vec<Claim> {
    let mut claims = Vec::new();
    let mut before = Before::default();
    let blanked = blank(source);
    for (index, (code, original)) in blanked.lines().zip(source.lines()).enumerate() {
        let code = code.trim();
        if before.open > 0 || code.starts_with("#[") {
            before.attribute(code, original.trim());
        } else if let Some(comment) = code.strip_prefix("///") {
            before.comments.push(comment.trim().to_owned());
        } else if !code.is_empty() && !code.starts_with("//") {
            let before = std::mem::take(&mut before);
            if let Some(test) = before.test(code) {
                let text = before.comments.join("\n");
                let ids = ids::in_text(&text).into_iter().chain(ids::in_name(&test));
                claims.extend(ids.map(|id| Claim {
                    id,
                    file: path.to_owned(),
                    line: index + 1,
                    test: test.clone(),
                }));
            }
        }
    }
    claims.sort();
    claims.dedup();
    claims
}

impl Before {
    fn attribute(&mut self, code: &str, original: &str) {
        if code.starts_with("#[doc") {
            self.comments.push(original.to_owned());
        }
        let inner = code.trim_start_matches("#[");
        let path = inner.split(['(', ']', ' ']).next().unwrap_or_default();
        if self.open == 0 && path.rsplit("::").next() == Some("test") {
            self.is_test = true;
        }
        let opened = code.matches('[').count();
        self.open = (self.open + opened).saturating_sub(code.matches(']').count());
    }

    /// The name of the item when it is a test or a test table.
    fn test(&self, code: &str) -> Option<String> {
        let table = self
            .comments
            .first()
            .is_some_and(|comment| comment.starts_with("Test table:"));
        let keywords: &[&str] = if self.is_test {
            &["fn"]
        } else {
            &["const", "static", "fn"]
        };
        if !self.is_test && !table {
            return None;
        }
        let mut words = code
            .split([' ', '(', ':', '<'])
            .skip_while(|word| !keywords.contains(word));
        words.nth(1).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claimed(source: &str) -> Vec<String> {
        file(Path::new("x.rs"), source)
            .into_iter()
            .map(|claim| format!("{} {}", claim.id, claim.test))
            .collect()
    }

    #[test]
    fn claims_of_tests_count() {
        assert_eq!(
            claimed("/// AUTH-002: it holds.\n#[test]\nfn holds() {}\n"),
            ["AUTH-002 holds"]
        );
        assert_eq!(
            claimed(
                "#[tokio::test(flavor = \"multi_thread\")]\n/// AUTH-002, authn-13: both\nasync fn a() {}\n"
            ),
            ["AUTH-002 a", "authn-13 a"]
        );
        assert_eq!(
            claimed("#[doc = \"AUTH-002\"]\n#[test]\nfn a() {}\n"),
            ["AUTH-002 a"]
        );
        assert_eq!(
            claimed("#[test]\nfn sec_proxy_06_twice() {}\n"),
            ["proxy-06 sec_proxy_06_twice"]
        );
        assert_eq!(
            claimed("/// Test table: RBAC-030\nconst CASES: &[u8] = &[];\n"),
            ["RBAC-030 CASES"]
        );
        assert_eq!(
            claimed("/// AUTH-002\n#[test]\n#[cfg_attr(\n  a,\n  b\n)]\n// why\n\npub(crate) fn a() {}\n"),
            ["AUTH-002 a"]
        );
    }

    #[test]
    fn prose_does_not_count() {
        for source in [
            "/// AUTH-002\nfn helper() {}\n",
            "/// AUTH-002\nconst A: u8 = 1;\n#[test]\nfn a() {}\n",
            "//! AUTH-002\n#[test]\nfn a() {}\n",
            "// AUTH-002\n#[test]\nfn a() {}\n",
            "const S: &str = r#\"\n/// AUTH-002\n#[test]\nfn a() {}\n\"#;\n",
            "/*\n/// AUTH-002\n#[test]\nfn a() {}\n*/\n",
            "/// AUTH-002\n#[cfg(test)]\nfn a() {}\n",
        ] {
            assert!(claimed(source).is_empty(), "{source}");
        }
    }
}
