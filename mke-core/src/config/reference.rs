//! What people read about keys: [`explain`] for one, [`page`] for all.

use std::fmt::{self, Write as _};

use serde::Serialize;

use super::key::{Effect, Key, Required};
use super::nearest::nearest;
use super::section::Section;
use super::{AzureConfig, Config, Interlock, find_key};

/// Everything that is known about one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Its path.
    pub key: String,
    /// What it does.
    pub about: String,
    /// Its type.
    pub kind: String,
    /// What is allowed.
    pub allowed: String,
    /// Its unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Its default as TOML.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Whether it must be given: `always`, or the switch that makes it so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required: Option<String>,
    /// What a change of it touches.
    pub effect: String,
    /// What may go wrong when it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<String>,
    /// What else must hold for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The flag of the install command that sets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub install_flag: Option<String>,
    /// The first version that knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// The last version that knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Whether files of version 3.4 have it.
    pub in_3_4: bool,
    /// Whether its value is never shown.
    pub secret: bool,
    /// Other names of it in files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_names: Vec<String>,
}

/// No such key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` is no key of the configuration{}", .nearest.as_ref().map(|known| format!(", did you mean `{known}`?")).unwrap_or_default())]
pub struct UnknownKey {
    /// What was asked for.
    pub key: String,
    /// The known key that is most like it.
    pub nearest: Option<String>,
}

/// Explains the key of a path such as `auth.sessions.lifetime_minutes` or `registries[0].host_address`.
///
/// # Errors
/// When there is no such key; the error names the one that is most like it.
pub fn explain(path: &str) -> Result<Explanation, UnknownKey> {
    find_key(path).map(Explanation::of).ok_or_else(|| UnknownKey {
        key: path.chars().take(200).collect(),
        nearest: nearest(path, false),
    })
}

impl Explanation {
    /// What is known about a key.
    pub fn of(key: &Key) -> Self {
        let text = |text: Option<&str>| text.map(str::to_owned);
        Self {
            key: key.path(),
            about: key.about.to_owned(),
            kind: key.kind.to_string(),
            allowed: key.expected(),
            unit: text(key.unit),
            default: default(key),
            required: match key.required {
                Required::No => None,
                _ if key.default_value().is_some() => None,
                Required::Always => Some("always".to_owned()),
                Required::When(switch) => Some(format!("when `{switch}` is true")),
            },
            effect: key.effect.to_string(),
            risk: text(key.risk),
            rule: text(key.rule),
            install_flag: text(key.install_flag),
            since: key.since.map(|version| version.to_string()),
            until: key.until.map(|version| version.to_string()),
            in_3_4: key.in_3_4,
            secret: key.secret,
            other_names: key.aliases.iter().map(|&name| name.to_owned()).collect(),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n\n  {}\n", self.key, self.about)?;
        let versions = match (&self.since, &self.until) {
            (Some(since), Some(until)) => Some(format!("{since} to {until}")),
            (Some(since), None) => Some(format!("since {since}")),
            (None, Some(until)) => Some(format!("until {until}")),
            (None, None) if !self.in_3_4 => Some("not in 3.4".to_owned()),
            (None, None) => None,
        };
        let names = (!self.other_names.is_empty()).then(|| self.other_names.join(", "));
        let lines = [
            ("type", Some(&self.kind)),
            ("allowed", Some(&self.allowed)),
            ("unit", self.unit.as_ref()),
            ("default", self.default.as_ref()),
            ("required", self.required.as_ref()),
            ("rule", self.rule.as_ref()),
            ("a change", Some(&self.effect)),
            ("risk", self.risk.as_ref()),
            ("install flag", self.install_flag.as_ref()),
            ("versions", versions.as_ref()),
            ("also called", names.as_ref()),
        ];
        for (name, value) in lines {
            if let Some(value) = value {
                writeln!(f, "  {name:<13}{value}")?;
            }
        }
        if self.secret {
            writeln!(f, "  {:<13}its value is never shown", "secret")?;
        }
        Ok(())
    }
}

fn default(key: &Key) -> Option<String> {
    key.default_value()
        .map(|value| value.to_toml().to_string().trim().to_owned())
}

/// The reference page of every key, as Markdown. `docs/reference/configuration.md` holds it; a test says when that is
/// not what the definitions say.
pub fn page() -> String {
    let mut page = String::from(
        "# Configuration\n\n\
         Every key of the configuration file, of the Interlock file and of `azure.json`. This page is made from the \
         definitions in\n`mke-core/src/config`; `MKE_UPDATE_DOCS=1 cargo test -p mke-core --test config_reference` \
         writes it.\n\n\
         **Change** says what a change of the key touches on a running cluster; what is *live* and *waits* has no part that \
         acts on it yet.\n*3.4* in the last column means that files of version 3.4 have the key; other versions are named. A file may say what it is for with a line \
         `# mke-version: 3.8` at its top.\n",
    );
    file(&mut page, "The configuration file", &Config::default());
    file(&mut page, "The Interlock file", &Interlock::default());
    file(&mut page, "azure.json", &AzureConfig::default());
    page
}

fn file(page: &mut String, title: &str, root: &dyn Section) {
    let _ = writeln!(page, "\n## {title}");
    tables(page, root, "");
}

fn tables(page: &mut String, section: &dyn Section, about: &str) {
    let mut rows = Vec::new();
    section.each_key(&mut |key| rows.push(row(key)));
    if !rows.is_empty() {
        let title = section.table();
        let title = if title.is_empty() {
            "top of the file"
        } else {
            title
        };
        let _ = write!(page, "\n### `{title}`\n\n");
        if !about.is_empty() {
            let _ = write!(page, "{about}\n\n");
        }
        page.push_str("| key | what it does | takes | default | change | versions |\n");
        page.push_str("| --- | --- | --- | --- | --- | --- |\n");
        rows.iter().for_each(|row| page.push_str(row));
    }
    section.each_child(&mut |child, _| tables(page, (child.prototype)().as_ref(), child.about.trim_start()));
}

fn row(key: &Key) -> String {
    let mut about = key.about.to_owned();
    if let Some(rule) = key.rule {
        let _ = write!(about, " *Rule:* {rule}.");
    }
    if let Some(risk) = key.risk {
        let _ = write!(about, " *Risk:* {risk}.");
    }
    if !key.aliases.is_empty() {
        let _ = write!(about, " Also called `{}`.", key.aliases.join("`, `"));
    }
    let mut takes = key.expected();
    match (key.unit, key.required) {
        (Some(unit), _) if !takes.contains(unit) => {
            let _ = write!(takes, ", {unit}");
        }
        _ => {}
    }
    match key.required {
        Required::Always if key.default_value().is_none() => takes.push_str("; required"),
        Required::When(switch) if key.default_value().is_none() => {
            let _ = write!(takes, "; required when `{switch}` is on");
        }
        _ => {}
    }
    if key.secret {
        takes.push_str("; secret");
    }
    let default = default(key).map_or("—".to_owned(), |default| format!("`{default}`"));
    let change = match key.effect {
        Effect::AllNodes(components) => match components {
            [one] => format!("all nodes: {one}"),
            [first, .., last] if components.len() > 4 => format!("all nodes: {first} … {last}"),
            _ => format!("all nodes: {}", components.join(", ")),
        },
        Effect::Live if !key.is_acted_on() => "live, waits".to_owned(),
        other => other.to_string(),
    };
    let versions = match (key.since, key.until, key.in_3_4) {
        (Some(since), Some(until), _) => format!("{since} to {until}"),
        (Some(since), None, _) => format!("since {since}"),
        (None, Some(until), _) => format!("until {until}"),
        (None, None, true) => "3.4".to_owned(),
        (None, None, false) => "later".to_owned(),
    };
    let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
    format!(
        "| `{}` | {} | {} | {} | {} | {} |\n",
        cell(key.name),
        cell(&about),
        cell(&takes),
        cell(&default),
        cell(&change),
        versions
    )
}
