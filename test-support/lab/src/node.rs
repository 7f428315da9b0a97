//! One node of a lab: run things in it, cut it off, switch it off and on.

use std::ffi::OsStr;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::boot::{self, Held, Machine};
use crate::error::LabError;
use crate::lab::Lab;
use crate::ping;
use crate::process::Process;
use crate::programs;
use crate::run::{self, Ended};
use crate::wait;

/// How long a command in a node may take, unless the caller says otherwise.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long an engine may take until it answers.
const ENGINE_PATIENCE: Duration = Duration::from_secs(60);

/// How long an engine may take to stop in an orderly way.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// What a lab keeps about a node.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) number: u8,
    pub(crate) name: String,
    pub(crate) directory: PathBuf,
    held: Mutex<Option<Held>>,
}

impl Slot {
    pub(crate) fn new(number: u8, name: String, directory: PathBuf, held: Option<Held>) -> Self {
        Self {
            number,
            name,
            directory,
            held: Mutex::new(held),
        }
    }

    /// What is read and changed under the lock; a panic elsewhere does not make it wrong.
    pub(crate) fn with<T>(&self, change: impl FnOnce(&mut Option<Held>) -> T) -> T {
        change(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The first process of the node while it runs.
    pub(crate) fn init(&self) -> Option<Process> {
        self.with(|held| held.as_ref().map(|held| held.init))
            .filter(|init| init.runs())
    }
}

/// A node of a running lab.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    pub(crate) lab: &'a Lab,
    pub(crate) slot: &'a Slot,
}

impl Node<'_> {
    /// Its host name.
    pub fn name(&self) -> &str {
        &self.slot.name
    }

    /// Its address on the lab's net, which the host reaches too.
    pub fn ip(&self) -> Ipv4Addr {
        self.lab.subnet().node(self.slot.number)
    }

    /// Its engine's socket as the host sees it.
    pub fn sock(&self) -> PathBuf {
        self.slot.directory.join("run/docker.sock")
    }

    /// The log of its engine, over all starts.
    pub fn log(&self) -> PathBuf {
        self.slot.directory.join("log")
    }

    /// Its disk, where the engine has `/var/lib/docker`.
    pub fn disk(&self) -> PathBuf {
        self.slot.directory.join("data")
    }

    /// The process, as the host sees it, whose namespaces are those of the node.
    ///
    /// # Errors
    /// When the node does not run.
    pub fn init(&self) -> Result<Process, LabError> {
        self.slot
            .init()
            .ok_or_else(|| LabError::NotRunning(self.name().to_owned()))
    }

    /// Whether it is switched on.
    pub fn runs(&self) -> bool {
        self.slot.init().is_some()
    }

    /// A program in all namespaces of the node, to be started by the caller. Files are those of the host but for `/run`,
    /// `/var/lib/docker`, `/etc/docker`, `/etc/hosts` and `/etc/resolv.conf`.
    ///
    /// # Errors
    /// When the node does not run.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Result<Command, LabError> {
        let init = self.init()?.id().to_string();
        let mut command = Command::new("nsenter");
        command
            .args([
                "--target", &init, "--mount", "--uts", "--ipc", "--net", "--pid", "--",
            ])
            .arg(program.as_ref())
            .env("PATH", programs::PATH);
        clean(&mut command);
        Ok(command)
    }

    /// Runs a program in the node and returns its standard output.
    ///
    /// # Errors
    /// When it fails or does not end within two minutes.
    pub fn exec<S: AsRef<OsStr>>(&self, words: &[S]) -> Result<String, LabError> {
        run::must(&mut self.words(words)?, PATIENCE)
    }

    /// Runs a program in the node; any exit status is fine.
    ///
    /// # Errors
    /// When it cannot be started or does not end in time.
    pub fn try_exec<S: AsRef<OsStr>>(&self, words: &[S], limit: Duration) -> Result<Ended, LabError> {
        run::run(&mut self.words(words)?, limit)
    }

    fn words<S: AsRef<OsStr>>(&self, words: &[S]) -> Result<Command, LabError> {
        let (program, arguments) = match words.split_first() {
            Some((program, arguments)) => (program.as_ref(), arguments),
            None => (OsStr::new("sh"), words),
        };
        let mut command = self.command(program)?;
        command.args(arguments);
        Ok(command)
    }

    /// The docker client for this node's engine, run by the host: it works too while the node is cut off.
    pub fn docker_command(&self) -> Command {
        let mut command = Command::new(programs::docker());
        clean(&mut command);
        command
            .env("DOCKER_CONFIG", self.slot.directory.join("client"))
            .env("DOCKER_BUILDKIT", "0")
            .arg("--host")
            .arg(format!("unix://{}", self.sock().display()));
        command
    }

    /// Runs the docker client on this node's engine and returns its standard output.
    ///
    /// # Errors
    /// When it fails or does not end within two minutes.
    pub fn docker<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<String, LabError> {
        run::must(self.docker_command().args(arguments), PATIENCE)
    }

    /// Runs the docker client on this node's engine; any exit status is fine.
    ///
    /// # Errors
    /// When it cannot be started or does not end in time.
    pub fn try_docker<S: AsRef<OsStr>>(&self, arguments: &[S], limit: Duration) -> Result<Ended, LabError> {
        run::run(self.docker_command().args(arguments), limit)
    }

    /// Pulls the cable. Everything in the node goes on.
    ///
    /// # Errors
    /// When the node has no cable because it does not run.
    pub fn partition(&self) -> Result<(), LabError> {
        self.init()?;
        self.lab.with_switch(|switch| switch.set(self.slot.number, false))
    }

    /// Plugs the cable in again.
    ///
    /// # Errors
    /// When the node has no cable because it does not run.
    pub fn heal(&self) -> Result<(), LabError> {
        self.init()?;
        self.lab.with_switch(|switch| switch.set(self.slot.number, true))
    }

    /// Cuts the power: every process of the node is killed at once. Its disk stays.
    ///
    /// # Errors
    /// When a process cannot be killed.
    pub fn kill(&self) -> Result<(), LabError> {
        self.end()?;
        self.lab.remember()
    }

    /// Stops the engine in an orderly way, then switches off.
    ///
    /// # Errors
    /// When the engine does not end in time; the node is switched off all the same.
    pub fn stop(&self) -> Result<(), LabError> {
        let stopped = self.stop_engine();
        self.kill()?;
        stopped
    }

    fn stop_engine(&self) -> Result<(), LabError> {
        // Nobody waits for the engine, so its process stays as a zombie, which has no program any more.
        let script = "pid=$(cat /run/docker.pid) && kill -TERM $pid && while [ -e /proc/$pid/exe ]; do sleep 0.05; done";
        let ended = self.try_exec(&["sh", "-c", script], STOP_PATIENCE);
        match ended {
            // An engine that is gone needs no stopping.
            Ok(_) | Err(LabError::NotRunning(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Starts a node that was switched off, and waits until its engine answers. A node that runs is left alone.
    ///
    /// # Errors
    /// When it does not start in time.
    pub fn start(&self) -> Result<(), LabError> {
        if !self.runs() {
            self.boot()?;
            self.plug()?;
            self.lab.remember()?;
        }
        self.ready()
    }

    /// Waits until the engine answers.
    ///
    /// # Errors
    /// When it does not answer within a minute, or the node ended.
    pub fn ready(&self) -> Result<(), LabError> {
        let socket = self.sock();
        let answered = wait::until(ENGINE_PATIENCE, || {
            if ping::answers(&socket) {
                return Some(true);
            }
            (!self.runs()).then_some(false)
        });
        if answered == Some(true) {
            return Ok(());
        }
        Err(LabError::InVain {
            what: format!("the engine of {} answers", self.name()),
            limit: ENGINE_PATIENCE,
            log: boot::tail(&self.log()),
        })
    }

    /// Loads images from an archive of `docker save`.
    ///
    /// # Errors
    /// When the engine refuses it.
    pub fn load_images(&self, archive: &Path) -> Result<(), LabError> {
        let archive = archive.as_os_str();
        self.docker(&[OsStr::new("load"), OsStr::new("--input"), archive])
            .map(drop)
    }

    pub(crate) fn boot(&self) -> Result<(), LabError> {
        let lab = self.lab;
        let subnet = lab.subnet();
        let mut engine = [
            "--insecure-registry",
            &subnet.range(),
            "--default-address-pool",
            "base=172.20.0.0/14,size=24",
            "--bip",
            "172.19.0.1/24",
            "--label",
            &format!("lab.node={}", self.name()),
        ]
        .map(str::to_owned)
        .to_vec();
        engine.extend_from_slice(&lab.engine);
        let machine = Machine {
            directory: &self.slot.directory,
            name: self.name(),
            switch: &subnet.switch().to_string(),
            groups: &format!("/{}/{}", lab.name, self.name()),
            hosts: &lab.hosts(),
            engine,
        };
        let held = boot::node(&machine, lab.kept)?;
        self.slot.with(|slot| *slot = Some(held));
        Ok(())
    }

    pub(crate) fn plug(&self) -> Result<(), LabError> {
        let init = self.init()?;
        self.lab
            .with_switch(|switch| switch.plug(self.slot.number, init))?;
        boot::plugged(&self.slot.directory)
    }

    pub(crate) fn end(&self) -> Result<(), LabError> {
        let gone = self
            .slot
            .with(|slot| slot.take().is_none_or(|mut held| held.kill()));
        self.lab.with_switch(|switch| switch.unplug(self.slot.number));
        if gone {
            Ok(())
        } else {
            Err(LabError::InVain {
                what: format!("the processes of {} end", self.name()),
                limit: STOP_PATIENCE,
                log: String::new(),
            })
        }
    }
}

/// Nothing of the caller's environment decides which engine is meant.
fn clean(command: &mut Command) {
    for name in [
        "DOCKER_HOST",
        "DOCKER_CONTEXT",
        "DOCKER_TLS_VERIFY",
        "DOCKER_CERT_PATH",
        "DOCKER_API_VERSION",
    ] {
        command.env_remove(name);
    }
}
