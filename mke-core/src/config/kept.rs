//! A configuration as it is kept: the operator's own text, and beside it the settings of the directory, which never
//! stand in an exported file.
//!
//! Comments and order of the text survive everything: files that replace it ([`Kept::accept`]) are kept byte for byte,
//! and typed changes ([`Kept::follow`]) touch the values that change and nothing else. [`Kept::export`] is what people
//! are given: every key listed, secrets masked. An export that comes back as it is means no change.

use std::fmt;
use std::ops::Range;

use super::edits::{complete, edited};
use super::path::KeyPath;
use super::problem::{Problem, Problems};
use super::raw::{RawConfig, RawEntry, RawTable, RawValue, Syntax, toml_root};
use super::value::Value;
use super::{Config, Document, EditError, Ldap, ReadOptions, Reading, keys, write};
use crate::secret::Secret;

/// What stands for a secret in an export. In a file that comes back it means the secret that is kept.
pub const MASK: &str = "********";

/// Most masks in one file: each is replaced by an edit of its own. A real file has one for each directory server.
const MAX_MASKS: usize = 200;

/// The way to the settings of the directory.
const LDAP: [&str; 2] = ["auth", "ldap"];

/// The texts of which a configuration is made. They hold secrets and belong into the store only.
#[derive(Clone, PartialEq, Eq)]
pub struct Kept {
    /// The operator's file without `[auth.ldap]`.
    pub text: String,
    /// `[auth.ldap]` as TOML, where something is set in it.
    pub ldap: Option<String>,
}

/// Without the texts, in which secrets stand.
impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept")
            .field("bytes", &self.text.len())
            .field("ldap", &self.ldap.is_some())
            .finish_non_exhaustive()
    }
}

/// A file that was taken in.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// What to keep.
    pub kept: Kept,
    /// What it means.
    pub reading: Reading<Config>,
}

impl Default for Kept {
    fn default() -> Self {
        Self::of(&Config::default())
    }
}

impl Kept {
    /// A configuration that nobody wrote by hand: all keys, in the order of the documents.
    pub fn of(config: &Config) -> Self {
        Self {
            text: write::without(config, &LDAP),
            ldap: ldap_text(config),
        }
    }

    /// What the texts mean.
    ///
    /// # Errors
    /// Everything that is wrong with them, as [`Config::read`].
    pub fn read(&self, options: &ReadOptions<'_>) -> Result<Reading<Config>, Problems> {
        joined(&self.text, self.ldap.as_deref(), options)
    }

    /// Takes in a file that is to replace this one. Masks stand for the secrets that are kept; a file that says
    /// nothing of `[auth.ldap]` leaves it as it is, one that holds it replaces it.
    ///
    /// # Errors
    /// Every problem, as [`Config::read`], and every mask that stands for nothing.
    pub fn accept(&self, text: &str, options: &ReadOptions<'_>) -> Result<Accepted, Problems> {
        let (brings_ldap, masks) = {
            let raw = RawConfig::from_toml(text).map_err(|problems| problems.in_file_of(options))?;
            let mut masks = Vec::new();
            masks_in(&raw.root, &KeyPath::default(), &mut masks);
            if masks.len() > MAX_MASKS {
                let message = format!(
                    "{} secrets are masked, at most {MAX_MASKS} are allowed: write them out",
                    masks.len()
                );
                return Err(Problems::whole(message).in_file_of(options));
            }
            let masks: Vec<_> = masks
                .into_iter()
                .map(|(path, span)| (path, RawConfig::place(raw.text, span.start)))
                .collect();
            (table_at(&raw.root, &LDAP), masks)
        };
        let ldap = self.ldap.as_deref().filter(|_| !brings_ldap);
        let as_written = joined(text, ldap, options);
        if masks.is_empty() {
            let reading = as_written?;
            return Self::split(text, ldap, brings_ldap, reading);
        }
        let before = self.read(&IN_FORCE)?.value;
        let mut document = Document::parse(text)?;
        let mut problems = Vec::new();
        for (path, (line, column)) in masks {
            match kept_secret(
                &before,
                as_written.as_ref().ok().map(|reading| &reading.value),
                &path,
            ) {
                Some(secret) => {
                    document
                        .set(&path, &Value::Secret(secret))
                        .map_err(|error| Problems::whole(error.to_string()))?;
                }
                None => problems.push(Problem {
                    line,
                    column,
                    key: path.to_string(),
                    message:
                        "the mask stands for a secret that is kept, and none is kept here: write the secret \
                              itself, or remove the line"
                            .to_owned(),
                    found: Some(MASK.to_owned()),
                    ..Problem::default()
                }),
            }
        }
        match (as_written, problems.is_empty()) {
            (Ok(_), true) => {
                let text = document.to_string();
                let reading = joined(&text, ldap, options)?;
                Self::split(&text, ldap, brings_ldap, reading)
            }
            (read, _) => {
                let problems = Problems(problems).in_file_of(options);
                let mut all = read.err().map_or_else(Vec::new, |problems| problems.0);
                all.extend(problems.0);
                all.sort();
                Err(Problems(all))
            }
        }
    }

    /// Puts the settings of the directory apart from a text that holds them.
    fn split(
        text: &str,
        ldap: Option<&str>,
        brings_ldap: bool,
        reading: Reading<Config>,
    ) -> Result<Accepted, Problems> {
        let kept = if brings_ldap {
            let mut document = Document::parse(text)?;
            document
                .unset(&path_of(&LDAP))
                .map_err(|error| Problems::whole(error.to_string()))?;
            Self {
                text: document.to_string(),
                ldap: ldap_text(&reading.value),
            }
        } else {
            Self {
                text: text.to_owned(),
                ldap: ldap.map(str::to_owned),
            }
        };
        Ok(Accepted { kept, reading })
    }

    /// The texts after a typed change to `after`: values that change are written where they stand, keys that are not
    /// there yet are added to their table. Unknown keys stay.
    ///
    /// # Errors
    /// When the texts here cannot be read, or `after` breaks a rule.
    pub fn follow(&self, after: &Config) -> Result<Accepted, Problems> {
        let before = self.read(&IN_FORCE)?.value;
        let ldap = ldap_text(after);
        let whole = |error: EditError| Problems::whole(error.to_string());
        let edited = edited(&self.text, &before, after).map_err(whole)?;
        let kept = Self {
            text: edited,
            ldap: ldap.clone(),
        };
        // What the values mean in a file that nobody formed.
        let plain = Self::of(after);
        let meant = plain.read(&STORED).map_err(without_places)?;
        match kept.read(&STORED) {
            Ok(reading) if reading.value == meant.value => Ok(Accepted { kept, reading }),
            // A text in an odd form, such as rows of a table in one line: order and comments give way.
            _ => Ok(Accepted {
                kept: plain,
                reading: meant,
            }),
        }
    }

    /// The file for people: every key of the export ([`Config::to_toml`]) is listed, the operator's comments and order
    /// are kept, secrets are [`MASK`], and `[auth.ldap]` is not in it.
    ///
    /// # Errors
    /// When the texts cannot be read.
    pub fn export(&self) -> Result<String, Problems> {
        let config = self.read(&IN_FORCE)?.value;
        let whole = |error: EditError| Problems::whole(error.to_string());
        let mut document = Document::parse(&self.text)?;
        for setting in config.settings() {
            if let Some(Value::Secret(secret)) = &setting.value
                && !secret.is_empty()
                && !below_ldap(&setting.path)
            {
                document
                    .set(&setting.path, &Value::Text(MASK.to_owned()))
                    .map_err(whole)?;
            }
        }
        complete(&mut document, &self.text, &config)?;
        Ok(document.to_string())
    }
}

/// The options under which kept text is read: it was accepted once, by this version or a newer one.
const STORED: ReadOptions<'_> = ReadOptions {
    file: None,
    keep_unknown: true,
    in_force: false,
};

/// The options for text that is not to change: an earlier version took it, whatever rules came since.
const IN_FORCE: ReadOptions<'_> = ReadOptions {
    in_force: true,
    ..STORED
};

/// Reads a file and, where there are any, the settings of the directory that are kept beside it. Problems have the lines
/// of the file; those of the directory's settings have the line of `auth`.
fn joined(text: &str, ldap: Option<&str>, options: &ReadOptions<'_>) -> Result<Reading<Config>, Problems> {
    let Some(ldap) = ldap else {
        return Config::read(text, options);
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut root = toml_root(text)
        .map_err(|problems| problems.in_file_of(options))?
        .into_owned();
    let mut kept = toml_root(ldap)?.into_owned();
    let [outer, inner] = LDAP;
    let at = root.get(outer).map_or(0..0, |entry| entry.name_span.clone());
    let settings = kept.entries.pop().and_then(|auth| match auth.value {
        RawValue::Table(mut auth) => auth.entries.pop(),
        _ => None,
    });
    if let Some(mut settings) = settings {
        place_all(&mut settings, &at);
        if root.get(outer).is_none() {
            root.entries.push(RawEntry {
                name: outer.into(),
                name_span: at.clone(),
                value: RawValue::Table(RawTable::default()),
                span: at,
            });
        }
        let auth = root.entries.iter_mut().find(|entry| entry.name == outer);
        // Something else in the place of `auth` is refused when it is read.
        if let Some(RawValue::Table(auth)) = auth.map(|entry| &mut entry.value)
            && auth.get(inner).is_none()
        {
            auth.entries.push(settings);
        }
    }
    RawConfig::of(text, Syntax::Toml, root).read(options)
}

/// Puts everything at one place.
fn place_all(entry: &mut RawEntry<'_>, at: &Range<usize>) {
    entry.name_span.clone_from(at);
    entry.span.clone_from(at);
    place_value(&mut entry.value, at);
}

fn place_value(value: &mut RawValue<'_>, at: &Range<usize>) {
    match value {
        RawValue::Table(table) => {
            table.span.clone_from(at);
            table.entries.iter_mut().for_each(|entry| place_all(entry, at));
        }
        RawValue::List(items) => {
            for (item, span) in items {
                span.clone_from(at);
                place_value(item, at);
            }
        }
        _ => {}
    }
}

/// `[auth.ldap]` of a configuration as TOML; nothing where it is as nobody wrote it.
fn ldap_text(config: &Config) -> Option<String> {
    (config.auth.ldap != Ldap::default()).then(|| write::table(&config.auth.ldap, &LDAP))
}

fn path_of(names: &[&str]) -> KeyPath {
    names
        .iter()
        .fold(KeyPath::default(), |path, name| path.join(name))
}

/// Whether a path leads into the settings of the directory.
pub(super) fn below_ldap(path: &KeyPath) -> bool {
    path.0.starts_with(&path_of(&LDAP).0)
}

/// Problems of a change that came as values: lines of the kept text say nothing to whoever asked for it.
fn without_places(mut problems: Problems) -> Problems {
    for problem in &mut problems.0 {
        (problem.line, problem.column) = (0, 0);
    }
    problems
}

fn table_at(table: &RawTable<'_>, names: &[&str]) -> bool {
    let [name, rest @ ..] = names else {
        return true;
    };
    match table.get(name).map(|entry| &entry.value) {
        Some(RawValue::Table(inner)) => table_at(inner, rest),
        // Something else in its place is read, and refused, with the file.
        Some(_) => rest.is_empty(),
        None => false,
    }
}

/// Every secret key of a table that holds the mask, and where.
fn masks_in(table: &RawTable<'_>, path: &KeyPath, masks: &mut Vec<(KeyPath, Range<usize>)>) {
    for entry in &table.entries {
        let path = path.join(&entry.name);
        match &entry.value {
            RawValue::Text(text) if text == MASK && is_secret(&path) => {
                masks.push((path, entry.span.clone()));
            }
            RawValue::Table(inner) => masks_in(inner, &path, masks),
            RawValue::List(rows) => {
                for (index, (row, _)) in rows.iter().enumerate() {
                    if let RawValue::Table(inner) = row {
                        masks_in(inner, &path.row(index), masks);
                    }
                }
            }
            _ => {}
        }
    }
}

fn is_secret(path: &KeyPath) -> bool {
    keys::find_key(&path.to_string()).is_some_and(|key| key.secret)
}

/// The secret that a mask at `path` stands for. Passwords of a directory are kept for the server that they were given
/// for, whatever its row is now.
fn kept_secret(before: &Config, after: Option<&Config>, path: &KeyPath) -> Option<Secret> {
    let secret = if below_ldap(path) {
        after?.auth.ldap.kept_password(&before.auth.ldap, path)
    } else {
        match before.get(path) {
            Some(Value::Secret(secret)) => Some(secret),
            _ => None,
        }
    };
    secret.filter(|secret| !secret.is_empty() && secret.expose() != MASK)
}
