//! What the files of sysctl(8) ask for at the next start, and which of them has the last word.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::key::{Key, normal};

/// Directories of settings; of files with one name, that in the earlier directory counts alone.
const DIRECTORIES: [&str; 5] = [
    "etc/sysctl.d",
    "run/sysctl.d",
    "usr/local/lib/sysctl.d",
    "usr/lib/sysctl.d",
    "lib/sysctl.d",
];
/// Read after all others.
const LAST: &str = "etc/sysctl.conf";

/// One line of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// What it names: a parameter, or a pattern with `*`.
    pub name: String,
    /// The value that it asks for; `None` takes the parameter out of patterns.
    pub value: Option<String>,
}

/// Every setting, in the order in which they are applied.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Settings(Vec<Setting>);

impl Settings {
    /// Reads the files. What cannot be read counts as not there, as it does for those who apply them.
    pub fn observe(root: &Path) -> Self {
        let mut files: BTreeMap<std::ffi::OsString, PathBuf> = BTreeMap::new();
        for directory in DIRECTORIES {
            let entries = fs::read_dir(root.join(directory)).into_iter().flatten().flatten();
            for entry in entries {
                let name = entry.file_name();
                if Path::new(&name).extension().is_some_and(|end| end == "conf") {
                    files
                        .entry(name)
                        .or_insert_with(|| Path::new(directory).join(entry.file_name()));
                }
            }
        }
        let mut settings = Vec::new();
        for file in files.into_values().chain([PathBuf::from(LAST)]) {
            let text = fs::read_to_string(root.join(&file)).unwrap_or_default();
            settings.extend(read(&Path::new("/").join(&file), &text));
        }
        Self(settings)
    }

    /// Settings of one text.
    pub fn of(file: &Path, text: &str) -> Self {
        Self(read(file, text).collect())
    }

    /// The setting with the last word about a parameter. One that names it goes before patterns, wherever they stand.
    pub fn about(&self, key: &Key) -> Option<&Setting> {
        let named = |setting: &&Setting| setting.name.parse::<Key>().is_ok_and(|name| name == *key);
        if let Some(setting) = self.0.iter().rev().find(named) {
            return setting.value.is_some().then_some(setting);
        }
        let parts: Vec<&str> = key.parts().collect();
        self.0
            .iter()
            .rev()
            .find(|setting| setting.value.is_some() && covers(&setting.name, &parts))
    }
}

fn read<'a>(file: &'a Path, text: &'a str) -> impl Iterator<Item = Setting> + 'a {
    text.lines().enumerate().filter_map(move |(place, line)| {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            return None;
        }
        // A minus in front says that a failure does not matter.
        let (minus, rest) = line.strip_prefix('-').map_or((false, line), |rest| (true, rest));
        let (name, value) = match rest.split_once('=') {
            Some((name, value)) => (name, Some(normal(value))),
            None if minus => (rest, None),
            None => return None,
        };
        Some(Setting {
            file: file.to_owned(),
            line: place + 1,
            name: name.trim().to_owned(),
            value,
        })
    })
}

/// Whether a pattern is about a parameter: `*` stands for any characters of one part.
fn covers(pattern: &str, parts: &[&str]) -> bool {
    if !pattern.contains('*') {
        return false;
    }
    let separator = if pattern
        .find('/')
        .is_some_and(|slash| pattern.find('.').is_none_or(|dot| slash < dot))
    {
        '/'
    } else {
        '.'
    };
    let patterns: Vec<&str> = pattern.split(separator).collect();
    patterns.len() == parts.len()
        && patterns
            .iter()
            .zip(parts)
            .all(|(pattern, part)| matches(pattern, part))
}

fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            (0..=text.len()).any(|place| text.get(place..).is_some_and(|tail| matches(rest, tail)))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SYS-001: who has the last word: name over pattern, later file over earlier one, and a file of /etc hides its namesakes.
    #[test]
    fn the_last_word() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(
            "usr/lib/sysctl.d/10-a.conf",
            "net.ipv4.ip_forward = 0\nvm.overcommit_memory=2\n",
        );
        write("usr/lib/sysctl.d/50-b.conf", "net.ipv4.ip_forward=5\n");
        write(
            "etc/sysctl.d/50-b.conf",
            "# hidden\n\nnet/ipv4/ip_forward=1\nnot a setting\n",
        );
        write(
            "run/sysctl.d/60-c.conf",
            "net.ipv4.conf.*.forwarding = 1\n-net.ipv4.conf.lo.forwarding\nkernel.panic=7\n",
        );
        write("etc/sysctl.d/readme.txt", "net.ipv4.ip_forward=9\n");
        write("etc/sysctl.conf", "; last\n-kernel.panic\t=  10 \n");
        let settings = Settings::observe(root.path());
        let about = |name: &str| {
            settings.about(&name.parse().unwrap()).map(|setting| {
                format!(
                    "{}:{} {}",
                    setting.file.display(),
                    setting.line,
                    setting.value.clone().unwrap()
                )
            })
        };
        for (name, expected) in [
            ("net.ipv4.ip_forward", Some("/etc/sysctl.d/50-b.conf:3 1")),
            ("vm.overcommit_memory", Some("/usr/lib/sysctl.d/10-a.conf:2 2")),
            (
                "net.ipv4.conf.eth0.forwarding",
                Some("/run/sysctl.d/60-c.conf:1 1"),
            ),
            ("net.ipv4.conf.lo.forwarding", None),
            ("net.ipv4.conf.forwarding", None),
            ("kernel.panic", Some("/etc/sysctl.conf:2 10")),
            ("kernel.panic_on_oops", None),
        ] {
            assert_eq!(about(name).as_deref(), expected, "{name}");
        }
    }
}
