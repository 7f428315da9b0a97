//! Programs that read what somebody types.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

/// Runs a program with this input to its end, and gives what it said.
pub(crate) fn with_input(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that reads nothing may have ended already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}
