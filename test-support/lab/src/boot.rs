//! Starts the first process of a node's or the switch's namespaces, and finds it.
//!
//! `docker-init` is process 1 of a node: it takes in orphans, and when it dies, the kernel kills every other process of the
//! node and its mounts go with them.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::error::LabError;
use crate::process::Process;
use crate::programs;
use crate::wait;

const BOOT: &str = include_str!("boot.sh");
const RUNTIME: &str = include_str!("runc-lab.sh");

/// How long namespaces may take to be made on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The bit of CAP_SYS_RESOURCE in the kernel's capability masks.
const SYS_RESOURCE: u64 = 1 << 24;

/// What a node is started with.
#[derive(Debug)]
pub(crate) struct Machine<'a> {
    pub(crate) directory: &'a Path,
    pub(crate) name: &'a str,
    pub(crate) switch: &'a str,
    pub(crate) groups: &'a str,
    pub(crate) hosts: &'a str,
    pub(crate) engine: Vec<String>,
}

/// A process that holds namespaces: what was started, and the process inside.
#[derive(Debug)]
pub(crate) struct Held {
    /// What waits for the process inside. Owned unless another program started it.
    pub(crate) child: Option<Child>,
    pub(crate) outer: Process,
    /// Its namespaces are those of the node.
    pub(crate) init: Process,
}

impl Held {
    /// Kills everything inside and waits until it is gone.
    pub(crate) fn kill(&mut self) -> bool {
        let gone = self.init.kill(PATIENCE) && self.outer.kill(PATIENCE);
        if let Some(child) = &mut self.child {
            drop(child.stdin.take());
            if gone {
                let _ = child.wait();
            }
        }
        gone
    }
}

/// Starts a node whose engine waits for its cable ([`plugged`]).
pub(crate) fn node(machine: &Machine<'_>, kept: bool) -> Result<Held, LabError> {
    prepare(machine)?;
    let runtime = runtime(machine.directory)?;
    let namespaces = [
        "--net",
        "--mount",
        "--pid",
        "--uts",
        "--ipc",
        "--fork",
        "--kill-child",
        "--",
    ];
    let mut command = launcher(kept);
    command
        .args(namespaces)
        .args(["docker-init", "-g", "--", "bash", "-c", BOOT, "boot"])
        .arg(machine.directory)
        .args([machine.name, machine.switch, machine.groups, life(kept)])
        .args(runtime)
        .args(&machine.engine);
    let log = machine.directory.join("log");
    let (child, outer) = start(&mut command, &log, kept)?;
    let init = wait::until(PATIENCE, || {
        let init = outer.child()?;
        (init.name()? == "docker-init").then_some(init)
    });
    held(child, outer, init, &log, machine.name)
}

/// Starts the switch's namespace with a script, which must not end by itself.
pub(crate) fn switch(script: &str, log: &Path, kept: bool) -> Result<Held, LabError> {
    let last = if kept { "sleep infinity" } else { "cat" };
    let script = format!("{script}\nexec {last} >/dev/null 2>&1");
    let mut command = launcher(kept);
    command.args(["--net", "--", "sh", "-ec", &script]);
    let (child, outer) = start(&mut command, log, kept)?;
    // The last program runs when all before is done.
    let init = wait::until(PATIENCE, || {
        let name = outer.name()?;
        last.starts_with(&name).then_some(outer)
    });
    held(child, outer, init, log, "the switch")
}

/// Lets the engine of a node start.
pub(crate) fn plugged(directory: &Path) -> Result<(), LabError> {
    let sign = directory.join("linked");
    fs::write(&sign, "").map_err(LabError::file("write", &sign))
}

fn life(kept: bool) -> &'static str {
    if kept { "kept" } else { "held" }
}

fn launcher(kept: bool) -> Command {
    let mut command = if kept {
        let mut command = Command::new("setsid");
        command.arg("unshare");
        command
    } else {
        Command::new("unshare")
    };
    command.env("PATH", programs::PATH).env_remove("DOCKER_HOST");
    command
}

fn start(command: &mut Command, log: &Path, kept: bool) -> Result<(Child, Process), LabError> {
    let out = File::options()
        .create(true)
        .append(true)
        .open(log)
        .map_err(LabError::file("open", log))?;
    let too = out.try_clone().map_err(LabError::file("open", log))?;
    let input = if kept { Stdio::null() } else { Stdio::piped() };
    let shown = crate::run::shown(command);
    let failed = |why: String| LabError::Failed {
        command: shown.clone(),
        status: "no start".to_owned(),
        stderr: why,
    };
    let child = command
        .stdin(input)
        .stdout(out)
        .stderr(too)
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    // `setsid` and `unshare` keep the process id when they start the next program.
    let outer = Process::observe(child.id()).ok_or_else(|| failed("it ended at once".to_owned()))?;
    Ok((child, outer))
}

fn held(
    mut child: Child,
    outer: Process,
    init: Option<Process>,
    log: &Path,
    what: &str,
) -> Result<Held, LabError> {
    if let Some(init) = init {
        return Ok(Held {
            child: Some(child),
            outer,
            init,
        });
    }
    // Either it never came, or it is gone already.
    let _ = child.kill();
    let _ = child.wait();
    Err(LabError::InVain {
        what: format!("{what} starts"),
        limit: PATIENCE,
        log: tail(log),
    })
}

/// Directories and files that a node begins with. Its disk stays over a start, `/run` does not.
fn prepare(machine: &Machine<'_>) -> Result<(), LabError> {
    let at = |name: &str| machine.directory.join(name);
    let run = at("run");
    match fs::remove_dir_all(&run) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(LabError::file("empty", &run)(error));
        }
        _ => {}
    }
    let _ = fs::remove_file(at("linked"));
    for name in ["run", "etc", "data", "groups", "client"] {
        let path = at(name);
        fs::create_dir_all(&path).map_err(LabError::file("create", &path))?;
    }
    let hosts = at("hosts");
    fs::write(&hosts, machine.hosts).map_err(LabError::file("write", &hosts))
}

/// Options of an engine for its runtime, which is written into the node's `/run`.
fn runtime(directory: &Path) -> Result<Vec<String>, LabError> {
    if has_sys_resource(&fs::read_to_string("/proc/self/status").unwrap_or_default()) {
        return Ok(Vec::new());
    }
    let program = directory.join("run/runc-lab");
    fs::write(&program, RUNTIME).map_err(LabError::file("write", &program))?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))
        .map_err(LabError::file("make executable", &program))?;
    Ok(["--add-runtime", "lab=/run/runc-lab", "--default-runtime", "lab"]
        .map(str::to_owned)
        .to_vec())
}

/// Whether root of this machine may have the capability, from `/proc/self/status`.
fn has_sys_resource(status: &str) -> bool {
    status
        .lines()
        .find_map(|line| line.strip_prefix("CapBnd:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & SYS_RESOURCE != 0)
}

/// The last lines of a log.
pub(crate) fn tail(log: &Path) -> String {
    const LINES: usize = 15;
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let kept = lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default();
    kept.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_capability_is_read() {
        assert!(has_sys_resource("Name:\tx\nCapBnd:\t000001ffffffffff\n"));
        assert!(!has_sys_resource("CapBnd:\t000001fffeffffff\n"));
        assert!(!has_sys_resource("CapEff:\t000001ffffffffff\n"));
    }
}
