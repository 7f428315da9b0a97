//! `ucp authz paths`: who can become root on a node, and how.

use mke_rbac::inquiry::{Paths, PodAdmission};

use super::authz::{self, Source};
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// About whom: user:NAME, service-account:NAMESPACE/NAME, group:NAME, kubernetes-user:NAME; everybody by default.
    who: Option<String>,
    /// List rights too that only weaken the isolation of a node.
    #[arg(long)]
    footholds: bool,
    /// Assume a cluster that lets privileged pods in, whoever creates them.
    #[arg(long, help_heading = "Pods")]
    unrestricted_pods: bool,
    /// A user with privileged attributes, by name; repeatable.
    #[arg(long, value_name = "USER", help_heading = "Pods")]
    pod_user: Vec<String>,
    /// What these users may use: privileged, hostBindMounts, kernelCapabilities, …; repeatable.
    #[arg(long, value_name = "ATTRIBUTE", help_heading = "Pods")]
    pod_user_attribute: Vec<String>,
    /// A service account with privileged attributes; repeatable.
    #[arg(long, value_name = "NAMESPACE:NAME", help_heading = "Pods")]
    pod_service_account: Vec<String>,
    /// What these service accounts may use; repeatable.
    #[arg(long, value_name = "ATTRIBUTE", help_heading = "Pods")]
    pod_service_account_attribute: Vec<String>,
    /// Most entries that are listed.
    #[arg(long)]
    limit: Option<usize>,
    #[command(flatten)]
    source: Source,
}

pub(super) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let inquiry = Paths {
        who: args.who.clone(),
        footholds: args.footholds,
        admission: PodAdmission {
            unrestricted: args.unrestricted_pods,
            users: args.pod_user.clone(),
            user_attributes: args.pod_user_attribute.clone(),
            service_accounts: args.pod_service_account.clone(),
            service_account_attributes: args.pod_service_account_attribute.clone(),
        },
        limit: args.limit,
    };
    authz::ask(&inquiry, &args.source, output)
}
