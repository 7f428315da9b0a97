//! The programs of `ucp-agent`: which there are, on what runtime each runs, and how they begin and end. What a program
//! does is decided in its own file here and in the library behind it.
//!
//! Two files hold them. Every node runs half a dozen of those in `ucp-agent` all the time, and what a program touches of its file
//! stays in memory: so the controller and what works for it, which have most of the code, lie in `ucp-controller` beside it.
//! Whoever starts `ucp-agent controller` gets that one.
//!
//! To add one: a file with `Args` and `async fn run(Args) -> Result<(), ProgramError>`, a `mod` line, a variant of
//! [`Program`] and its line below it. The compiler asks for the rest.

mod agent;
mod auth_store;
mod auth_worker;
mod backup;
mod ca;
mod cluster_agent;
mod controller;
mod elsewhere;
mod error;
mod hardware_info;
mod kernel;
mod kv;
mod logging;
mod metrics;
pub(crate) mod nodes;
mod ports;
mod probe;
mod proxy;
mod reconcile;
mod relay;
mod signals;
mod uninstall;
mod watch;

use std::process::ExitCode;

use clap::Parser as _;
use mke_core::causes::chain;

pub use error::ProgramError;
pub use logging::LogArgs;
pub use signals::asked_to_end;

/// `ucp-agent <program>`.
#[derive(Debug, clap::Parser)]
#[command(
    name = "ucp-agent",
    about = "The components of a node, each a program of its own",
    version
)]
struct Command {
    #[command(flatten)]
    log: LogArgs,
    #[command(subcommand)]
    program: Program,
}

/// The same in the file of the controller.
#[derive(Debug, clap::Parser)]
#[command(
    name = "ucp-agent",
    about = "The components of a manager that serve its API",
    version
)]
struct ServingCommand {
    #[command(flatten)]
    log: LogArgs,
    #[command(subcommand)]
    program: Serving,
}

/// What `ucp-controller` holds.
#[derive(Debug, clap::Subcommand)]
enum Serving {
    /// The API of a manager.
    Controller(Box<controller::Args>),
    /// Runs the jobs of the authentication service.
    AuthWorker(auth_worker::Args),
}

/// One program for each component.
#[derive(Debug, clap::Subcommand)]
enum Program {
    /// Keeps this node as it is wanted.
    Agent(agent::Args),
    /// Keeps what there is one of in the cluster.
    ClusterAgent(cluster_agent::Args),
    /// Brings this node to what is wanted, then ends.
    Reconcile(reconcile::Args),
    /// One of the two authorities.
    Ca(ca::Args),
    /// The API of a manager.
    Controller(elsewhere::Args),
    /// Mutual TLS in front of the engine of this node.
    Proxy(proxy::Args),
    /// The port of the authentication API, which leads to the controller.
    AuthApi(relay::Args),
    /// Runs the jobs of the authentication service.
    AuthWorker(elsewhere::Args),
    /// The port for classic Swarm clients, which leads to the controller.
    SwarmManager(relay::Args),
    /// What this machine is made of.
    HardwareInfo(hardware_info::Args),
    /// Figures of this manager.
    Metrics(metrics::Args),
    /// The servers of the shared store: how they are, and what to do when most are lost.
    Kv(kv::Args),
    /// The replicas of the authentication store, in the words that existing scripts have for them.
    AuthStore(auth_store::Args),
    /// How each node does, as managers know it, without asking a controller.
    Nodes(nodes::Args),
    /// Gather what a backup holds.
    #[command(hide = true)]
    Backup(backup::Args),
    /// Give kernel parameters of this node the values that a cluster needs.
    #[command(hide = true)]
    Kernel(kernel::Args),
    /// Say what this node is like before anything is made here.
    #[command(hide = true)]
    Probe(probe::Args),
    /// Remove an installation from this node.
    #[command(hide = true)]
    Uninstall(uninstall::Args),
    /// Tell which versions run on this node.
    #[command(hide = true)]
    Watch(watch::Args),
}

impl Program {
    /// Runs it to its end.
    async fn run(self) -> Result<(), ProgramError> {
        match self {
            Self::Agent(args) => agent::run(args).await,
            Self::ClusterAgent(args) => cluster_agent::run(args).await,
            Self::Reconcile(args) => reconcile::run(args).await,
            Self::Ca(args) => ca::run(args).await,
            Self::Controller(args) | Self::AuthWorker(args) => elsewhere::run(&args),
            Self::Proxy(args) => proxy::run(args).await,
            Self::AuthApi(args) => relay::run(args, relay::AUTH_API).await,
            Self::SwarmManager(args) => relay::run(args, relay::SWARM_MANAGER).await,
            Self::HardwareInfo(args) => hardware_info::run(args).await,
            Self::Metrics(args) => metrics::run(args).await,
            Self::Backup(args) => backup::run(args).await,
            Self::Kernel(args) => kernel::run(args).await,
            Self::Kv(args) => kv::run(args).await,
            Self::AuthStore(args) => auth_store::run(args).await,
            Self::Nodes(args) => nodes::run(args).await,
            Self::Probe(args) => probe::run(args).await,
            Self::Uninstall(args) => uninstall::run(args).await,
            Self::Watch(args) => watch::run(args).await,
        }
    }
}

/// The least number of threads that serve requests in a busy program, so that on a machine with one core a long request holds
/// up nobody.
const WORKERS: usize = 2;

/// `ucp-agent`: reads the command line, starts logging and runs the program. The exit code is 0 when it is done or was asked to
/// end, 2 when the command line is wrong, else 1.
pub fn main() -> ExitCode {
    let command = match Command::try_parse_from(auth_store::named(std::env::args_os())) {
        Ok(command) => command,
        Err(error) => return misused(&error),
    };
    let _logs = command.log.start();
    // One thread costs least while it waits.
    run(
        &mut tokio::runtime::Builder::new_current_thread(),
        command.program.run(),
    )
}

/// `ucp-controller`: the same with the programs that serve many at once.
pub fn main_of_controller() -> ExitCode {
    let command = match ServingCommand::try_parse() {
        Ok(command) => command,
        Err(error) => return misused(&error),
    };
    let logs = command.log.start();
    match command.program {
        Serving::Controller(args) => {
            let processors = std::thread::available_parallelism().map_or(WORKERS, usize::from);
            let mut threads = tokio::runtime::Builder::new_multi_thread();
            threads.worker_threads(WORKERS.max(processors));
            run(&mut threads, controller::run(*args, logs))
        }
        Serving::AuthWorker(args) => run(
            &mut tokio::runtime::Builder::new_current_thread(),
            auth_worker::run(args, logs),
        ),
    }
}

fn misused(error: &clap::Error) -> ExitCode {
    // Help and usage are all that is ever printed; when even that fails nobody is left to tell.
    let _ = error.print();
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

fn run(
    runtime: &mut tokio::runtime::Builder,
    program: impl Future<Output = Result<(), ProgramError>>,
) -> ExitCode {
    crate::steps::begin();
    let ended = match runtime.enable_all().build() {
        Ok(runtime) => runtime.block_on(program),
        Err(source) => Err(ProgramError::Start(source)),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{}", chain(&error));
            ExitCode::FAILURE
        }
    }
}
