//! The JSON form of a role, `{type: {operation: [modifiers]}}`, read strictly with all problems at once (R27).

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::legacy;
use super::rights::{Rights, ordered};
use crate::operation::{Modifier, ModifierSet, ObjectType, Operation};

/// The operations of a role. Types of the old Kubernetes role model are kept word for word and allow nothing
/// (R94).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RoleBody {
    rights: Rights,
    legacy: Map<String, Value>,
}

/// One thing that is wrong with a role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoleProblem {
    /// The role, or a part of it, has the wrong JSON type.
    #[error("{place} must be {expected}")]
    Shape {
        /// Where.
        place: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// No object type has this name.
    #[error(
        "unknown type `{found}`: known are Config, Container, Image, Network, Node, Secret, Service and Volume"
    )]
    UnknownType {
        /// The name.
        found: String,
    },
    /// No operation has this name.
    #[error("unknown operation `{found}` of type `{object_type}`")]
    UnknownOperation {
        /// Under which type it stands.
        object_type: String,
        /// The name.
        found: String,
    },
    /// The operation stands under the wrong type.
    #[error("operation `{operation}` belongs to type `{belongs}`, not to `{object_type}`")]
    WrongType {
        /// The operation.
        operation: Operation,
        /// Its type.
        belongs: ObjectType,
        /// The type under which it stands.
        object_type: ObjectType,
    },
    /// The operation has no such modifier.
    #[error("unknown modifier `{found}` of operation `{operation}`")]
    UnknownModifier {
        /// The operation.
        operation: Operation,
        /// The name.
        found: String,
    },
}

impl RoleBody {
    /// Reads the JSON form. Unknown types, operations and modifiers are refused; every problem is reported.
    pub fn parse(value: Value) -> Result<Self, Vec<RoleProblem>> {
        let Value::Object(types) = value else {
            return Err(vec![RoleProblem::Shape {
                place: "a role's operations".to_owned(),
                expected: "an object of types",
            }]);
        };
        let mut body = Self::default();
        let mut problems = Vec::new();
        for (name, operations) in types {
            if name.starts_with(legacy::PREFIX) {
                legacy::check(&name, &operations, &mut problems);
                body.legacy.insert(name, operations);
            } else if let Some(object_type) = ObjectType::from_name(&name) {
                body.read_type(object_type, &operations, &mut problems);
            } else {
                problems.push(RoleProblem::UnknownType { found: name });
            }
        }
        if problems.is_empty() {
            Ok(body)
        } else {
            Err(problems)
        }
    }

    fn read_type(&mut self, object_type: ObjectType, operations: &Value, problems: &mut Vec<RoleProblem>) {
        let Value::Object(operations) = operations else {
            return problems.push(RoleProblem::Shape {
                place: format!("type `{object_type}`"),
                expected: "an object of operations",
            });
        };
        for (name, modifiers) in operations {
            match Operation::from_name(name) {
                None => problems.push(RoleProblem::UnknownOperation {
                    object_type: object_type.to_string(),
                    found: name.clone(),
                }),
                Some(operation) if operation.object_type() != object_type => {
                    problems.push(RoleProblem::WrongType {
                        operation,
                        belongs: operation.object_type(),
                        object_type,
                    });
                }
                Some(operation) => {
                    let modifiers = read_modifiers(operation, modifiers, problems);
                    self.rights.insert(operation, modifiers);
                }
            }
        }
    }

    /// What the role allows.
    pub const fn rights(&self) -> &Rights {
        &self.rights
    }

    /// The kept types of the old Kubernetes role model (R94).
    pub const fn legacy(&self) -> &Map<String, Value> {
        &self.legacy
    }

    /// Whether the role allows nothing.
    pub const fn is_empty(&self) -> bool {
        self.rights.is_empty()
    }
}

fn read_modifiers(operation: Operation, value: &Value, problems: &mut Vec<RoleProblem>) -> ModifierSet {
    let shape = || RoleProblem::Shape {
        place: format!("operation `{operation}`"),
        expected: "a list of modifiers, `[]` for plain use",
    };
    let Value::Array(names) = value else {
        problems.push(shape());
        return ModifierSet::EMPTY;
    };
    let mut modifiers = ModifierSet::EMPTY;
    for name in names {
        let Value::String(name) = name else {
            problems.push(shape());
            continue;
        };
        match Modifier::from_name(name) {
            Some(modifier) if operation.modifiers().contains(&modifier) => modifiers.insert(modifier),
            _ => problems.push(RoleProblem::UnknownModifier {
                operation,
                found: name.clone(),
            }),
        }
    }
    modifiers
}

impl From<Rights> for RoleBody {
    fn from(rights: Rights) -> Self {
        Self {
            rights,
            legacy: Map::new(),
        }
    }
}

impl Serialize for RoleBody {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut types = Map::new();
        for (operation, modifiers) in self.rights.iter() {
            let entry = types
                .entry(operation.object_type().name())
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(operations) = entry {
                let modifiers = ordered(operation, modifiers).map(|modifier| modifier.name());
                operations.insert(operation.name().to_owned(), modifiers.collect());
            }
        }
        for (name, operations) in &self.legacy {
            types.insert(name.clone(), operations.clone());
        }
        types.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RoleBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(Value::deserialize(deserializer)?).map_err(|problems| {
            let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
            serde::de::Error::custom(problems.join("; "))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// RBAC-011, rbac-06: unknown names of each kind are refused, all in one go.
    #[test]
    fn every_problem_is_reported() {
        let problems = RoleBody::parse(json!({
            "Pod": {},
            "Container": {"Container Fly": [], "Image Create": [], "Container View": ["Privileged"], "Container Stop": {}},
            "Image": [],
            "Volume": {"Volume View": [1]},
            "*": {"*": ["*"]},
        }))
        .unwrap_err();
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "unknown type `Pod`: known are Config, Container, Image, Network, Node, Secret, Service and Volume",
                "unknown operation `Container Fly` of type `Container`",
                "operation `Image Create` belongs to type `Image`, not to `Container`",
                "unknown modifier `Privileged` of operation `Container View`",
                "operation `Container Stop` must be a list of modifiers, `[]` for plain use",
                "type `Image` must be an object of operations",
                "operation `Volume View` must be a list of modifiers, `[]` for plain use",
                "unknown type `*`: known are Config, Container, Image, Network, Node, Secret, Service and Volume",
            ]
        );
        assert!(RoleBody::parse(json!([])).is_err());
        assert!(RoleBody::parse(json!(null)).is_err());
    }

    /// R94: types of the old Kubernetes model survive a round trip and allow nothing.
    #[test]
    fn legacy_kubernetes_types_are_kept_and_inert() {
        let value = json!({
            "Service": {"Service View": []},
            "Kubernetes Pod": {"Pod Get": [], "Pod Delete Multiple": []},
            "Kubernetes User": {"User Impersonate": []},
        });
        let body = RoleBody::parse(value.clone()).unwrap();
        assert_eq!(serde_json::to_value(&body).unwrap(), value);
        assert_eq!(
            body.rights()
                .iter()
                .map(|(operation, _)| operation)
                .collect::<Vec<_>>(),
            [Operation::ServiceView]
        );
        assert!(RoleBody::parse(json!({"Kubernetes Spaceship": {}})).is_err());
        assert!(RoleBody::parse(json!({"Kubernetes Pod": {"Pod Fly": []}})).is_err());
        assert!(RoleBody::parse(json!({"Kubernetes Pod": {"Node Get": []}})).is_err());
        assert!(RoleBody::parse(json!({"Kubernetes Pod": {"User Impersonate": []}})).is_err());
    }
}
