//! `ucp version`

use serde::Serialize;

use crate::error::CliError;
use crate::output::Output;

#[derive(Serialize)]
struct Version {
    version: &'static str,
    engine_api: &'static str,
    os: &'static str,
    arch: &'static str,
}

pub(super) fn run(output: &mut Output<'_>) -> Result<(), CliError> {
    let version = Version {
        version: env!("CARGO_PKG_VERSION"),
        engine_api: mke_rbac::engine::NEWEST_API,
        os: std::env::consts::OS,
        arch: std::env::consts::ARCH,
    };
    output.value(&version, |version| {
        format!(
            "ucp {} (Engine API {}, {}/{})",
            version.version, version.engine_api, version.os, version.arch
        )
    })
}
