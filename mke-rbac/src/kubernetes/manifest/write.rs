//! Decides how roles and bindings are written as manifests: in the form that [`Rbac::from_manifests`] and
//! Kubernetes read.

use serde_json::{Map, Value, json};

use crate::kubernetes::escalation::RBAC_GROUP;
use crate::kubernetes::model::{Binding, BindingSubject, KubernetesRole, Rbac};
use crate::kubernetes::selector::LabelSelector;

impl Rbac {
    /// The roles and bindings as one `List` manifest. A binding without a name gets one that is not taken.
    ///
    /// ```
    /// use mke_rbac::kubernetes::Rbac;
    /// let rbac = Rbac::bootstrap();
    /// let text = rbac.to_manifests().to_string();
    /// assert_eq!(Rbac::from_manifests(&text)?, rbac);
    /// # Ok::<_, mke_rbac::kubernetes::ManifestError>(())
    /// ```
    pub fn to_manifests(&self) -> Value {
        let roles = self.roles.iter().map(KubernetesRole::to_manifest);
        let mut unnamed = 0;
        let bindings = self.bindings.iter().map(|binding| match &binding.name {
            Some(_) => binding.to_manifest(),
            None => {
                let name = loop {
                    unnamed += 1;
                    let name = format!("binding-{unnamed}");
                    if self
                        .bindings
                        .iter()
                        .all(|other| other.name.as_ref() != Some(&name))
                    {
                        break name;
                    }
                };
                let named = Binding {
                    name: Some(name),
                    ..binding.clone()
                };
                named.to_manifest()
            }
        });
        let items: Vec<_> = roles.chain(bindings).collect();
        json!({"apiVersion": "v1", "kind": "List", "items": items})
    }
}

impl KubernetesRole {
    /// The role as manifest.
    pub fn to_manifest(&self) -> Value {
        let mut object = head(self.kind.word(), Some(&self.name), self.namespace.as_deref());
        if !self.labels.is_empty()
            && let Some(Value::Object(metadata)) = object.get_mut("metadata")
        {
            metadata.insert("labels".to_owned(), json!(self.labels));
        }
        if let Some(selectors) = &self.aggregate {
            let selectors: Vec<_> = selectors.iter().map(selector).collect();
            object.insert(
                "aggregationRule".to_owned(),
                json!({"clusterRoleSelectors": selectors}),
            );
        }
        object.insert("rules".to_owned(), json!(self.rules));
        Value::Object(object)
    }
}

impl Binding {
    /// The binding as manifest.
    pub fn to_manifest(&self) -> Value {
        let mut object = head(self.kind.word(), self.name.as_deref(), self.namespace.as_deref());
        object.insert(
            "roleRef".to_owned(),
            json!({"apiGroup": RBAC_GROUP, "kind": self.role.kind, "name": self.role.name}),
        );
        let subjects: Vec<_> = self.subjects.iter().map(subject).collect();
        object.insert("subjects".to_owned(), json!(subjects));
        Value::Object(object)
    }
}

fn head(kind: &str, name: Option<&str>, namespace: Option<&str>) -> Map<String, Value> {
    let mut metadata = Map::new();
    for (key, value) in [("name", name), ("namespace", namespace)] {
        if let Some(value) = value {
            metadata.insert(key.to_owned(), value.into());
        }
    }
    let mut object = Map::new();
    object.insert("apiVersion".to_owned(), format!("{RBAC_GROUP}/v1").into());
    object.insert("kind".to_owned(), kind.into());
    object.insert("metadata".to_owned(), metadata.into());
    object
}

fn selector(selector: &LabelSelector) -> Value {
    let mut written = Map::new();
    if !selector.labels.is_empty() {
        written.insert("matchLabels".to_owned(), json!(selector.labels));
    }
    if !selector.expressions.is_empty() {
        written.insert("matchExpressions".to_owned(), json!(selector.expressions));
    }
    Value::Object(written)
}

fn subject(subject: &BindingSubject) -> Value {
    match subject {
        BindingSubject::User { name } => json!({"apiGroup": RBAC_GROUP, "kind": "User", "name": name}),
        BindingSubject::Group { name } => json!({"apiGroup": RBAC_GROUP, "kind": "Group", "name": name}),
        BindingSubject::ServiceAccount { name, namespace } => match namespace {
            Some(namespace) => json!({"kind": "ServiceAccount", "name": name, "namespace": namespace}),
            None => json!({"kind": "ServiceAccount", "name": name}),
        },
    }
}
