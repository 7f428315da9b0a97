//! Flags of Kubernetes components as maps: `--enable-garbage-collector=false` becomes
//! `enable-garbage-collector: false`.

use serde_json::{Map, Value};

/// A list of flags as a map, and the flags that no map can hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Flags {
    /// Values by the name of the flag, without dashes.
    pub(super) args: Map<String, Value>,
    /// Each flag that was left out, as it was written, with the reason.
    pub(super) left: Vec<(String, &'static str)>,
}

/// Reads flags in the form `--name=value` or `--name`. Words that are `true` or `false` become booleans, digits become
/// numbers, as in the files that the documents show.
pub(super) fn to_map<'f>(flags: impl IntoIterator<Item = &'f str>) -> Flags {
    let mut read = Flags::default();
    for flag in flags {
        let mut leave = |why| read.left.push((flag.to_owned(), why));
        let Some(named) = flag.trim().strip_prefix("--") else {
            leave("it is not written as --name=value");
            continue;
        };
        let (name, value) = match named.split_once('=') {
            Some((name, value)) => (name, scalar(value)),
            None => (named, Value::Bool(true)),
        };
        if name.is_empty()
            || !name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        {
            leave("it has no name");
        } else if read.args.contains_key(name) {
            leave("a map holds each flag once");
        } else {
            read.args.insert(name.to_owned(), value);
        }
    }
    read
}

/// A text as boolean or number where it is one, and nothing of its spelling would be lost.
fn scalar(text: &str) -> Value {
    match (text, text.parse::<i64>()) {
        ("true", _) => Value::Bool(true),
        ("false", _) => Value::Bool(false),
        (_, Ok(number)) if number.to_string() == text => number.into(),
        _ => Value::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// M4-009: flags become a map; what no map can hold is named with its reason, never dropped.
    #[test]
    fn flags_become_a_map() {
        let read = to_map([
            "--enable-garbage-collector=false",
            "--v=4",
            "--profiling",
            "--feature-gates=A=true,B=false",
            "--zone=007",
            "--v=5",
            "-x=1",
            "plain",
            "--=1",
        ]);
        let expected = json!({
            "enable-garbage-collector": false,
            "v": 4,
            "profiling": true,
            "feature-gates": "A=true,B=false",
            "zone": "007",
        });
        assert_eq!(Value::Object(read.args), expected);
        let left: Vec<_> = read.left.iter().map(|(flag, _)| flag.as_str()).collect();
        assert_eq!(left, ["--v=5", "-x=1", "plain", "--=1"]);
    }
}
