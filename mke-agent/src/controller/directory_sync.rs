//! One synchronisation with the LDAP directory, as a job: read, plan, check, record, apply.
//!
//! What is planned and whether it may be done is decided in [`mke_auth::ldap`]; here each step is written to the job's
//! log, and every change to the audit log with `ldap` as its source.

use std::fmt::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use http::{Method, StatusCode};
use mke_auth::jobs::{Job, JobLog};
use mke_auth::ldap::{self, Counts, Fetched, Options, Plan, Settings, TeamSync};
use mke_auth::records::Source;
use mke_core::causes::chain;
use mke_core::config::Problem;
use mke_core::store::Revision;

use super::audit::{Arrival, Asker, Moment, Notes, Recording, Stage};
use super::rng;
use super::snapshot::Snapshot;
use super::workplace::Workplace;

/// How often the directory is read when what it is read for keeps changing.
const READINGS: usize = 3;
/// How often the wait for changes to be in force starts anew.
const PATIENCE: usize = 6;

/// Does one synchronisation, or says what it would do. The error is that of the job.
pub(super) async fn run(place: Arc<Workplace>, job: Job, log: JobLog) -> Result<(), String> {
    log.info(format!("asked for by `{}`", job.by.name));
    let Read {
        settings,
        fetched,
        snapshot,
    } = read(&place, job.dry_run, &log).await?;
    ldap::log_fetched(&fetched, &|line| log.info(line));
    let options = Options {
        accept_deactivations: job.accepted,
        ..Options::of(&settings)
    };
    let plan = ldap::plan(&fetched, &snapshot.directory, &options);
    say_what_is_planned(&plan, &log);
    let allowed = ldap::check(&plan, &fetched, &snapshot.directory, &options);
    if job.dry_run {
        for refusal in allowed.err().unwrap_or_default() {
            log.warn(format!("this would be refused: {refusal}"));
        }
        log.info("nothing was changed, because this was a dry run");
        return Ok(());
    }
    if let Err(refusals) = allowed {
        for refusal in &refusals {
            log.error(refusal.to_string());
        }
        return Err("the plan was refused; nothing was changed".to_owned());
    }
    if plan.is_empty() {
        log.info("there was nothing to change");
        return Ok(());
    }
    let audit = Recorder {
        place: &place,
        job: &job,
    };
    audit.before(&snapshot)?;
    let say = |line: &str| log.info(line);
    let outcome = ldap::apply(&plan, &place.accounts, &mut rng(), &say)
        .await
        .map_err(|error| format!("not everything could be written: {}", chain(&error)))?;
    log.set_count(
        "refused",
        u64::try_from(outcome.refused.len()).unwrap_or(u64::MAX),
    );
    in_force(&place, outcome.revision, &log).await;
    audit.after(&plan, &snapshot, &place.snapshot());
    Ok(())
}

/// What the directory says, and what was known when it had been read.
struct Read {
    settings: Settings,
    fetched: Fetched,
    snapshot: Arc<Snapshot>,
}

/// Reads the directory. That takes a while, so it is done again when the settings or the teams changed meanwhile: what is
/// applied must be what is wanted then.
async fn read(place: &Workplace, dry_run: bool, log: &JobLog) -> Result<Read, String> {
    for _ in 0..READINGS {
        let before = place.snapshot();
        let auth = &before.config.auth;
        if auth.backend != "ldap" && !dry_run {
            return Err("LDAP is not switched on any more; nothing was changed".to_owned());
        }
        let settings = Settings::read(&auth.ldap).map_err(|problems| listed(&problems))?;
        let teams = TeamSync::of(&before.directory).map_err(|problems| listed(&problems))?;
        let fetched = ldap::fetch(&settings, &teams, place.clock.now())
            .await
            .map_err(|error| format!("{}; nothing was changed", chain(&error)))?;
        let snapshot = place.snapshot();
        let is_same =
            snapshot.config.auth == *auth && TeamSync::of(&snapshot.directory).is_ok_and(|now| now == teams);
        if is_same {
            return Ok(Read {
                settings,
                fetched,
                snapshot,
            });
        }
        log.info("settings or teams changed while the directory was read, it is read again");
    }
    Err("settings or teams keep changing while the directory is read; nothing was changed".to_owned())
}

/// Waits until what was written is in force. It is stored whatever happens here, so this is no failure of the job; a first
/// synchronisation of a large directory takes a while to be taken in.
async fn in_force(place: &Workplace, written: Option<Revision>, log: &JobLog) {
    let Some(revision) = written else {
        return;
    };
    for _ in 0..PATIENCE {
        if place.wait_for(revision).await.is_ok() {
            return;
        }
    }
    log.warn("this manager still takes the changes in, they are in force in a moment");
}

fn listed(problems: &[Problem]) -> String {
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    format!(
        "the settings are not right: {}; nothing was changed",
        texts.join("; ")
    )
}

/// Writes a plan down line by line; it may be long, so it is never a text as a whole.
fn say_what_is_planned(plan: &Plan<'_>, log: &JobLog) {
    let mut lines = Lines {
        log,
        line: String::new(),
    };
    // Neither a plan nor a log fails to be written.
    let _ = write!(lines, "{plan}");
    lines.end();
    let Counts {
        created,
        renamed,
        updated,
        deactivated,
        reactivated,
        admins,
        joined,
        left,
    } = plan.counts();
    for (what, count) in [
        ("created", created),
        ("renamed", renamed),
        ("updated", updated),
        ("deactivated", deactivated),
        ("reactivated", reactivated),
        ("admins", admins),
        ("joined", joined),
        ("left", left),
    ] {
        log.set_count(what, u64::try_from(count).unwrap_or(u64::MAX));
    }
}

struct Lines<'a> {
    log: &'a JobLog,
    line: String,
}

impl Lines<'_> {
    fn end(&mut self) {
        let line = std::mem::take(&mut self.line);
        match line.strip_prefix("note: ") {
            Some(note) => self.log.warn(note),
            None => self.log.info(line),
        }
    }
}

impl fmt::Write for Lines<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some((line, after)) = rest.split_once('\n') {
            self.line.push_str(line);
            self.end();
            rest = after;
        }
        self.line.push_str(rest);
        Ok(())
    }
}

/// Writes audit records of a job.
struct Recorder<'a> {
    place: &'a Workplace,
    job: &'a Job,
}

impl Recorder<'_> {
    /// Records that changes are about to be made. Without that record nothing is changed (audit-05).
    fn before(&self, snapshot: &Snapshot) -> Result<(), String> {
        let notes = Notes::default();
        notes.changed_by(Source::Ldap, "synchronise");
        notes.object_id(self.job.id.as_str());
        self.record(snapshot, Stage::RequestReceived, None, &notes)
            .map_err(|error| format!("the audit record cannot be written ({error}); nothing was changed"))
    }

    /// Records each change that was made.
    fn after(&self, plan: &Plan<'_>, before: &Snapshot, now: &Snapshot) {
        let created = plan.create.iter().filter_map(|create| {
            let account = now.directory.account_by_origin(Source::Ldap, create.id)?;
            Some(("create", account.id.clone()))
        });
        let changed = plan.change.iter().flat_map(|change| {
            let whats = [
                (change.rename.is_some(), "rename"),
                (change.full_name.is_some() || change.dn.is_some(), "update"),
                (change.deactivate.is_some(), "deactivate"),
                (change.reactivate, "activate"),
                (change.admin == Some(true), "make-administrator"),
                (change.admin == Some(false), "make-no-administrator"),
                (!change.join.is_empty(), "join"),
                (!change.leave.is_empty(), "leave"),
            ];
            let id = change.account.id.clone();
            whats
                .into_iter()
                .filter(|(is_so, _)| *is_so)
                .map(move |(_, what)| (what, id.clone()))
        });
        for (what, id) in created.chain(changed) {
            let notes = Notes::default();
            notes.changed_by(Source::Ldap, what);
            notes.object_id(id.as_str());
            let done = Some(StatusCode::OK);
            if let Err(error) = self.record(before, Stage::ResponseComplete, done, &notes) {
                tracing::error!(%error, job = %self.job.id, "an audit record could not be written");
                return;
            }
        }
    }

    fn record(
        &self,
        snapshot: &Snapshot,
        stage: Stage,
        status: Option<StatusCode>,
        notes: &Notes,
    ) -> std::io::Result<()> {
        notes.set_recording(Recording::Full);
        let now = self.place.clock.now();
        let arrival = Arrival {
            id: self.job.id.to_string(),
            received: self.job.begun.unwrap_or(now),
            method: Method::POST,
            path: format!("/enzi/v0/jobs/{}", self.job.id),
            query: None,
            // A job comes from the controller itself.
            peer: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
        };
        let asker = Asker {
            name: self.job.by.name.clone(),
            id: self
                .job
                .by
                .account
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        };
        let moment = Moment { stage, now, status };
        let level = snapshot.config.audit_log.level;
        self.place.audit.record(level, moment, &arrival, &asker, notes)
    }
}
