//! What a synchronisation with a large directory costs: 100,000 users and 200 groups of 500, from OpenLDAP, beside what
//! `ldapsearch` and Python's `ldap3` take to read the same and do nothing with it.
//!
//! Each synchronisation is a process of its own, so that its memory can be read; it writes to a file, durably.

mod run;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use mke_test_support::{Ldif, READER_PASSWORD, Slapd};

pub(crate) use run::child;

use super::config::python;
use crate::args::Args;
use crate::error::BenchError;
use crate::report::{Cell, Table};
use crate::stats::Spread;
use crate::tools;

const SUFFIX: &str = "dc=example,dc=com";
const USERS: usize = 100_000;
const GROUPS: usize = 200;

/// What changes between the second and the third run.
const CHANGED: usize = 100;

/// Reads users in pages and then groups, and prints the seconds that took.
const LDAP3: &str = r#"
import sys, time, ldap3
url, suffix, password = sys.argv[1:]
connection = ldap3.Connection(ldap3.Server(url), "cn=reader," + suffix, password, auto_bind=True)
start = time.perf_counter()
seen = 0
for base, condition, attributes in (
    ("ou=people,", "(objectClass=inetOrgPerson)", ["uid", "cn", "entryUUID"]),
    ("ou=groups,", "(objectClass=groupOfNames)", ["member"]),
):
    for entry in connection.extend.standard.paged_search(
        base + suffix, condition, attributes=attributes, paged_size=1000, generator=True
    ):
        seen += 1
print(time.perf_counter() - start, seen)
"#;

/// What a run in a process of its own took.
#[derive(Debug, Clone, Copy)]
struct Run {
    fetch: f64,
    beyond: f64,
    megabytes: f64,
    written: f64,
    /// Megabytes before it began: what a controller holds anyway.
    held: f64,
}

pub(super) fn run(args: &Args) -> Result<Vec<Table>, BenchError> {
    let python = python()?;
    let mut times = Table::new(
        "LDAP: 100,000 users, 200 groups of 500",
        &[
            "work",
            "s",
            "to ldap3",
            "to ldapsearch",
            "aim",
            "memory, MB",
            "before it began, MB",
            "accounts written",
        ],
    );
    let (mut ldapsearch, mut ldap3) = (Vec::new(), Vec::new());
    let mut runs: [Vec<Run>; 3] = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..args.rounds {
        // A fresh one each round, because the rounds change it.
        let slapd = Slapd::start(&people());
        ldapsearch.push(read_by_ldapsearch(&slapd)?);
        ldap3.push(read_by_ldap3(&python, &slapd)?);
        let directory = super::directory()?;
        run::prepare(&directory.path().join("store"), GROUPS, SUFFIX)?;
        for (number, runs) in runs.iter_mut().enumerate() {
            if number == 2 {
                change(&slapd);
            }
            runs.push(in_a_process(directory.path(), &slapd)?);
        }
    }
    let whole = |run: &Run| run.fetch + run.beyond;
    let row = |table: &mut Table, work: &str, seconds: &[f64], aim: &str, runs: &[Run]| {
        table.row([
            Cell::from(work),
            Spread::of(seconds.iter().copied()).into(),
            Spread::of_ratios(seconds, &ldap3).into(),
            Spread::of_ratios(seconds, &ldapsearch).into(),
            aim.into(),
            Spread::of(runs.iter().map(|run| run.megabytes)).into(),
            Spread::of(runs.iter().map(|run| run.held)).into(),
            Spread::of(runs.iter().map(|run| run.written)).into(),
        ]);
    };
    row(&mut times, "ldapsearch: read all", &ldapsearch, "", &[]);
    row(&mut times, "ldap3: read all", &ldap3, "", &[]);
    let [first, again, changed] = &runs;
    for (work, runs, aim) in [
        ("first: read all, write all", first, "≤ 0.75, ≤ 2.2, ≤ 150 MB"),
        ("again: nothing has changed", again, "nothing written, ≤ 150 MB"),
        ("100 changes", changed, "≤ 150 MB"),
    ] {
        let seconds: Vec<f64> = runs.iter().map(whole).collect();
        row(&mut times, work, &seconds, aim, runs);
        let beyond: Vec<f64> = runs.iter().map(|run| run.beyond).collect();
        let aim = if work.starts_with("100") { "≤ 0.1 s" } else { "" };
        row(&mut times, "– of it beyond reading", &beyond, aim, runs);
    }
    times.note(
        "Each synchronisation is a process of its own with a store on disk; reading what the store holds, which a controller \
         has in memory, is not in its time but in its memory; the column beside tells how much of it that is. The peers write nothing.",
    );
    Ok(vec![times])
}

fn user(number: usize) -> String {
    format!("uid=user{number:06},ou=people,{SUFFIX}")
}

fn people() -> Ldif {
    let mut ldif = Ldif::domain(SUFFIX);
    for number in 0..USERS {
        ldif.person(&format!("user{number:06}"), "x");
    }
    for group in 0..GROUPS {
        let members: Vec<String> = (0..500)
            .map(|member| user((group * 500 + member) % USERS))
            .collect();
        ldif.group(&format!("group{group:03}"), &members);
    }
    ldif
}

/// A hundred changes of people and memberships.
fn change(slapd: &Slapd) {
    let mut ldif = String::new();
    for number in 0..CHANGED / 2 {
        let dn = user(number * 7);
        ldif.push_str(&format!(
            "dn: {dn}\nchangetype: modify\nreplace: cn\ncn: Changed {number}\n\n"
        ));
    }
    for number in 0..CHANGED / 2 {
        let member = user(50_000 + number);
        ldif.push_str(&format!(
            "dn: cn=group{number:03},ou=groups,{SUFFIX}\nchangetype: modify\nadd: member\nmember: {member}\n\n"
        ));
    }
    slapd.modify(&ldif);
}

fn read_by_ldapsearch(slapd: &Slapd) -> Result<f64, BenchError> {
    let start = Instant::now();
    for (unit, filter, attributes) in [
        (
            "people",
            "(objectClass=inetOrgPerson)",
            &["uid", "cn", "entryUUID"][..],
        ),
        ("groups", "(objectClass=groupOfNames)", &["member"]),
    ] {
        let status = tools::command("ldapsearch")
            .args(["-x", "-LLL", "-E", "pr=1000/noprompt", "-H", &slapd.url()])
            .args(["-D", &slapd.reader(), "-w", READER_PASSWORD])
            .args(["-b", &format!("ou={unit},{SUFFIX}"), filter])
            .args(attributes)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .map_err(|source| BenchError::Start {
                program: "ldapsearch".to_owned(),
                source,
            })?;
        if !status.success() {
            return Err(BenchError::Ended {
                program: "ldapsearch".to_owned(),
                status,
                output: String::new(),
            });
        }
    }
    Ok(start.elapsed().as_secs_f64())
}

fn read_by_ldap3(python: &Path, slapd: &Slapd) -> Result<f64, BenchError> {
    let mut command = Command::new(python);
    command.args(["-c", LDAP3, &slapd.url(), SUFFIX, READER_PASSWORD]);
    let numbers = numbers(&mut command)?;
    match numbers[..] {
        // Users, groups, and nothing else.
        [seconds, seen] if seen > 100_000.0 => Ok(seconds),
        _ => Err(BenchError::Malformed {
            what: "what ldap3 read".to_owned(),
            missing: "100,000 users",
        }),
    }
}

fn in_a_process(directory: &Path, slapd: &Slapd) -> Result<Run, BenchError> {
    let program = std::env::current_exe().map_err(BenchError::file("find", "this program"))?;
    let mut command = Command::new(program);
    command
        .arg("ldap")
        .arg("--synchronise")
        .arg(directory.join("store"))
        .args(["--with", &slapd.url()]);
    match numbers(&mut command)?[..] {
        [fetch, beyond, megabytes, written, held] => Ok(Run {
            fetch,
            beyond,
            megabytes,
            written,
            held,
        }),
        _ => Err(BenchError::Malformed {
            what: "the output of a synchronisation".to_owned(),
            missing: "five numbers",
        }),
    }
}

/// The numbers that a program prints.
fn numbers(command: &mut Command) -> Result<Vec<f64>, BenchError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| BenchError::Start {
            program: program.clone(),
            source,
        })?;
    if !output.status.success() {
        return Err(BenchError::Ended {
            program,
            status: output.status,
            output: String::from_utf8_lossy(&output.stderr).into_owned(),
        });
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text
        .split_whitespace()
        .map_while(|word| word.parse().ok())
        .collect())
}
