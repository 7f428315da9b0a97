//! Decides whether labels are selected: the label selectors of aggregated cluster roles (R85).

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A label selector: every label and every expression must fit. An empty one selects everything.
///
/// Written as a map of labels, `{team: blue}`, or, when there are expressions, in the form of Kubernetes:
/// `{matchLabels: {…}, matchExpressions: [{key: tier, operator: In, values: [a, b]}]}`.
///
/// ```
/// use mke_rbac::kubernetes::LabelSelector;
/// let selector: LabelSelector = serde_json::from_str(r#"{"team": "blue"}"#)?;
/// let labels = |value: &str| [("team".to_owned(), value.to_owned())].into();
/// assert!(selector.selects(&labels("blue")));
/// assert!(!selector.selects(&labels("Blue")));
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelSelector {
    /// Labels that must be there with these values.
    pub labels: BTreeMap<String, String>,
    /// Further conditions.
    pub expressions: Vec<LabelExpression>,
}

/// One condition of a selector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelExpression {
    /// The key of the label.
    pub key: String,
    /// What must hold of it.
    pub operator: LabelOperator,
    /// The values of `In` and `NotIn`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// What an expression asks of a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LabelOperator {
    /// It is there, with one of the values.
    In,
    /// It is not there, or has none of the values.
    NotIn,
    /// It is there.
    Exists,
    /// It is not there.
    DoesNotExist,
}

impl LabelSelector {
    /// Whether an object with these labels is selected.
    pub fn selects(&self, labels: &BTreeMap<String, String>) -> bool {
        let has = |(key, value): (&String, &String)| labels.get(key) == Some(value);
        self.labels.iter().all(has) && self.expressions.iter().all(|expression| expression.holds(labels))
    }
}

impl LabelExpression {
    fn holds(&self, labels: &BTreeMap<String, String>) -> bool {
        let found = labels.get(&self.key);
        match self.operator {
            LabelOperator::In => found.is_some_and(|value| self.values.contains(value)),
            LabelOperator::NotIn => !found.is_some_and(|value| self.values.contains(value)),
            LabelOperator::Exists => found.is_some(),
            LabelOperator::DoesNotExist => found.is_none(),
        }
    }
}

impl From<BTreeMap<String, String>> for LabelSelector {
    fn from(labels: BTreeMap<String, String>) -> Self {
        Self {
            labels,
            expressions: Vec::new(),
        }
    }
}

/// The form of Kubernetes.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Long {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    match_labels: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    match_expressions: Vec<LabelExpression>,
}

/// A map of texts is the short form, also when a key reads `matchLabels`: there its value would be a map.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Short(BTreeMap<String, String>),
    Long(Long),
}

impl Serialize for LabelSelector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.expressions.is_empty() {
            return self.labels.serialize(serializer);
        }
        let long = Long {
            match_labels: self.labels.clone(),
            match_expressions: self.expressions.clone(),
        };
        long.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for LabelSelector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Written::deserialize(deserializer)? {
            Written::Short(labels) => labels.into(),
            Written::Long(long) => Self {
                labels: long.match_labels,
                expressions: long.match_expressions,
            },
        })
    }
}
