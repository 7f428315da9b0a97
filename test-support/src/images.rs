//! Archives with the images of the product, which `cargo xtask test` makes once for all tests.

use std::path::PathBuf;

/// The archive with the images of the usual version.
pub fn archive() -> PathBuf {
    from_environment("MKE_TEST_IMAGES", "")
}

/// The archive with the images of the version before it, for tests of upgrades.
pub fn previous_archive() -> PathBuf {
    from_environment("MKE_TEST_IMAGES_PREVIOUS", " --version 3.4.14")
}

fn from_environment(variable: &str, options: &str) -> PathBuf {
    let Some(path) = std::env::var_os(variable) else {
        panic!(
            "{variable} is not set: run `cargo xtask test`, or `cargo xtask image{options} --out FILE.tar` and set it to that \
             file's full path"
        );
    };
    let path = PathBuf::from(path);
    assert!(path.is_file(), "{variable}: no file {}", path.display());
    path
}
