//! `ucp config render`: what a component is started with on a node, and where each flag comes from.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::ValueEnum;
use mke_core::render::encryption::{self, EncryptionKey};
use mke_core::render::{Component, NodeFacts, NodeRole, OperatingSystem, Orchestrator, Rendered, render};
use mke_core::secret::Secret;

use super::super::authz::read;
use super::source;
use crate::error::CliError;
use crate::output::Output;

/// The name of the file for secrets among the components.
const ENCRYPTION: &str = "encryption";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to render: kube-apiserver, kube-controller-manager, kube-scheduler, kubelet, kube-proxy, etcd, calico,
    /// coredns, nvidia-device-plugin, or encryption.
    #[arg(value_parser = target)]
    component: Target,
    /// A configuration file (TOML), `-` for standard input.
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    node: Node,
    /// With `encryption`: the file that holds the key, 32 bytes as base64.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// With `encryption`: where to write the file, which holds the key; `-` for standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy)]
enum Target {
    Component(Component),
    Encryption,
}

fn target(text: &str) -> Result<Target, String> {
    if text == ENCRYPTION {
        return Ok(Target::Encryption);
    }
    Component::from_name(text).map(Target::Component).ok_or_else(|| {
        let names: Vec<_> = Component::ALL.iter().map(|component| component.name()).collect();
        format!("use one of {}, {ENCRYPTION}", names.join(", "))
    })
}

/// The node, by a file or by flags.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "The node")]
struct Node {
    /// A file with what is known about the node (YAML or JSON): name, address, role, managers, ….
    #[arg(long, value_name = "FILE", conflicts_with_all = ["address", "node_name", "role", "manager", "orchestrator",
        "os", "cores", "kubelet_profile", "kubernetes_minor", "cluster_id"])]
    node_facts: Option<PathBuf>,
    /// The address of the node.
    #[arg(long, required_unless_present = "node_facts")]
    address: Option<IpAddr>,
    /// The name under which Kubernetes knows it.
    #[arg(long, default_value = "node-1")]
    node_name: String,
    /// Its part in the cluster.
    #[arg(long, value_enum, default_value_t)]
    role: Role,
    /// The address of a manager; repeatable. Without it a manager is the only one.
    #[arg(long, value_name = "ADDRESS", required_if_eq("role", "worker"))]
    manager: Vec<IpAddr>,
    /// Whose workloads run there.
    #[arg(long, value_enum, default_value_t)]
    orchestrator: Workloads,
    /// What it runs.
    #[arg(long, value_enum, default_value_t)]
    os: System,
    /// How many processor cores it has.
    #[arg(long)]
    cores: Option<u32>,
    /// The profile of kubelet flags that its label names.
    #[arg(long, value_name = "NAME")]
    kubelet_profile: Option<String>,
    /// The second number of the version of Kubernetes: 20 is 1.20.
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    kubernetes_minor: u16,
    /// The identifier of the installation.
    #[arg(long, value_name = "ID", default_value = "")]
    cluster_id: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Role {
    #[default]
    Manager,
    Worker,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Workloads {
    #[default]
    Kubernetes,
    Swarm,
    Mixed,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum System {
    #[default]
    Linux,
    Windows,
}

impl Node {
    fn facts(&self) -> Result<NodeFacts, CliError> {
        if let Some(path) = &self.node_facts {
            let facts = NodeFacts::parse(&read(path)?);
            return facts.map_err(|problems| CliError::Usage(format!("{}: {problems}", path.display())));
        }
        let Some(address) = self.address else {
            return Err(CliError::Usage(
                "name the node's --address, or its --node-facts".to_owned(),
            ));
        };
        let managers = if self.manager.is_empty() {
            vec![address]
        } else {
            self.manager.clone()
        };
        Ok(NodeFacts {
            role: match self.role {
                Role::Manager => NodeRole::Manager,
                Role::Worker => NodeRole::Worker,
            },
            orchestrator: match self.orchestrator {
                Workloads::Kubernetes => Orchestrator::Kubernetes,
                Workloads::Swarm => Orchestrator::Swarm,
                Workloads::Mixed => Orchestrator::Mixed,
            },
            os: match self.os {
                System::Linux => OperatingSystem::Linux,
                System::Windows => OperatingSystem::Windows,
            },
            managers,
            cores: self.cores,
            kubelet_profile: self.kubelet_profile.clone(),
            kubernetes_minor: self.kubernetes_minor,
            cluster_id: self.cluster_id.clone(),
            ..NodeFacts::single_manager(&self.node_name, address)
        })
    }
}

pub(super) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let config = source::file(&args.file)?.config(false, output)?;
    let facts = args.node.facts()?;
    let cannot = |problems: mke_core::render::RenderProblems| CliError::Usage(problems.to_string());
    match args.component {
        Target::Component(component) => {
            if args.key_file.is_some() || args.out.is_some() {
                return Err(CliError::Usage(format!(
                    "--key-file and --out go with `{ENCRYPTION}` only"
                )));
            }
            let rendered = render(component, &config, &facts).map_err(cannot)?;
            output.value(&rendered, Rendered::to_string)
        }
        Target::Encryption => {
            let (Some(key), Some(out)) = (&args.key_file, &args.out) else {
                return Err(CliError::Usage(format!(
                    "`{ENCRYPTION}` holds a secret: name --key-file, and --out for the file that is made"
                )));
            };
            let text = Secret::new(read(key)?);
            let key = EncryptionKey::from_base64(&text)
                .map_err(|problem| CliError::Usage(format!("{}: {problem}", key.display())))?;
            let file = encryption::render(&config, &facts, &key).map_err(cannot)?;
            if out.as_os_str() == "-" {
                return output.data(file.text.expose());
            }
            crate::file::replace(out, file.text.expose())?;
            output.remark(&format!("the API server looks for it at {}", file.path));
            Ok(())
        }
    }
}
