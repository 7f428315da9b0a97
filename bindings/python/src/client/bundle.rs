//! A client bundle in memory: its key is in it and nowhere else.

use std::collections::BTreeMap;
use std::path::PathBuf;

use mke_client::bundle::{prepare, write_private};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::raised;

/// A client bundle, as `client.bundles.create` returns it. The private key in it exists nowhere else.
///
/// `unpack` makes what `docker` and `kubectl` use; `save` keeps the archive; both make files that their owner alone can read.
#[pyclass(module = "mke.client", frozen)]
pub(crate) struct Bundle {
    bundle: mke_client::Bundle,
    zip: Vec<u8>,
}

impl Bundle {
    /// Reads an archive; `origin` says in errors where it is from.
    pub(crate) fn of(origin: &str, zip: Vec<u8>) -> PyResult<Self> {
        let bundle = mke_client::Bundle::parse(origin, &zip).map_err(raised)?;
        Ok(Self { bundle, zip })
    }
}

#[pymethods]
impl Bundle {
    /// Reads an archive.
    ///
    /// Raises:
    ///     mke.errors.ClientError: it is no bundle, or has names that lead elsewhere.
    #[new]
    fn new(zip: Vec<u8>) -> PyResult<Self> {
        Self::of("the archive", zip)
    }

    /// The public key of its user in PEM, which the control plane must know; None when the archive does not name it.
    #[getter]
    fn public_key(&self) -> Option<String> {
        let mut files = self.bundle.files();
        let (_, content) = files.find(|(name, _)| name.as_os_str() == "cert.pub")?;
        String::from_utf8(content.to_vec()).ok()
    }

    /// The archive as it came.
    #[getter]
    fn zip<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.zip)
    }

    /// The files by their names.
    fn files<'py>(&self, py: Python<'py>) -> BTreeMap<String, Bound<'py, PyBytes>> {
        self.bundle
            .files()
            .map(|(name, content)| (name.display().to_string(), PyBytes::new(py, content)))
            .collect()
    }

    /// Where the control plane of the bundle is: `https://HOST:PORT`.
    #[getter]
    fn url(&self) -> PyResult<String> {
        self.bundle.url().map_err(raised)
    }

    /// Unpacks it into a new or empty directory: directories with mode 0700, files with mode 0600.
    ///
    /// Raises:
    ///     mke.errors.ClientError: the directory holds something already (kind `NotEmpty`), or cannot be written.
    fn unpack(&self, py: Python<'_>, directory: PathBuf) -> PyResult<()> {
        py.detach(|| prepare(&directory).and_then(|()| self.bundle.unpack(&directory)))
            .map_err(raised)
    }

    /// Writes the archive to a new file with mode 0600.
    ///
    /// Raises:
    ///     mke.errors.ClientError: the file is there already, or cannot be written (kind `File`).
    fn save(&self, py: Python<'_>, file: PathBuf) -> PyResult<()> {
        py.detach(|| write_private(&file, &self.zip)).map_err(raised)
    }

    fn __len__(&self) -> usize {
        self.bundle.files().count()
    }

    fn __repr__(&self) -> String {
        let count = self.bundle.files().count();
        format!("<Bundle of {count} files, {} bytes>", self.zip.len())
    }
}
