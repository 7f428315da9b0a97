//! The archive: which entries it has, in which form.
//!
//! Entries are stored, not compressed, as clients have seen them ever since; keys do not compress anyway. The
//! root has two layouts side by side, plain files and an exported docker context. Newer docker clients refuse
//! an exported context with other files around it, so a second archive inside holds only that.

use std::io::{Cursor, Write as _};

use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{BundleError, Contents, documents, scripts};

/// The archive for docker inside.
const CONTEXT_ARCHIVE: &str = "ucp-docker-bundle.zip";

/// Most bytes around the inner archive. One client opens it with the length of the outer one, and looks for its
/// directory in the last 65 KiB only.
pub const MAX_AROUND_CONTEXT: usize = 66_560 - 1;

/// What everybody may read, and what only the owner may.
const PUBLIC: u32 = 0o644;
const PRIVATE: u32 = 0o600;

struct Entry<'a> {
    name: &'static str,
    mode: u32,
    content: &'a [u8],
}

pub(super) fn pack(contents: &Contents<'_>) -> Result<Vec<u8>, BundleError> {
    let meta = documents::context(contents)?;
    let kubeconfig = documents::kubeconfig(contents)?;
    let sh = scripts::sh(contents.place, contents.user);
    let cmd = scripts::cmd(contents.place, contents.user);
    let ps1 = scripts::ps1(contents.place, contents.user);
    let ca = contents.ca.as_bytes();
    let certificate = contents.certificate.as_bytes();
    let key = contents.private_key.expose().as_bytes();
    let entry = |name, mode, content| Entry { name, mode, content };
    let context = [
        entry("meta.json", PUBLIC, meta.as_bytes()),
        entry("tls/docker/ca.pem", PUBLIC, ca),
        entry("tls/docker/cert.pem", PUBLIC, certificate),
        entry("tls/docker/key.pem", PRIVATE, key),
        entry("tls/kubernetes/ca.pem", PUBLIC, ca),
        entry("tls/kubernetes/cert.pem", PUBLIC, certificate),
        entry("tls/kubernetes/key.pem", PRIVATE, key),
    ];
    let inner = write(&context)?;
    let files = [
        entry("ca.pem", PUBLIC, ca),
        entry("cert.pem", PUBLIC, certificate),
        entry("key.pem", PRIVATE, key),
        entry("cert.pub", PUBLIC, contents.public_key.as_bytes()),
        entry("kube.yml", PRIVATE, kubeconfig.as_bytes()),
        entry("env.sh", PUBLIC, sh.as_bytes()),
        entry("env.cmd", PUBLIC, cmd.as_bytes()),
        entry("env.ps1", PUBLIC, ps1.as_bytes()),
    ];
    let inside = [entry(CONTEXT_ARCHIVE, PRIVATE, inner.as_slice())];
    let outer = write(files.iter().chain(&context).chain(&inside))?;
    let around = outer.len() - inner.len();
    if around > MAX_AROUND_CONTEXT {
        return Err(BundleError::TooLarge { found: around });
    }
    Ok(outer)
}

fn write<'a>(entries: impl IntoIterator<Item = &'a Entry<'a>>) -> Result<Vec<u8>, BundleError> {
    let failed = |error: ZipError| BundleError::Pack(error.to_string());
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for entry in entries {
        // No modification time is set: the archive is a function of its contents.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .unix_permissions(entry.mode);
        zip.start_file(entry.name, options).map_err(failed)?;
        zip.write_all(entry.content)
            .map_err(|error| BundleError::Pack(error.to_string()))?;
    }
    Ok(zip.finish().map_err(failed)?.into_inner())
}
