//! `ucp authz simulate`: what a change would do, before it is made.

use std::path::PathBuf;

use mke_rbac::inquiry::{self, GrantForm, Simulate, UserForm, WhatIf};

use super::authz::{self, Source, usage};
use crate::error::CliError;
use crate::output::Output;

/// The changes, in this order: those of the file, then those of the flags from top to bottom of this list.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A file with a list of changes, YAML or JSON; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    changes: Option<PathBuf>,
    /// Grant a role: user:jane,viewonly,/Prod. Repeatable, like the others.
    #[arg(long, value_name = "SUBJECT,ROLE,COLLECTION")]
    grant: Vec<GrantForm>,
    /// Take a grant back.
    #[arg(long, value_name = "SUBJECT,ROLE,COLLECTION")]
    revoke: Vec<GrantForm>,
    /// Let somebody join a team or an organization: jane=team:dev/web.
    #[arg(long, value_name = "USER=GROUP", value_parser = WhatIf::joining)]
    add_member: Vec<WhatIf>,
    /// Let somebody leave a team or an organization.
    #[arg(long, value_name = "USER=GROUP", value_parser = WhatIf::leaving)]
    remove_member: Vec<WhatIf>,
    /// Make a user an administrator.
    #[arg(long, value_name = "USER")]
    make_admin: Vec<String>,
    /// Deactivate a user.
    #[arg(long, value_name = "USER")]
    deactivate: Vec<String>,
    /// Add a collection.
    #[arg(long, value_name = "PATH")]
    add_collection: Vec<String>,
    /// Move a collection: /old=/new.
    #[arg(long, value_name = "OLD=NEW", value_parser = WhatIf::moving)]
    move_collection: Vec<WhatIf>,
    /// Remove a collection with everything below it.
    #[arg(long, value_name = "PATH")]
    remove_collection: Vec<String>,
    /// Put the Kubernetes roles and bindings of a manifest file.
    #[arg(long, value_name = "FILE")]
    apply: Vec<PathBuf>,
    /// Remove a Kubernetes role or binding: clusterrolebinding/NAME, rolebinding/NAMESPACE/NAME.
    #[arg(long, value_name = "KIND/NAME", value_parser = WhatIf::deleting)]
    delete: Vec<WhatIf>,
    /// Most entries that are listed; counts stay exact.
    #[arg(long, default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    source: Source,
}

pub(super) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let changes = changes(args)?;
    if changes.is_empty() {
        return Err(CliError::Usage(
            "name at least one change; `--help` lists the flags".to_owned(),
        ));
    }
    let inquiry = Simulate {
        changes,
        limit: args.limit,
    };
    authz::ask(&inquiry, &args.source, output)
}

fn changes(args: &Args) -> Result<Vec<WhatIf>, CliError> {
    let mut changes = Vec::new();
    if let Some(path) = &args.changes {
        changes = inquiry::changes(&authz::read(path)?).map_err(|error| usage(path, &error))?;
    }
    changes.extend(args.grant.iter().cloned().map(WhatIf::Grant));
    changes.extend(args.revoke.iter().cloned().map(WhatIf::Revoke));
    changes.extend(args.add_member.iter().cloned());
    changes.extend(args.remove_member.iter().cloned());
    changes.extend(args.make_admin.iter().map(|name| {
        WhatIf::User(UserForm {
            name: name.clone(),
            admin: Some(true),
            active: None,
        })
    }));
    changes.extend(args.deactivate.iter().map(|name| {
        WhatIf::User(UserForm {
            name: name.clone(),
            admin: None,
            active: Some(false),
        })
    }));
    changes.extend(args.add_collection.iter().cloned().map(WhatIf::AddCollection));
    changes.extend(args.move_collection.iter().cloned());
    changes.extend(
        args.remove_collection
            .iter()
            .cloned()
            .map(WhatIf::RemoveCollection),
    );
    for path in &args.apply {
        let text = authz::read(path)?;
        changes.extend(WhatIf::applying(&text).map_err(|error| usage(path, &error))?);
    }
    changes.extend(args.delete.iter().cloned());
    Ok(changes)
}
