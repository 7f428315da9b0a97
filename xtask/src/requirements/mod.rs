//! `cargo xtask requirements`: which rows of the lists a test claims, and which none does.

mod blank;
mod ids;
mod list;
mod python;
mod report;
mod scan;

use std::path::Path;

use report::Report;

use crate::checkout;
use crate::failure::{Failure, Outcome};
use crate::say;

/// What is claimed by tests, per area.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only these areas, separated by commas.
    #[arg(long, value_delimiter = ',')]
    area: Vec<String>,
    /// The security cases instead of the requirements.
    #[arg(long)]
    security: bool,
    /// One line per area.
    #[arg(long, conflicts_with = "json")]
    brief: bool,
    /// For scripts.
    #[arg(long)]
    json: bool,
    /// Exit code 1 when a row of this priority (such as P0) is claimed by no test.
    #[arg(long, value_name = "PRIORITY")]
    require: Option<String>,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let root = checkout::root();
    let report = observe(&root, args.security, &args.area)?;
    if args.json {
        let text = serde_json::to_string_pretty(&report)
            .map_err(|error| Failure::Broken(format!("cannot write the report: {error}")))?;
        say::data(&text);
    } else {
        say::report(&report.text(args.brief));
    }
    judge(&report, args.require.as_deref())
}

/// The report of one list. An area that the list does not have is refused: a typo must not look like success.
fn observe(root: &Path, security: bool, areas: &[String]) -> Outcome<Report> {
    let rows = if security {
        list::security(root)?
    } else {
        list::requirements(root)?
    };
    if let Some(area) = areas
        .iter()
        .find(|area| !rows.iter().any(|row| row.area == **area))
    {
        return Err(Failure::Precondition(format!("no area `{area}` in the list")));
    }
    let mut claims = scan::tree(root)?;
    claims.retain(|claim| ids::is_security(&claim.id) == security);
    Ok(Report::new(&rows, &claims, areas))
}

fn judge(report: &Report, required: Option<&str>) -> Outcome {
    if !report.unknown.is_empty() {
        let ids: Vec<String> = report
            .unknown
            .iter()
            .map(|unknown| format!("{} at {}", unknown.id, unknown.place))
            .collect();
        return Err(Failure::No(format!(
            "tests claim ids that no list has: {}",
            ids.join(", ")
        )));
    }
    let open = required
        .map(|priority| report.unclaimed(priority))
        .unwrap_or_default();
    if open.is_empty() {
        return Ok(());
    }
    Err(Failure::No(format!("no test claims {}", open.join(", "))))
}

/// For `cargo xtask test`: both lists, one line per area, and a refusal of unknown ids.
pub(crate) fn check() -> Outcome {
    let root = checkout::root();
    for security in [false, true] {
        let report = observe(&root, security, &[])?;
        let claimed: usize = report.areas.iter().map(|area| area.claimed).sum();
        let total: usize = report.areas.iter().map(|area| area.total).sum();
        let what = if security {
            "security cases"
        } else {
            "requirements"
        };
        say::detail(&format!("{claimed} of {total} {what} are claimed by tests"));
        judge(&report, None)?;
    }
    Ok(())
}
