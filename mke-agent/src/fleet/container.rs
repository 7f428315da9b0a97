//! A container in the list of its node, as it is kept: its text, ready to be shown with the name of the node, and what
//! decides whether it is shown. Pure but for the time that it is told.

use std::ops::Range;
use std::time::Instant;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::status;

/// One item of a list of containers.
#[derive(Debug)]
pub struct Container {
    /// The full id.
    pub id: String,
    /// Every name as the engine writes it, with a slash in front and without the node.
    pub names: Vec<String>,
    /// Its labels.
    pub labels: Map<String, Value>,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// `running`, `exited` and so on.
    pub state: String,
    /// What it was made of: a name or an id of an image.
    pub image: String,
    /// The id of that image.
    pub image_id: String,
    /// Ports of its node that it holds, with the protocol.
    pub host_ports: Vec<(u16, String)>,
    /// Whether it may show a port twice.
    pub twins: bool,
    text: Box<str>,
    status: Range<usize>,
    written: Instant,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Glance<'l> {
    id: String,
    #[serde(borrow, default)]
    names: Option<&'l RawValue>,
    #[serde(default)]
    labels: Option<Map<String, Value>>,
    #[serde(default)]
    created: i64,
    #[serde(default)]
    state: String,
    #[serde(default)]
    image: String,
    #[serde(rename = "ImageID", default)]
    image_id: String,
    #[serde(borrow, default)]
    status: Option<&'l RawValue>,
    #[serde(borrow, default)]
    ports: Option<&'l RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Port {
    public_port: Option<u16>,
    #[serde(default)]
    r#type: String,
}

/// Reads the answer of `GET /containers/json` of a node, which goes before the names.
///
/// # Errors
/// When it is not a list of containers.
pub fn read(list: &[u8], node: &str, now: Instant) -> serde_json::Result<Vec<Container>> {
    let items: Option<Vec<&RawValue>> = serde_json::from_slice(list)?;
    let items = items.unwrap_or_default();
    items
        .into_iter()
        .map(|item| of_item(item.get(), node, now))
        .collect()
}

fn of_item(item: &str, node: &str, now: Instant) -> serde_json::Result<Container> {
    let glance: Glance<'_> = serde_json::from_str(item)?;
    let names: Vec<String> = match glance.names {
        Some(names) => serde_json::from_str::<Option<Vec<String>>>(names.get())?.unwrap_or_default(),
        None => Vec::new(),
    };
    let (text, moved) = match glance.names {
        Some(raw) => {
            let prefixed: Vec<String> = names.iter().map(|name| with_node(node, name)).collect();
            let place = place(item, raw.get());
            let new = serde_json::to_string(&prefixed)?;
            let text = [
                item.get(..place.start).unwrap_or_default(),
                &new,
                item.get(place.end..).unwrap_or_default(),
            ]
            .concat();
            (text, (place.start, new.len(), place.len()))
        }
        None => (item.to_owned(), (item.len(), 0, 0)),
    };
    let status = match glance.status {
        Some(raw) => {
            let place = place(item, raw.get());
            let (at, new, old) = moved;
            let move_by = |position: usize| {
                if position > at {
                    position + new - old
                } else {
                    position
                }
            };
            move_by(place.start)..move_by(place.end)
        }
        None => 0..0,
    };
    let ports = glance.ports.map(RawValue::get).unwrap_or_default();
    let published: Vec<Port> = serde_json::from_str::<Option<Vec<Port>>>(ports)
        .unwrap_or_default()
        .unwrap_or_default();
    Ok(Container {
        id: glance.id,
        names,
        labels: glance.labels.unwrap_or_default(),
        created: glance.created,
        state: glance.state,
        image: glance.image,
        image_id: glance.image_id,
        host_ports: published
            .into_iter()
            .filter_map(|port| Some((port.public_port?, port.r#type)))
            .collect(),
        twins: crate::proxy::ports::may_hold_twins(ports),
        text: text.into_boxed_str(),
        status,
        written: now,
    })
}

/// Where a part of a text lies in it: `part` was borrowed from `whole`.
fn place(whole: &str, part: &str) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
    start..start + part.len()
}

/// A name with its node before it: `/n1/web`.
pub fn with_node(node: &str, name: &str) -> String {
    format!("/{node}/{}", name.trim_start_matches('/'))
}

impl Container {
    /// Bytes that it takes, roughly.
    pub fn bytes(&self) -> usize {
        // The labels are in the text and beside it.
        2 * self.text.len() + 256
    }

    /// The container as it is shown at this moment, as JSON.
    pub fn write(&self, out: &mut Vec<u8>, now: Instant) {
        let elapsed = now.saturating_duration_since(self.written);
        let shown = self.text.get(self.status.clone()).unwrap_or_default();
        let later = serde_json::from_str::<String>(shown)
            .ok()
            .and_then(|status| status::later(&status, elapsed));
        match later {
            Some(status) => {
                out.extend_from_slice(self.text.get(..self.status.start).unwrap_or_default().as_bytes());
                out.extend_from_slice(Value::from(status).to_string().as_bytes());
                out.extend_from_slice(self.text.get(self.status.end..).unwrap_or_default().as_bytes());
            }
            None => out.extend_from_slice(self.text.as_bytes()),
        }
    }

    /// The container as a value, to be changed before it is shown.
    ///
    /// # Errors
    /// Never for what [`read`] made.
    pub fn value(&self, now: Instant) -> serde_json::Result<Value> {
        let mut text = Vec::with_capacity(self.text.len());
        self.write(&mut text, now);
        serde_json::from_slice(&text)
    }

    /// What decides whether it is shown: names without nodes, and labels.
    pub fn glance(&self) -> Value {
        Value::Object(Map::from_iter([
            ("Names".to_owned(), Value::from(self.names.clone())),
            ("Labels".to_owned(), Value::Object(self.labels.clone())),
        ]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::Duration;

    /// DAPI-002: the node goes before every name, time goes on, and all else is what the engine wrote.
    #[test]
    fn a_container_of_a_node() {
        let now = Instant::now();
        for names in [
            json!(["/web"]),
            json!(["/web", "/other/alias"]),
            json!([]),
            Value::Null,
        ] {
            let item = json!({
                "Status": "Up 5 seconds", "Id": "aa11", "Names": names, "Created": 7, "State": "running",
                "Labels": { "a": "b" }, "More": ["x", { "Names": ["/inner"] }],
                "Ports": [{ "PublicPort": 80, "PrivatePort": 8080, "Type": "tcp" }, { "PrivatePort": 1, "Type": "udp" }],
            });
            for text in [
                item.to_string(),
                // Another order of the fields.
                format!(
                    r#"{{"Names":{names}, "Status" : "Up 5 seconds","Id":"aa11","Created":7,"State":"running","Labels":{{"a":"b"}},"More":["x",{{"Names":["/inner"]}}],"Ports":{}}}"#,
                    item["Ports"]
                ),
            ] {
                let read = read(format!("[{text}]").as_bytes(), "n1", now).unwrap();
                let container = &read[0];
                let mut expected = item.clone();
                let prefixed: Vec<_> = names
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|name| with_node("n1", name.as_str().unwrap()))
                    .collect();
                expected["Names"] = json!(prefixed);
                if names.is_null() {
                    expected["Names"] = container.value(now).unwrap()["Names"].clone();
                }
                assert_eq!(container.value(now).unwrap(), expected);
                expected["Status"] = json!("Up 8 seconds");
                assert_eq!(container.value(now + Duration::from_secs(3)).unwrap(), expected);
                assert_eq!(container.names.len(), prefixed.len());
                assert_eq!((container.created, container.state.as_str()), (7, "running"));
                assert_eq!(container.host_ports, [(80, "tcp".to_owned())]);
                assert_eq!(container.glance()["Labels"], json!({ "a": "b" }));
            }
        }
        assert!(read(b"null", "n1", now).unwrap().is_empty());
        assert!(read(b"{}", "n1", now).is_err());
    }
}
