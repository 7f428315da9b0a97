//! The written forms of questions. Unknown fields are refused.

use std::fmt;
use std::str::FromStr;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::demand::ObjectKind;
use crate::operation::{Modifier, Operation};

/// A question, with the user it is about: `{"user": "jane", "kind": "check", …}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The name of the user; nobody when absent. For Kubernetes questions the name that Kubernetes sees.
    pub user: Option<String>,
    /// What is asked.
    pub ask: Ask,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Ask {
    /// May an operation be used in a collection?
    Check(CheckQuestion),
    /// May an object be created, and where does it go?
    Create(CreateQuestion),
    /// May an object be changed or moved?
    Update(UpdateQuestion),
    /// Which objects does a list show?
    List(ListQuestion),
    /// Which collections are visible?
    Collections(CollectionsQuestion),
    /// Where may a workload in a collection run?
    Schedule(ScheduleQuestion),
    /// Which operations are held in a collection?
    Effective(EffectiveQuestion),
    /// May an Engine API call be made?
    Api(ApiQuestion),
    /// May a Kubernetes request be made?
    K8s(KubernetesQuestion),
    /// What may be done at all?
    Rights(RightsQuestion),
}

/// Everything that somebody can do.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RightsQuestion {
    /// The path of a collection; without it every collection in which rights change on the way down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// The Kubernetes namespace; without it only what holds in the whole cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// A user name as Kubernetes sees it: then only Kubernetes is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes_user: Option<String>,
    /// The groups of that user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

/// One operation in one collection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckQuestion {
    /// The operation.
    pub operation: Operation,
    /// Its modifiers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modifiers: Vec<Modifier>,
    /// The path of the collection.
    pub collection: String,
}

/// A new object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateQuestion {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: ObjectKind,
    /// Its name; decides nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The access label; without it the default collection counts (R13).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Modifiers of the creating operation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modifiers: Vec<Modifier>,
    /// What it refers to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<Use>,
    /// A network of a node-local driver, which is bound to nodes (R41).
    #[serde(default, skip_serializing_if = "is_false")]
    pub local: bool,
    /// A volume of a cluster-wide driver, which is not bound to nodes (R41).
    #[serde(default, skip_serializing_if = "is_false")]
    pub global_driver: bool,
}

/// A change of an existing object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateQuestion {
    /// The object.
    pub resource: ResourceName,
    /// The new access label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Modifiers of the changing operation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modifiers: Vec<Modifier>,
    /// What it refers to from now on; absent for what it refers to already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<Vec<Use>>,
}

/// A list of objects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListQuestion {
    /// Their type.
    #[serde(rename = "type")]
    pub kind: ObjectKind,
}

/// The visible collections.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollectionsQuestion {}

/// The placement of node-bound workloads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleQuestion {
    /// The path of the collection.
    pub collection: String,
}

/// The effective role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EffectiveQuestion {
    /// The path of the collection.
    pub collection: String,
}

/// An Engine API call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiQuestion {
    /// The HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The object that the path addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceName>,
    /// The object that the body or query names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<ResourceName>,
    /// Modifiers of the operation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modifiers: Vec<Modifier>,
    /// The body, which is then judged completely, together with the query: JSON, a text that is taken for the raw
    /// body, or `null` for a call without a body. Absent when `other` and `modifiers` say what matters of it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "even_null"
    )]
    pub body: Option<Value>,
}

/// A Kubernetes request; the user is that of the [`Question`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KubernetesQuestion {
    /// An account of this cluster that asks, with its groups, in the place of a user name of Kubernetes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The groups of the user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// The verb.
    pub verb: String,
    /// The API group, empty for the core group.
    #[serde(default)]
    pub group: String,
    /// The resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Its subresource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subresource: Option<String>,
    /// The name of the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The path of a request that is not about a resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// A value that is there, also when it is `null`.
fn even_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Ask {
    /// Every `kind`, as written.
    pub const KINDS: &'static [&'static str] = &[
        "check",
        "create",
        "update",
        "list",
        "collections",
        "schedule",
        "effective",
        "api",
        "k8s",
    ];

    /// The `kind` of this one.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Check(_) => "check",
            Self::Create(_) => "create",
            Self::Update(_) => "update",
            Self::List(_) => "list",
            Self::Collections(_) => "collections",
            Self::Schedule(_) => "schedule",
            Self::Effective(_) => "effective",
            Self::Api(_) => "api",
            Self::K8s(_) => "k8s",
            Self::Rights(_) => "rights",
        }
    }
}

/// By hand, so that a complaint names the field: it is lost in the derived form.
impl<'de> Deserialize<'de> for Ask {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::<String, Value>::deserialize(deserializer)?;
        let kind = fields.remove("kind");
        let kind = kind.as_ref().ok_or_else(|| D::Error::missing_field("kind"))?;
        let kind = kind
            .as_str()
            .ok_or_else(|| D::Error::custom("`kind` must be text"))?;
        let fields = Value::Object(fields);
        Ok(match kind {
            "check" => Self::Check(read(fields)?),
            "create" => Self::Create(read(fields)?),
            "update" => Self::Update(read(fields)?),
            "list" => Self::List(read(fields)?),
            "collections" => Self::Collections(read(fields)?),
            "schedule" => Self::Schedule(read(fields)?),
            "effective" => Self::Effective(read(fields)?),
            "api" => Self::Api(read(fields)?),
            "k8s" => Self::K8s(read(fields)?),
            "rights" => Self::Rights(read(fields)?),
            other => return Err(D::Error::unknown_variant(other, Self::KINDS)),
        })
    }
}

fn read<T: DeserializeOwned, E: serde::de::Error>(fields: Value) -> Result<T, E> {
    serde_path_to_error::deserialize(fields).map_err(|error| match error.path().to_string() {
        whole if whole == "." => E::custom(error.into_inner()),
        field => E::custom(format!("`{field}`: {}", error.into_inner())),
    })
}

impl Serialize for Question {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ask = serde_json::to_value(&self.ask).map_err(serde::ser::Error::custom)?;
        let mut fields = Map::new();
        if let Some(user) = &self.user {
            fields.insert("user".to_owned(), Value::String(user.clone()));
        }
        if let Value::Object(ask) = ask {
            fields.extend(ask);
        }
        fields.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Question {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::<String, Value>::deserialize(deserializer)?;
        let user = match fields.remove("user") {
            None | Some(Value::Null) => None,
            Some(Value::String(user)) => Some(user),
            Some(_) => return Err(D::Error::custom("`user` must be a name")),
        };
        let ask = Ask::deserialize(Value::Object(fields)).map_err(D::Error::custom)?;
        Ok(Self { user, ask })
    }
}

/// An object by type and name, written `service/web`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResourceName {
    /// Its type.
    pub kind: ObjectKind,
    /// Its name.
    pub name: String,
}

/// What a workload refers to, written `secret/tls`, or `newvolume/data` for a named volume that does not exist
/// yet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// An existing object.
    Existing(ResourceName),
    /// A volume that the workload creates.
    NewVolume(String),
}

/// Why a text names no object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` names no object: write a type, a slash and a name, such as `service/web`")]
pub struct ResourceNameError {
    found: String,
}

impl FromStr for ResourceName {
    type Err = ResourceNameError;

    fn from_str(text: &str) -> Result<Self, ResourceNameError> {
        let error = || ResourceNameError {
            found: text.to_owned(),
        };
        let (kind, name) = text.split_once('/').ok_or_else(error)?;
        let kind = ObjectKind::deserialize(Value::from(kind)).map_err(|_| error())?;
        if name.is_empty() {
            return Err(error());
        }
        Ok(Self {
            kind,
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for ResourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.word(), self.name)
    }
}

const NEW_VOLUME: &str = "newvolume/";

impl FromStr for Use {
    type Err = ResourceNameError;

    fn from_str(text: &str) -> Result<Self, ResourceNameError> {
        match text.strip_prefix(NEW_VOLUME) {
            Some(name) => Ok(Self::NewVolume(name.to_owned())),
            None => text.parse().map(Self::Existing),
        }
    }
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Existing(resource) => resource.fmt(f),
            Self::NewVolume(name) => write!(f, "{NEW_VOLUME}{name}"),
        }
    }
}

macro_rules! as_text {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?
                    .parse()
                    .map_err(D::Error::custom)
            }
        }
    };
}

as_text!(ResourceName);
as_text!(Use);
