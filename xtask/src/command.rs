//! Starts other programs: passes their output through, keeps it, or does both.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::process::{Command, ExitStatus, Stdio};

use crate::failure::{Failure, Outcome};

/// The command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

fn cannot_start(command: &Command, error: &std::io::Error) -> Failure {
    Failure::Broken(format!("cannot start `{}`: {error}", shown(command)))
}

/// Runs the command with our standard output and error, without standard input.
pub(crate) fn run(command: &mut Command) -> Outcome<ExitStatus> {
    command.stdin(Stdio::null());
    command.status().map_err(|error| cannot_start(command, &error))
}

/// Runs the command and refuses any exit code but 0.
pub(crate) fn must(command: &mut Command) -> Outcome {
    let status = run(command)?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::Broken(format!(
            "`{}` ended with {status}",
            shown(command)
        )))
    }
}

/// Runs the command and returns its standard output. Its standard error becomes part of the failure.
pub(crate) fn capture(command: &mut Command) -> Outcome<String> {
    command.stdin(Stdio::null());
    let output = command.output().map_err(|error| cannot_start(command, &error))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let reason = String::from_utf8_lossy(&output.stderr);
        Err(Failure::Broken(format!(
            "`{}` ended with {}: {}",
            shown(command),
            output.status,
            reason.trim()
        )))
    }
}

/// Runs the command, returns its standard output and lets its standard error through.
pub(crate) fn capture_stdout(command: &mut Command) -> Outcome<(ExitStatus, String)> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    let output = command.output().map_err(|error| cannot_start(command, &error))?;
    Ok((
        output.status,
        String::from_utf8_lossy(&output.stdout).into_owned(),
    ))
}

/// Runs the command, shows its output as it comes and returns both streams as text too.
pub(crate) fn tee(command: &mut Command) -> Outcome<(ExitStatus, String)> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| cannot_start(command, &error))?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let text = std::thread::scope(|scope| {
        let err = scope.spawn(|| err.map(|err| copy(err, std::io::stderr())).unwrap_or_default());
        let out = out.map(|out| copy(out, std::io::stdout())).unwrap_or_default();
        out + &err.join().unwrap_or_default()
    });
    let status = child.wait().map_err(|error| cannot_start(command, &error))?;
    Ok((status, text))
}

fn copy(from: impl Read, mut to: impl Write) -> String {
    let mut kept = String::new();
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        // Nobody reads any more: go on, the child must not block on a full pipe.
        let _ = to.write_all(&line);
        kept.push_str(&String::from_utf8_lossy(&line));
        line.clear();
    }
    kept
}
