//! The command line beside the documented flags (docs/reference/bootstrapper-flags.tsv).

use clap::{Arg, ArgAction, Command, CommandFactory as _};
use mke_agent::install::configuration::keys_of;

use crate::args::Cli;

const TABLE: &str = include_str!("../../../../docs/reference/bootstrapper-flags.tsv");

/// One documented flag.
struct Row {
    command: &'static str,
    flag: &'static str,
    short: &'static str,
    kind: &'static str,
    default: &'static str,
    environment: &'static str,
    allowed: Vec<&'static str>,
    repeatable: bool,
    secret: bool,
}

fn rows() -> Vec<Row> {
    let rows = TABLE.lines().skip(1).map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        let [
            command,
            flag,
            short,
            kind,
            default,
            environment,
            allowed,
            repeatable,
            secret,
        ] = columns[..]
        else {
            panic!("{line}");
        };
        Row {
            command,
            flag,
            short,
            kind,
            default,
            environment,
            allowed: allowed.split(',').filter(|word| !word.is_empty()).collect(),
            repeatable: repeatable == "yes",
            secret: secret == "yes",
        }
    });
    rows.collect()
}

fn command<'c>(root: &'c Command, path: &str) -> &'c Command {
    path.split(' ').fold(root, |command, name| {
        command
            .find_subcommand(name)
            .unwrap_or_else(|| panic!("there is no command `{path}`"))
    })
}

fn argument<'c>(command: &'c Command, row: &Row) -> &'c Arg {
    let name = row.flag.trim_start_matches("--");
    command
        .get_arguments()
        .find(|argument| argument.get_long() == Some(name))
        .unwrap_or_else(|| panic!("{} has no {}", row.command, row.flag))
}

/// CLI-001, CLI-002: every documented flag is there, with its short form, environment variable, allowed values and default,
/// and nothing is shown that is not documented.
#[test]
fn flags_are_those_of_the_documents() {
    let root = Cli::command();
    let rows = rows();
    assert!(rows.len() > 100);
    for row in &rows {
        let place = format!("{} {}", row.command, row.flag);
        let argument = argument(command(&root, row.command), row);
        let short = argument
            .get_short()
            .map(|short| format!("-{short}"))
            .unwrap_or_default();
        assert_eq!(short, row.short, "{place}");
        let environment = argument
            .get_env()
            .map(|name| name.to_str().unwrap())
            .unwrap_or_default();
        // Credentials of registries come from the environment everywhere, although only `install` documents it.
        if !(row.environment.is_empty() && environment.starts_with("REGISTRY_")) {
            assert_eq!(environment, row.environment, "{place}");
        }
        let repeats = matches!(argument.get_action(), ArgAction::Append);
        // Names of certificates are repeated or separated by commas.
        assert_eq!(repeats, row.repeatable || row.flag == "--san", "{place}");
        let shows = argument.is_hide_env_values_set();
        assert!(
            shows || environment.is_empty() || !row.secret,
            "{place} shows a secret in its help"
        );
        let allowed: Vec<String> = argument
            .get_possible_values()
            .iter()
            .map(|value| value.get_name().to_owned())
            .collect();
        if row.kind == "string" && !row.allowed.is_empty() {
            assert_eq!(allowed, row.allowed, "{place}");
        }
        let default: Vec<&str> = argument
            .get_default_values()
            .iter()
            .map(|value| value.to_str().unwrap())
            .collect();
        default_is(row, &default, &place);
    }
    for path in [
        "backup",
        "install",
        "restore",
        "uninstall-ucp",
        "upgrade",
        "upgrade checks",
    ] {
        for argument in command(&root, path)
            .get_arguments()
            .filter(|argument| !argument.is_hide_set())
        {
            let Some(long) = argument.get_long() else { continue };
            let documented = rows
                .iter()
                .any(|row| row.command == path && row.flag == format!("--{long}"));
            assert!(
                documented || ["help", "output", "version"].contains(&long),
                "{path} --{long}"
            );
        }
    }
}

/// The default stands in the command line or, for settings, with the key of the configuration.
fn default_is(row: &Row, default: &[&str], place: &str) {
    if row.default.is_empty() || row.default == "false" {
        assert!(
            default.is_empty() || default == ["false"] || row.flag == "--pull",
            "{place}: {default:?}"
        );
        return;
    }
    if default == [row.default] {
        return;
    }
    assert!(default.is_empty(), "{place}: {default:?} is not {}", row.default);
    let keys = keys_of(row.flag);
    if let Some(key) = keys.first() {
        let shown = format!("{:?}", key.default);
        let wanted = row.default.split(' ').next().unwrap();
        // Which of two keys a size of packets is for depends on the data plane; one of them has the default of the first.
        let one_of = keys
            .iter()
            .any(|key| format!("{:?}", key.default).contains(wanted));
        assert!(one_of, "{place}: {shown} is not {wanted}");
    } else {
        // Asked for on a terminal, so that the parser must not fill it in.
        assert_eq!(row.flag, "--admin-username", "{place}");
    }
}

/// CLI-006: what the programs of nodes and tests need is not shown to people.
#[test]
fn hidden_flags_are_few() {
    let root = Cli::command();
    let hidden: Vec<&str> = command(&root, "install")
        .get_arguments()
        .filter(|argument| argument.is_hide_set())
        .filter_map(Arg::get_long)
        .collect();
    assert_eq!(hidden, ["socket"]);
}
