//! How many tests passed and failed, read from what the runners print.

use std::fmt;
use std::ops::Add;

/// Passed and failed, of tests or of cases.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: usize,
    pub(super) failed: usize,
}

impl Tally {
    /// A step without tests of its own counts as one.
    pub(super) const ONE: Self = Self { passed: 1, failed: 0 };

    /// Reads the closing line of pytest, `2 failed, 9 passed, 1 skipped in 0.70s`. What broke before it was a test counts as failed.
    pub(super) fn pytest(output: &str, success: bool) -> Self {
        let closing = output
            .lines()
            .rev()
            .find_map(|line| Some(line.trim_matches(['=', ' ']).rsplit_once(" in ")?.0));
        let number = |word: &str| -> usize {
            let parts = closing.unwrap_or_default().split(", ");
            parts
                .filter_map(|part| {
                    let (number, what) = part.split_once(' ')?;
                    (what.trim_end_matches('s') == word).then(|| number.parse::<usize>().ok())?
                })
                .sum()
        };
        let tally = Self {
            passed: number("passed") + number("xfailed"),
            failed: number("failed") + number("error") + number("xpassed"),
        };
        if !success && tally.failed == 0 {
            Self { failed: 1, ..tally }
        } else {
            tally
        }
    }

    /// Reads the output of a runner that ended well or not. A runner that fails without saying how many tests
    /// failed (it did not compile, it was killed) counts as one failure.
    pub(super) fn read(output: &str, success: bool) -> Self {
        let tally = output.lines().filter_map(line).fold(Self::default(), Add::add);
        if !success && tally.failed == 0 {
            Self { failed: 1, ..tally }
        } else {
            tally
        }
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// The totals in one line of a runner:
/// libtest says `test result: ok. 3 passed; 0 failed; …` for each program,
/// nextest `Summary [ 1.2s] 3 tests run: 3 passed, 0 skipped` once,
/// the runner of cases `3 passed, 0 failed` once.
fn line(raw: &str) -> Option<Tally> {
    let whole = plain(raw);
    let line = whole.trim();
    // nextest shows what a failed test printed further to the right; it is counted in the summary.
    let totals = if let Some(rest) = whole.strip_prefix("test result: ") {
        rest.split_once(". ")?.1
    } else if line.starts_with("Summary [") {
        line.split_once(" run: ")?.1
    } else if line.ends_with(" failed") && line.starts_with(|first: char| first.is_ascii_digit()) {
        line
    } else {
        return None;
    };
    let number = |what: &str| -> usize {
        let parts = totals.split([';', ',']).map(str::trim);
        let mut numbers =
            parts.filter_map(|part| part.strip_suffix(what)?.trim().split(' ').next()?.parse().ok());
        numbers.next().unwrap_or(0)
    };
    // nextest writes "2 passed (1 slow)"; what is slow has passed.
    let passed = totals
        .split([';', ','])
        .find_map(|part| part.trim().split_once(" passed")?.0.parse().ok());
    Some(Tally {
        passed: passed.unwrap_or(0),
        failed: number("failed") + number("timed out"),
    })
}

/// The text without colour codes.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(character) = chars.next() {
        if character == '\u{1b}' {
            // A colour code ends with the first letter.
            chars.by_ref().find(char::is_ascii_alphabetic);
        } else {
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_of_the_runners_are_read() {
        for (output, passed, failed) in [
            (
                "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s",
                12,
                0,
            ),
            ("test result: FAILED. 10 passed; 2 failed; 0 ignored", 10, 2),
            (
                "test result: ok. 1 passed; 0 failed;\ntest result: ok. 2 passed; 0 failed;",
                3,
                0,
            ),
            (
                "\u{1b}[32;1m     Summary\u{1b}[0m [   0.5s] 5 tests run: 4 passed (1 slow), 1 failed, 2 skipped",
                4,
                1,
            ),
            (
                "     Summary [   0.5s] 5 tests run: 3 passed, 1 failed, 1 timed out, 0 skipped",
                3,
                2,
            ),
            ("136 passed, 0 failed", 136, 0),
            ("134 passed, 2 failed", 134, 2),
            ("running 3 tests\nsomething failed", 0, 0),
        ] {
            assert_eq!(Tally::read(output, true), Tally { passed, failed }, "{output}");
        }
    }

    #[test]
    fn the_closing_line_of_pytest_is_read() {
        for (output, success, passed, failed) in [
            ("..  [100%]\n2 passed in 0.70s\n", true, 2, 0),
            (
                "2 failed, 9 passed, 1 skipped, 3 warnings in 61.20s (0:01:01)",
                false,
                9,
                2,
            ),
            ("==== 1 passed, 2 errors in 0.7s ====", false, 1, 2),
            ("1 xfailed, 1 error in 0.7s", false, 1, 1),
            ("no tests ran in 0.01s", true, 0, 0),
            ("ImportError while loading conftest", false, 0, 1),
        ] {
            assert_eq!(
                Tally::pytest(output, success),
                Tally { passed, failed },
                "{output}"
            );
        }
    }

    #[test]
    fn a_runner_that_breaks_off_is_a_failure() {
        assert_eq!(
            Tally::read("error: could not compile", false),
            Tally { passed: 0, failed: 1 }
        );
        assert_eq!(
            Tally::read("test result: ok. 3 passed; 0 failed;", false),
            Tally { passed: 3, failed: 1 }
        );
        assert_eq!(Tally { passed: 3, failed: 1 }.to_string(), "3 passed, 1 failed");
    }
}
