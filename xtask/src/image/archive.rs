//! The archive that `docker load` reads: layers, one configuration for each image, and a list of both with the names.

use serde_json::{Value, json};

use super::catalogue::IMAGES;
use super::layers::{Layer, Layers};
use super::{config, digest, tar};
use crate::failure::{Failure, Outcome};

/// The list, by the name that the format gives it.
pub(super) const LIST: &str = "manifest.json";

/// The whole archive of one version.
pub(super) fn bytes(layers: &Layers, version: &str, organisation: &str) -> Outcome<Vec<u8>> {
    let mut writer = tar::Writer::default();
    let mut list = Vec::new();
    for image in &IMAGES {
        let own = [&layers.base, layers.of(image.content)];
        let config = text(&config::of(image, version, &own))?;
        let name = format!("{}.json", digest::hex(&config));
        writer.file(&name, 0o644, &config)?;
        list.push(json!({
            "Config": name,
            "RepoTags": [format!("{organisation}/{}:{version}", image.name)],
            "Layers": own.map(place),
        }));
    }
    for layer in layers.all() {
        writer.directory(&layer.digest, 0o755)?;
        writer.file(&place(layer), 0o644, &layer.archive)?;
    }
    writer.file(LIST, 0o644, &text(&Value::Array(list))?)?;
    Ok(writer.finish())
}

fn place(layer: &Layer) -> String {
    format!("{}/layer.tar", layer.digest)
}

fn text(value: &Value) -> Outcome<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| Failure::Broken(format!("cannot write JSON: {error}")))
}
