//! Judgements on single values that containers and services share.

use serde_json::{Map, Value};

use crate::engine::draft::{items, text};

/// Security options that take nothing away. Profiles of the caller's choice may, whatever they are called.
pub(super) fn keeps_confinement(option: &str) -> bool {
    matches!(
        option,
        "no-new-privileges" | "no-new-privileges=true" | "no-new-privileges:true"
    )
}

/// Whether all kernel settings are per container. Others are those of the node.
pub(super) fn sysctls_have_namespaces(sysctls: &Value) -> bool {
    const NAMESPACED: [&str; 5] = ["net.", "fs.mqueue.", "kernel.msg", "kernel.sem", "kernel.shm"];
    sysctls
        .as_object()
        .into_iter()
        .flat_map(Map::keys)
        .all(|key| NAMESPACED.iter().any(|prefix| key.starts_with(prefix)))
}

/// Whether logs stay in files that the Engine keeps for the container. Other drivers connect to places of the
/// caller's choice, as the node.
pub(super) fn logs_stay_here(driver: &Value, options: &Value) -> bool {
    const OPTIONS: [&str; 10] = [
        "compress",
        "env",
        "env-regex",
        "labels",
        "labels-regex",
        "max-buffer-size",
        "max-file",
        "max-size",
        "mode",
        "tag",
    ];
    matches!(text(driver), "" | "json-file" | "local" | "journald" | "none")
        && options
            .as_object()
            .into_iter()
            .flat_map(Map::keys)
            .all(|option| OPTIONS.contains(&option.as_str()))
}

/// Whether no limit raises a priority above programs of the node.
pub(super) fn ulimits_are_harmless(limits: &Value) -> bool {
    items(limits).all(|limit| !matches!(text(&limit["Name"]), "nice" | "rtprio" | "rttime"))
}
