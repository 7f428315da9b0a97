//! Rules of the DISA guide "Docker Enterprise 2.x Linux/UNIX" that this machine's files answer. Each has the public number of
//! its group (`V-…`), and that of its requirement (`DKER-EE-…`) where it is known for sure. Pure; [`StigFacts::observe`] brings
//! the facts.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Owner and rights of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRights {
    /// The number of its user.
    pub user: u32,
    /// The number of its group.
    pub group: u32,
    /// Its rights, such as `0o644`.
    pub mode: u32,
}

/// What the rules look at.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StigFacts {
    /// The Engine's settings; `Null` when there is no file, or one that is no JSON.
    pub daemon: Value,
    /// Files that are there, by path.
    pub files: BTreeMap<String, FileRights>,
    /// The number of group `docker`.
    pub docker_group: Option<u32>,
    /// Whether the kernel runs in FIPS mode.
    pub fips: Option<bool>,
    /// Paths that rules of the audit system watch; `None` without rules.
    pub audited: Option<Vec<String>>,
}

/// What came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// As the guide wants it.
    Pass,
    /// Not so.
    Fail,
    /// What the rule is about is not there.
    NotApplicable,
    /// It cannot be told from here.
    Unknown,
}

/// One rule with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StigItem {
    /// Group of the guide, `V-235866`.
    pub id: String,
    /// Requirement of the guide, `DKER-EE-005320`.
    pub rule: Option<String>,
    /// Category: 1 is the gravest, 3 the least.
    pub category: u8,
    /// What shall be.
    pub title: String,
    /// What came out.
    pub answer: Answer,
    /// What was seen.
    pub evidence: String,
    /// What to do when it is not so.
    pub remedy: String,
}

const FILES: [&str; 6] = [
    "/usr/lib/systemd/system/docker.service",
    "/usr/lib/systemd/system/docker.socket",
    "/etc/docker",
    "/var/run/docker.sock",
    "/etc/docker/daemon.json",
    "/etc/default/docker",
];

impl StigFacts {
    /// Looks at this machine.
    pub fn observe(root: &Path) -> Self {
        let text = |path: &str| fs::read_to_string(root.join(path)).ok();
        let daemon: Value = text("etc/docker/daemon.json")
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        let certificates = ["tlscacert", "tlscert", "tlskey"]
            .into_iter()
            .filter_map(|name| daemon.get(name)?.as_str());
        let paths = FILES.into_iter().chain(certificates);
        let files = paths
            .filter_map(|path| {
                let inside = path.strip_prefix('/')?;
                let data = fs::metadata(root.join(inside))
                    .or_else(|_| fs::metadata(root.join(inside.trim_start_matches("usr/"))))
                    .ok()?;
                let rights = FileRights {
                    user: data.uid(),
                    group: data.gid(),
                    mode: data.mode() & 0o7777,
                };
                Some((path.to_owned(), rights))
            })
            .collect();
        let docker_group = text("etc/group").and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("docker:"))?.to_owned();
            line.split(':').nth(2)?.parse().ok()
        });
        Self {
            files,
            docker_group,
            fips: text("proc/sys/crypto/fips_enabled").map(|text| text.trim() == "1"),
            audited: audited(root),
            daemon,
        }
    }
}

fn audited(root: &Path) -> Option<Vec<String>> {
    let mut text = fs::read_to_string(root.join("etc/audit/audit.rules")).unwrap_or_default();
    for entry in fs::read_dir(root.join("etc/audit/rules.d"))
        .into_iter()
        .flatten()
        .flatten()
    {
        text.push_str(&fs::read_to_string(entry.path()).unwrap_or_default());
        text.push('\n');
    }
    let words = |line: &str| {
        let path = line
            .trim()
            .strip_prefix("-w")?
            .split_whitespace()
            .next()?
            .to_owned();
        Some(path)
    };
    (!text.trim().is_empty()).then(|| text.lines().filter_map(words).collect())
}

/// Every rule with its answer, in the order of the guide.
pub fn items(facts: &StigFacts) -> Vec<StigItem> {
    let mut items = daemon(facts);
    items.extend(files(facts));
    items.sort_by(|one, other| one.id.cmp(&other.id));
    items
}

struct Rule {
    id: &'static str,
    rule: Option<&'static str>,
    category: u8,
    title: &'static str,
    remedy: &'static str,
}

impl Rule {
    fn item(&self, answer: Answer, evidence: impl Into<String>) -> StigItem {
        StigItem {
            id: self.id.to_owned(),
            rule: self.rule.map(str::to_owned),
            category: self.category,
            title: self.title.to_owned(),
            answer,
            evidence: evidence.into(),
            remedy: self.remedy.to_owned(),
        }
    }
}

/// A rule that holds or does not.
fn judge(rule: &Rule, holds: bool, evidence: impl Into<String>) -> StigItem {
    rule.item(if holds { Answer::Pass } else { Answer::Fail }, evidence)
}

fn daemon(facts: &StigFacts) -> Vec<StigItem> {
    let texts = |key: &str| -> Vec<&str> {
        facts
            .daemon
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    };
    let shown = |what: &[&str], none: &str| {
        if what.is_empty() {
            none.to_owned()
        } else {
            what.join(", ")
        }
    };
    let sockets: Vec<&str> = texts("hosts")
        .into_iter()
        .filter(|host| host.starts_with("tcp://"))
        .collect();
    let insecure = texts("insecure-registries");
    let option = |name: &str| {
        facts
            .daemon
            .get("log-opts")
            .is_some_and(|options| options.get(name).is_some())
    };
    let limited = option("max-size") && option("max-file");
    let driver = facts
        .daemon
        .get("storage-driver")
        .and_then(Value::as_str)
        .unwrap_or("the Engine's choice");
    let proxy = facts
        .daemon
        .get("userland-proxy")
        .and_then(Value::as_bool)
        .unwrap_or(true);
    let tcp = Rule {
        id: "V-235776",
        rule: Some("DKER-EE-001050"),
        category: 2,
        title: "the Engine takes no orders from the network",
        remedy: "take every tcp:// out of `hosts` in /etc/docker/daemon.json",
    };
    let fips = Rule {
        id: "V-235777",
        rule: Some("DKER-EE-001070"),
        category: 1,
        title: "the machine runs in FIPS mode",
        remedy: "enable FIPS mode with the distribution's tool and start the machine anew",
    };
    let audit = Rule {
        id: "V-235779",
        rule: None,
        category: 2,
        title: "the audit system watches the Engine's files",
        remedy: "add `-w /usr/bin/docker -k docker`, `-w /var/lib/docker -k docker` and `-w /etc/docker -k docker` to a file below /etc/audit/rules.d",
    };
    let logs = Rule {
        id: "V-235786",
        rule: None,
        category: 2,
        title: "logs of containers are bounded",
        remedy: "set `log-opts` with `max-size` and `max-file` in /etc/docker/daemon.json",
    };
    let registries = Rule {
        id: "V-235789",
        rule: None,
        category: 2,
        title: "no registry is used without TLS",
        remedy: "take `insecure-registries` out of /etc/docker/daemon.json",
    };
    let aufs = Rule {
        id: "V-235790",
        rule: Some("DKER-EE-001810"),
        category: 2,
        title: "the storage driver is not aufs",
        remedy: "set `storage-driver` to overlay2 in /etc/docker/daemon.json",
    };
    let userland = Rule {
        id: "V-235791",
        rule: Some("DKER-EE-001830"),
        category: 2,
        title: "ports are published by the kernel, not by a helper program",
        remedy: "set `userland-proxy` to false in /etc/docker/daemon.json",
    };
    let watched = |path: &str| {
        facts
            .audited
            .iter()
            .flatten()
            .any(|known| known.trim_end_matches('/') == path)
    };
    let missing: Vec<&str> = ["/usr/bin/docker", "/var/lib/docker", "/etc/docker"]
        .into_iter()
        .filter(|path| !watched(path))
        .collect();
    vec![
        judge(&tcp, sockets.is_empty(), shown(&sockets, "no tcp:// in `hosts`")),
        match facts.fips {
            None => fips.item(Answer::Unknown, "the kernel does not tell"),
            Some(on) => judge(&fips, on, if on { "it does" } else { "it does not" }),
        },
        judge(&audit, missing.is_empty(), shown(&missing, "all are watched")),
        judge(
            &logs,
            limited,
            if limited {
                "`log-opts` bounds them"
            } else {
                "`log-opts` has no max-size or no max-file"
            },
        ),
        judge(
            &registries,
            insecure.is_empty(),
            shown(&insecure, "none is listed"),
        ),
        judge(&aufs, driver != "aufs", driver),
        judge(
            &userland,
            !proxy,
            if proxy {
                "`userland-proxy` is on"
            } else {
                "`userland-proxy` is off"
            },
        ),
    ]
}

/// Who must own a file.
enum Owner {
    Root,
    RootAndDocker,
}

fn files(facts: &StigFacts) -> Vec<StigItem> {
    let certificate = |name: &str| facts.daemon.get(name).and_then(Value::as_str).unwrap_or_default();
    let owned = "chown root:root";
    let owners: [(&str, Option<&str>, u8, &str, Owner); 9] = [
        ("V-235851", Some("DKER-EE-005170"), 1, FILES[0], Owner::Root),
        ("V-235853", None, 1, FILES[1], Owner::Root),
        ("V-235855", None, 1, FILES[2], Owner::Root),
        ("V-235859", None, 1, certificate("tlscacert"), Owner::Root),
        ("V-235861", None, 1, certificate("tlscert"), Owner::Root),
        (
            "V-235863",
            Some("DKER-EE-005290"),
            2,
            certificate("tlskey"),
            Owner::Root,
        ),
        (
            "V-235865",
            Some("DKER-EE-005310"),
            1,
            FILES[3],
            Owner::RootAndDocker,
        ),
        ("V-235867", None, 1, FILES[4], Owner::Root),
        ("V-235869", Some("DKER-EE-005350"), 1, FILES[5], Owner::Root),
    ];
    let modes: [(&str, Option<&str>, u8, &str, u32); 4] = [
        ("V-235854", Some("DKER-EE-005200"), 2, FILES[1], 0o644),
        (
            "V-235864",
            Some("DKER-EE-005300"),
            1,
            certificate("tlskey"),
            0o400,
        ),
        ("V-235866", Some("DKER-EE-005320"), 1, FILES[3], 0o660),
        ("V-235868", Some("DKER-EE-005340"), 1, FILES[4], 0o644),
    ];
    let mut items = Vec::new();
    let mut add = |id: &str,
                   rule: Option<&str>,
                   category: u8,
                   path: &str,
                   title: String,
                   verdict: Option<(bool, String)>,
                   remedy: String| {
        let (answer, evidence) = match verdict {
            None => (
                Answer::NotApplicable,
                if path.is_empty() {
                    "no such file is configured".to_owned()
                } else {
                    format!("{path} is not there")
                },
            ),
            Some((true, evidence)) => (Answer::Pass, evidence),
            Some((false, evidence)) => (Answer::Fail, evidence),
        };
        items.push(StigItem {
            id: id.to_owned(),
            rule: rule.map(str::to_owned),
            category,
            title,
            answer,
            evidence,
            remedy,
        });
    };
    let named = |path: &str, id: &str| match (path, id) {
        ("", "V-235859") => "the authority's certificate".to_owned(),
        ("", "V-235861") => "the Engine's certificate".to_owned(),
        ("", _) => "the Engine's key".to_owned(),
        (path, _) => path.to_owned(),
    };
    for (id, rule, category, path, owner) in owners {
        let (group, wanted) = match owner {
            Owner::Root => (Some(0), "root:root"),
            Owner::RootAndDocker => (facts.docker_group, "root:docker"),
        };
        let verdict = facts.files.get(path).map(|rights| {
            let fits = rights.user == 0 && Some(rights.group) == group;
            (
                fits,
                format!("{path} belongs to {}:{}", rights.user, rights.group),
            )
        });
        let title = format!("{} belongs to {wanted}", named(path, id));
        let remedy = match owner {
            Owner::Root => format!("{owned} {path}"),
            Owner::RootAndDocker => format!("chown root:docker {path}"),
        };
        add(id, rule, category, path, title, verdict, remedy);
    }
    for (id, rule, category, path, most) in modes {
        let verdict = facts.files.get(path).map(|rights| {
            (
                rights.mode & !most == 0,
                format!("{path} has rights {:o}", rights.mode),
            )
        });
        let title = format!("{} has rights {most:o} or fewer", named(path, id));
        add(
            id,
            rule,
            category,
            path,
            title,
            verdict,
            format!("chmod {most:o} {path}"),
        );
    }
    items
}
