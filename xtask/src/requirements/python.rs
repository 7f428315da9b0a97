//! Finds the ids that tests in Python claim: in the docstring of a function `test_…` of a file `test_….py`.

use std::path::Path;

use super::ids;
use super::scan::Claim;

/// Whether pytest looks for tests in this file.
pub(super) fn holds_tests(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("test_") && name.ends_with(".py")
}

/// The claims of one file. Only functions of the module itself count, so that programs in texts, which are indented or begin
/// nowhere near a test, do not.
pub(super) fn file(path: &Path, source: &str) -> Vec<Claim> {
    let mut claims = Vec::new();
    let mut lines = source.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let Some(test) = test(line) else {
            continue;
        };
        // The signature may go over several lines.
        let mut last = line;
        while !last.trim_end().ends_with(':') {
            match lines.next() {
                Some((_, next)) => last = next,
                None => return claims,
            }
        }
        let Some((_, first)) = lines.next() else {
            break;
        };
        let Some(text) = first.trim().strip_prefix("\"\"\"") else {
            continue;
        };
        let mut text = text.to_owned();
        while !text.contains("\"\"\"") {
            match lines.next() {
                Some((_, next)) => {
                    text.push('\n');
                    text.push_str(next);
                }
                None => break,
            }
        }
        claims.extend(ids::in_text(&text).into_iter().map(|id| Claim {
            id,
            file: path.to_owned(),
            line: index + 1,
            test: test.to_owned(),
        }));
    }
    claims.sort();
    claims.dedup();
    claims
}

/// The name of the test that begins in this line.
fn test(line: &str) -> Option<&str> {
    let line = line.strip_prefix("async ").unwrap_or(line);
    let name = line.strip_prefix("def ")?.split('(').next()?;
    name.starts_with("test_").then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claimed(source: &str) -> Vec<String> {
        file(Path::new("test_x.py"), source)
            .into_iter()
            .map(|claim| format!("{} {} {}", claim.id, claim.test, claim.line))
            .collect()
    }

    #[test]
    fn claims_of_tests_count() {
        assert_eq!(
            claimed("import x\n\ndef test_a(b):\n    \"\"\"AUTH-002: it holds.\"\"\"\n"),
            ["AUTH-002 test_a 3"]
        );
        assert_eq!(
            claimed(
                "async def test_a(\n    b: int,\n) -> None:\n    \"\"\"More.\n\n    authn-13: it holds.\n    \"\"\"\n    pass\n"
            ),
            ["authn-13 test_a 1"]
        );
        assert_eq!(
            claimed("def test_a():\n    pass\n\ndef test_b():\n    \"\"\"AUTH-002\"\"\"\n"),
            ["AUTH-002 test_b 4"]
        );
    }

    #[test]
    fn prose_does_not_count() {
        for source in [
            "\"\"\"AUTH-002\"\"\"\n",
            "def helper():\n    \"\"\"AUTH-002\"\"\"\n",
            "def test_a():\n    # AUTH-002\n    pass\n",
            "def test_a():\n    x = 1\n    \"\"\"AUTH-002\"\"\"\n",
            "TEXT = \"\"\"\n    def test_a():\n        '''AUTH-002'''\n\"\"\"\n",
            "class A:\n    def test_a(self):\n        \"\"\"AUTH-002\"\"\"\n",
        ] {
            assert!(claimed(source).is_empty(), "{source}");
        }
    }

    #[test]
    fn only_files_of_tests() {
        assert!(holds_tests(Path::new("tests/test_client.py")));
        assert!(!holds_tests(Path::new("tests/conftest.py")));
        assert!(!holds_tests(Path::new("tests/test_client.rs")));
    }
}
