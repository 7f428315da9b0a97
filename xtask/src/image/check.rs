//! `cargo xtask image --check`: whether an archive is whole, and what is in it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;

use super::archive::LIST;
use super::{digest, tar};
use crate::failure::{Failure, Outcome};
use crate::{checkout, say};

/// One image in the list of an archive.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    config: String,
    repo_tags: Vec<String>,
    layers: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Config {
    rootfs: Rootfs,
}

#[derive(Debug, Deserialize)]
struct Rootfs {
    diff_ids: Vec<String>,
}

/// Prints the images of an archive, when everything that they name is there and is what its name says.
pub(super) fn run(file: &Path) -> Outcome {
    let archive = read(file)?;
    let report = report(&archive)?;
    say::report(&report);
    let on_disk = std::fs::metadata(file)
        .map_err(Failure::file("read", file))?
        .len();
    say::detail(&format!("{}: {}", checkout::shown(file), mebibytes(on_disk)));
    Ok(())
}

fn read(file: &Path) -> Outcome<Vec<u8>> {
    let bytes = std::fs::read(file).map_err(Failure::file("read", file))?;
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let output = Command::new("gzip")
        .args(["--decompress", "--stdout"])
        .arg(file)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::Broken(format!("cannot start `gzip`: {error}")))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        let why = String::from_utf8_lossy(&output.stderr);
        Err(Failure::No(format!(
            "{} is damaged: {}",
            file.display(),
            why.trim()
        )))
    }
}

/// A line for each image and each layer.
fn report(archive: &[u8]) -> Outcome<String> {
    let entries = tar::entries(archive)?;
    let files: BTreeMap<&str, &[u8]> = entries.iter().map(|entry| (entry.name, entry.content)).collect();
    let file = |name: &str| {
        files
            .get(name)
            .copied()
            .ok_or_else(|| Failure::No(format!("the archive has no `{name}`")))
    };
    let list: Vec<Listed> = parse(LIST, file(LIST)?)?;
    let mut text = String::new();
    // Images share layers: each is looked at once.
    let mut layers: BTreeMap<String, (u64, String)> = BTreeMap::new();
    for image in &list {
        let content = file(&image.config)?;
        if image.config != format!("{}.json", digest::hex(content)) {
            return Err(Failure::No(format!(
                "`{}` is not what its name says",
                image.config
            )));
        }
        let config: Config = parse(&image.config, content)?;
        let mut size = 0;
        let mut found = Vec::new();
        for name in &image.layers {
            let content = file(name)?;
            let (length, digest) = layers
                .entry(name.clone())
                .or_insert_with(|| (content.len() as u64, format!("sha256:{}", digest::hex(content))));
            size += *length;
            found.push(digest.clone());
        }
        if found != config.rootfs.diff_ids {
            return Err(Failure::No(format!(
                "the layers of {} are not those of its configuration",
                image.repo_tags.join(", ")
            )));
        }
        for tag in &image.repo_tags {
            // Writing into a text does not fail.
            let _ = writeln!(text, "{tag:<44} {:>10}", mebibytes(size));
        }
    }
    let whole = layers.values().map(|(length, _)| length).sum();
    let _ = writeln!(
        text,
        "{:<44} {:>10}",
        format!("{} images, {} layers", list.len(), layers.len()),
        mebibytes(whole)
    );
    Ok(text)
}

fn parse<'a, T: Deserialize<'a>>(name: &str, content: &'a [u8]) -> Outcome<T> {
    serde_json::from_slice(content).map_err(|error| Failure::No(format!("`{name}` of the archive: {error}")))
}

#[expect(clippy::cast_precision_loss, reason = "one digit behind the point is shown")]
fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / 1_048_576.0)
}

#[cfg(test)]
mod tests {
    use super::super::archive;
    use super::super::layers::Layers;
    use super::*;

    /// The same files give the same bytes; another version changes only what images say.
    #[test]
    fn archives_are_reproducible_and_whole() {
        let layers = Layers::sample();
        let first = archive::bytes(&layers, "3.4.15", "mirantis").unwrap();
        assert!(first == archive::bytes(&Layers::sample(), "3.4.15", "mirantis").unwrap());
        let text = report(&first).unwrap();
        assert!(text.contains("mirantis/ucp-agent:3.4.15"), "{text}");
        assert!(text.contains("14 images, 4 layers"), "{text}");
        let other = archive::bytes(&layers, "3.4.14", "mirantis").unwrap();
        assert!(report(&other).unwrap().contains("mirantis/ucp:3.4.14"));
    }

    #[test]
    fn damage_is_seen() {
        let archive = archive::bytes(&Layers::sample(), "3.4.15", "mirantis").unwrap();
        let at = archive.windows(6).position(|bytes| bytes == b"nobody").unwrap();
        let mut damaged = archive.clone();
        damaged[at] ^= 1;
        let error = report(&damaged).unwrap_err().to_string();
        assert!(error.contains("are not those of its configuration"), "{error}");
        assert!(report(&archive[..archive.len() / 2]).is_err());
    }
}
