//! What an image says about itself.

use serde_json::{Value, json};

use super::catalogue::{Content, Image};
use super::layers::Layer;

/// Directories in which programs are found by name.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The beginning of time: when an image was made says nothing about what is in it.
const CREATED: &str = "1970-01-01T00:00:00Z";

/// What the programs of this project tell the allocator of the C library (mallopt(3)). Hashing a password takes 19 MiB for a
/// moment; without limits of its own the allocator would keep that for every thread that ever did it.
const ALLOCATOR: [&str; 3] = [
    "MALLOC_ARENA_MAX=2",
    "MALLOC_MMAP_THRESHOLD_=1048576",
    "MALLOC_TRIM_THRESHOLD_=1048576",
];

/// The configuration of an image of one version above these layers.
pub(super) fn of(image: &Image, version: &str, layers: &[&Layer]) -> Value {
    let digests: Vec<String> = layers
        .iter()
        .map(|layer| format!("sha256:{}", layer.digest))
        .collect();
    let history: Vec<Value> = layers
        .iter()
        .map(|layer| json!({ "created": CREATED, "created_by": layer.what }))
        .collect();
    let mut environment = vec![format!("PATH={PATH}"), format!("UCP_VERSION={version}")];
    if image.content == Content::Own {
        environment.extend(ALLOCATOR.map(str::to_owned));
    }
    json!({
        "architecture": architecture(),
        "os": "linux",
        "created": CREATED,
        "config": {
            "Env": environment,
            "Entrypoint": image.entrypoint,
            "WorkingDir": "/",
            "Labels": {
                "com.docker.ucp.version": version,
                "org.opencontainers.image.title": image.name,
                "org.opencontainers.image.version": version,
                "org.opencontainers.image.licenses": "Apache-2.0",
            },
        },
        "rootfs": { "type": "layers", "diff_ids": digests },
        "history": history,
    })
}

/// This machine's, in the words of images.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
