//! `access`: who may do what in one place: a matrix of subjects and operations, and the picture of it.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::graph::{self, Graph};
use super::{Inquiry, InquiryError, Report, Scene, access_kubernetes, svg, text};
use crate::decision::Subject;
use crate::kubernetes::Rule;
use crate::model::{GrantObject, GrantSubject};
use crate::operation::{Modifier, ModifierSet, ObjectType, Operation};
use crate::policy::CollectionInfo;
use crate::role::{Rights, builtin, builtin_roles, ordered};

/// Who may do what here?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessTo {
    /// The path of a collection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// A Kubernetes namespace, in the place of a collection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// What a row is.
    #[serde(default)]
    pub rows: Rows,
    /// Only these operations, in a collection; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<Operation>,
    /// Also the parts of Kubernetes itself, in a namespace: `system:` names and accounts of `kube-system`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub system: bool,
}

/// What a row of the matrix is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rows {
    /// A user, with everything that reaches it (R22); service accounts too in a namespace.
    #[default]
    Users,
    /// A team, an organization, `authenticated` or `anonymous`, with its own grants; a group in a namespace.
    Teams,
}

/// The matrix, and the picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessReport {
    /// The path of the collection, or the namespace.
    pub place: String,
    /// The operations that were asked for; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<Operation>,
    /// Everybody who may do something, by name.
    pub rows: Vec<Row>,
    /// Who gets there through what.
    pub graph: Graph,
}

/// What one subject may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// `user:<name>`, `org:<name>`, `team:<org>/<name>`, `authenticated` or `anonymous`.
    pub subject: String,
    /// Whether it is an administrator, who may do everything everywhere.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub administrator: bool,
    /// Operations with the modifiers that they may be used with, in a collection.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may: Vec<Held>,
    /// The rules that hold in a namespace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
}

/// An operation that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// The operation.
    pub operation: Operation,
    /// With these modifiers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modifiers: Vec<Modifier>,
}

impl Inquiry for AccessTo {
    const NAME: &'static str = "access";
    type Report = AccessReport;

    fn ask(&self, scene: &Scene<'_>) -> Result<AccessReport, InquiryError> {
        let collection = match (&self.collection, &self.namespace) {
            (Some(collection), None) => collection,
            (None, Some(namespace)) => return access_kubernetes::access(scene, namespace, self),
            (Some(_), Some(_)) | (None, None) => {
                let problem = "give either this or `namespace`";
                return Err(InquiryError::field("collection", problem));
            }
        };
        let at = scene.collection("collection", collection)?;
        let mut rows = match self.rows {
            Rows::Users => self.users(scene, at),
            Rows::Teams => self.teams(scene, at),
        };
        rows.sort_by(|one, other| one.subject.cmp(&other.subject));
        Ok(AccessReport {
            place: at.path.to_string(),
            operations: self.operations.clone(),
            rows,
            graph: graph::of_collection(scene, at),
        })
    }
}

impl AccessTo {
    fn users(&self, scene: &Scene<'_>, at: &CollectionInfo) -> Vec<Row> {
        let users = scene.policy.users().filter_map(|user| {
            let subject = Subject::Account(user.id.clone());
            let effective = scene.policy.effective(&subject, &at.id);
            let name = format!("user:{}", user.name);
            let administrator = user.admin && user.active;
            self.row(name, administrator, effective.rights())
        });
        let effective = scene.policy.effective(&Subject::Anonymous, &at.id);
        let anonymous = self.row("anonymous".to_owned(), false, effective.rights());
        users.chain(anonymous).collect()
    }

    fn teams(&self, scene: &Scene<'_>, at: &CollectionInfo) -> Vec<Row> {
        let above = at.parent_ids.iter().chain([&at.id]);
        let grants: Vec<_> = above
            .flat_map(|id| scene.policy.grants_on(&GrantObject::Collection(id.clone())))
            .filter(|grant| !matches!(grant.subject, GrantSubject::User(_)))
            .collect();
        let groups: BTreeSet<_> = grants.iter().map(|grant| &grant.subject).collect();
        let rows = groups.into_iter().filter_map(|group| {
            let own = grants.iter().filter(|grant| grant.subject == *group);
            let roles = own.filter_map(|grant| scene.policy.role(grant.role.as_str()));
            let rights = roles.fold(Rights::NONE, |held, role| held.union(role.operations.rights()));
            self.row(scene.names().subject(group), false, &rights)
        });
        rows.collect()
    }

    fn row(&self, subject: String, administrator: bool, rights: &Rights) -> Option<Row> {
        let asked = |operation: &Operation| self.operations.is_empty() || self.operations.contains(operation);
        let held = rights.iter().filter(|(operation, _)| asked(operation));
        let may: Vec<_> = held
            .map(|(operation, modifiers)| Held {
                operation,
                modifiers: ordered(operation, modifiers).collect(),
            })
            .collect();
        (!may.is_empty()).then_some(Row {
            subject,
            administrator,
            may,
            rules: Vec::new(),
        })
    }
}

impl Report for AccessReport {
    fn is_no(&self) -> bool {
        self.rows.is_empty()
    }

    fn image(&self) -> Option<String> {
        Some(svg::draw(&self.graph))
    }
}

impl fmt::Display for AccessReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rows.is_empty() {
            return writeln!(f, "nobody may do anything in {}", self.place);
        }
        if self.rows.iter().any(|row| !row.rules.is_empty()) {
            return access_kubernetes::table(f, &self.rows);
        }
        if self.operations.is_empty() {
            self.by_type(f)
        } else {
            self.by_operation(f)
        }
    }
}

impl AccessReport {
    /// One column per type, which fits on a screen.
    fn by_type(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut header = vec!["SUBJECT".to_owned()];
        header.extend(ObjectType::ALL.iter().map(|kind| kind.name().to_uppercase()));
        let rows = self.rows.iter().map(|row| {
            let cells = ObjectType::ALL.iter().map(|kind| cell(row, *kind));
            [row.subject.clone()].into_iter().chain(cells).collect()
        });
        text::columns(f, &header, &rows.collect::<Vec<_>>())?;
        writeln!(
            f,
            "\nall: every operation with every modifier; plain: every operation without its modifiers; view: no more than View Only;\nn/m: n of m operations. Name operations to see each of them, or take the JSON."
        )
    }

    /// One column per operation that was asked for.
    fn by_operation(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut header = vec!["SUBJECT".to_owned()];
        header.extend(
            self.operations
                .iter()
                .map(|operation| operation.name().to_uppercase()),
        );
        let rows = self.rows.iter().map(|row| {
            let cells = self.operations.iter().map(|operation| {
                let held = row.may.iter().find(|held| held.operation == *operation);
                match held {
                    None => "-".to_owned(),
                    Some(held) if held.modifiers.is_empty() => "yes".to_owned(),
                    Some(held) if held.modifiers.len() == operation.modifiers().len() => {
                        "yes, any modifier".to_owned()
                    }
                    Some(held) => {
                        let names: Vec<_> = held.modifiers.iter().map(|modifier| modifier.name()).collect();
                        format!("yes, {}", names.join(", "))
                    }
                }
            });
            [row.subject.clone()].into_iter().chain(cells).collect()
        });
        text::columns(f, &header, &rows.collect::<Vec<_>>())
    }
}

/// Whether the role View Only has it too.
fn looks_only(held: &Held) -> bool {
    let view_only = builtin_roles()
        .into_iter()
        .find(|role| role.id.as_str() == builtin::VIEW_ONLY);
    let modifiers = held.modifiers.iter().copied().collect();
    view_only.is_some_and(|role| role.operations.rights().allows(held.operation, modifiers))
}

fn cell(row: &Row, kind: ObjectType) -> String {
    let held: Vec<_> = row
        .may
        .iter()
        .filter(|held| held.operation.object_type() == kind)
        .collect();
    let all = Operation::ALL
        .iter()
        .filter(|operation| operation.object_type() == kind)
        .count();
    let has_all_modifiers = |held: &&Held| {
        let modifiers: ModifierSet = held.modifiers.iter().copied().collect();
        modifiers.covers(held.operation.modifiers().iter().copied().collect())
    };
    if held.is_empty() {
        "-".to_owned()
    } else if held.len() == all && held.iter().all(has_all_modifiers) {
        "all".to_owned()
    } else if held.len() == all && held.iter().all(|held| held.modifiers.is_empty()) {
        "plain".to_owned()
    } else if held.iter().all(|held| looks_only(held)) {
        "view".to_owned()
    } else {
        format!("{}/{all}", held.len())
    }
}
