//! `ucp admission`: what admission makes of an object, tried before the object is written. Always offline: facts about
//! the cluster come from manifests, accounts from a state file.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use mke_core::causes::chain;
use mke_rbac::admission::{
    AdmissionOperation, AdmissionRequest, Cluster, Objects, Outcome, Plugin, RawSettings, Requester, Status,
    review,
};
use mke_rbac::kubernetes::identity::Directory;
use mke_rbac::model::Model;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::authz::{read, world};
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Try a write to the Kubernetes API. Exit code 1 means that it would be refused.
    Review(Box<ReviewArgs>),
    /// List the admission plugins in the order in which they run.
    Plugins,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ReviewArgs {
    /// The object, in YAML or JSON; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    object: PathBuf,
    /// The object as it was, for an update.
    #[arg(long, value_name = "FILE")]
    old: Option<PathBuf>,
    /// What is done to the object.
    #[arg(long, value_enum, default_value_t)]
    operation: Operation,
    /// Where an object without a namespace goes.
    #[arg(long, default_value = "default")]
    namespace: String,
    /// Who asks: an account of the state file by name, or the user name that Kubernetes sees.
    #[arg(long, required_unless_present = "service_account")]
    user: Option<String>,
    /// Who asks, when it is a service account, as NAMESPACE:NAME.
    #[arg(long, value_name = "NAMESPACE:NAME", conflicts_with_all = ["user", "admin"])]
    service_account: Option<String>,
    /// Takes the user for an administrator.
    #[arg(long)]
    admin: bool,
    /// Further groups of the user; repeatable.
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// Settings in YAML or JSON, with the names of the cluster's configuration.
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// What the cluster holds besides what every cluster holds, as Kubernetes manifests; repeatable.
    #[arg(long, value_name = "FILE")]
    manifests: Vec<PathBuf>,
    /// Leaves out an object of the cluster: KIND/NAME or KIND/NAMESPACE/NAME; repeatable.
    #[arg(long, value_name = "KIND/NAME")]
    without: Vec<String>,
    /// The accounts: a state file.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// The world of the state file, when it has several.
    #[arg(long, value_name = "NAME", requires = "state")]
    world: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum Operation {
    #[default]
    Create,
    Update,
    Delete,
}

pub(super) fn run(command: &Command, output: &mut Output<'_>) -> Result<(), CliError> {
    match command {
        Command::Plugins => plugins(output),
        Command::Review(args) => {
            let outcome = ask(args)?;
            output.value(&outcome, text)?;
            match outcome.refusal().map(|refusal| refusal.status) {
                None => Ok(()),
                Some(Status::Invalid) => Err(CliError::Usage("the object cannot be reviewed".to_owned())),
                Some(_) => Err(CliError::AnswerIsNo),
            }
        }
    }
}

fn ask(args: &ReviewArgs) -> Result<Outcome, CliError> {
    let model = match &args.state {
        Some(path) => world(path, args.world.as_deref())?.policy().to_model(),
        None => Model::default(),
    };
    let mut objects = Objects::defaults();
    for path in &args.manifests {
        objects.read(&read(path)?).map_err(|error| fault(path, &error))?;
    }
    for name in &args.without {
        leave_out(&mut objects, name)?;
    }
    let cluster = Cluster::new(objects, &model).map_err(|error| CliError::Usage(error.to_string()))?;
    let settings = match &args.settings {
        Some(path) => parse::<RawSettings>(path)?,
        None => RawSettings::default(),
    };
    let settings = settings
        .check(&cluster)
        .map_err(|error| CliError::Usage(error.to_string()))?;
    let operation = match args.operation {
        Operation::Create => AdmissionOperation::Create,
        Operation::Update => AdmissionOperation::Update,
        Operation::Delete => AdmissionOperation::Delete,
    };
    let requester = requester(args, &cluster, &model)?;
    let mut request = AdmissionRequest::of(operation, requester, parse(&args.object)?, &args.namespace)
        .map_err(|error| fault(&args.object, &error))?;
    if let Some(old) = &args.old {
        request.old_object = Some(parse(old)?);
    }
    Ok(review(&request, &cluster, &settings))
}

/// Who asks. An account of the state file brings its groups, and is an administrator when the file says so.
fn requester(args: &ReviewArgs, cluster: &Cluster, model: &Model) -> Result<Requester, CliError> {
    if let Some(name) = &args.service_account {
        let (namespace, name) = name.split_once(':').ok_or_else(|| {
            CliError::Usage(format!("`{name}` is no service account; write NAMESPACE:NAME"))
        })?;
        return Ok(Requester::service_account(namespace, name));
    }
    let name = args.user.clone().unwrap_or_default();
    let known = cluster.accounts().user(&name);
    let identity = known.and_then(|user| Directory::new(model).identity(user.id.as_str()));
    let known_groups = identity.as_ref().map(|identity| identity.groups.clone());
    let mut groups = known_groups.unwrap_or_default();
    groups.extend(args.groups.iter().cloned());
    if args.admin {
        groups.push(mke_rbac::kubernetes::MASTERS.to_owned());
    }
    if args.state.is_some() && known.is_none() && !name.starts_with("system:") {
        return Err(CliError::Usage(format!("the state file has no user `{name}`")));
    }
    Ok(Requester::new(
        identity.map_or(name, |identity| identity.user),
        groups,
    ))
}

fn leave_out(objects: &mut Objects, name: &str) -> Result<(), CliError> {
    let parts: Vec<&str> = name.splitn(3, '/').collect();
    let found = match parts.as_slice() {
        [kind, name] => objects.remove(kind, None, name),
        [kind, namespace, name] => objects.remove(kind, Some(namespace), name),
        _ => false,
    };
    if found {
        return Ok(());
    }
    Err(CliError::Usage(format!(
        "the cluster has no `{name}` to leave out; write KIND/NAME or KIND/NAMESPACE/NAME, such as ClusterRoleBinding/{}",
        mke_rbac::admission::DEFAULT_BINDING
    )))
}

fn parse<T: DeserializeOwned>(path: &Path) -> Result<T, CliError> {
    serde_yaml_ng::from_str(&read(path)?).map_err(|error| fault(path, &error))
}

fn fault(path: &Path, error: &dyn std::error::Error) -> CliError {
    CliError::Usage(format!("{}: {}", path.display(), chain(error)))
}

/// The outcome for people: the verdict first, then why, then what was done, then the object.
fn text(outcome: &Outcome) -> String {
    let mut lines = Vec::new();
    match outcome {
        Outcome::Allowed(_) => lines.push("allowed".to_owned()),
        Outcome::Denied(refused) => {
            lines.push("denied".to_owned());
            for refusal in &refused.refusals {
                lines.push(format!("{}: {}", refusal.plugin, refusal.message));
                lines.extend(refusal.reasons.iter().map(|fault| format!("  {fault}")));
            }
        }
    }
    for note in outcome.notes() {
        lines.push(format!("{}: {}", note.plugin, note.text));
    }
    if let Outcome::Allowed(admitted) = outcome
        && let Some(object) = &admitted.object
        && let Ok(object) = serde_yaml_ng::to_string(object)
    {
        lines.push("---".to_owned());
        lines.push(object.trim_end().to_owned());
    }
    lines.join("\n")
}

#[derive(Serialize)]
struct Row {
    name: &'static str,
    custom: bool,
    work: mke_rbac::admission::Work,
    about: &'static str,
}

fn plugins(output: &mut Output<'_>) -> Result<(), CliError> {
    let rows: Vec<Row> = Plugin::ALL
        .into_iter()
        .map(|plugin| Row {
            name: plugin.name(),
            custom: plugin.is_custom(),
            work: plugin.work(),
            about: plugin.about(),
        })
        .collect();
    output.table(&rows, ["PLUGIN", "SWITCH", "DOES"], |row| {
        let switch = if row.custom { "always on" } else { "on or off" };
        [row.name.to_owned(), switch.to_owned(), row.about.to_owned()]
    })
}
