//! An environment of Python that holds the wheel and nothing else.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::absolute;
use crate::failure::Outcome;
use crate::{checkout, command, python};

/// What a user of the wheel sees of it: every public module, and the version.
const LOOK: &str = "\
import sys, mke
for part in mke.__all__:
    getattr(mke, part)
print('mke', mke.__version__, 'with', ', '.join(mke.__all__), 'on Python', sys.version.split()[0])";

/// The environment.
pub(crate) struct Clean(PathBuf);

impl Clean {
    /// Makes it anew, with the wheel.
    pub(crate) fn install(wheel: &Path) -> Outcome<Self> {
        let home = absolute(&checkout::target().join("python-clean"))?;
        let mut make = Command::new("python3");
        command::must(make.args(["-m", "venv", "--clear", "--without-pip"]).arg(&home))?;
        let clean = Self(home);
        let mut install = python::program("python");
        install.args(["-m", "pip", "--python"]).arg(clean.interpreter());
        install.args(["install", "--quiet", "--disable-pip-version-check"]);
        // Nothing may be needed besides.
        install.args(["--no-index", "--no-deps"]).arg(wheel);
        command::must(&mut install)?;
        Ok(clean)
    }

    /// Its interpreter.
    pub(crate) fn interpreter(&self) -> PathBuf {
        self.0.join("bin/python")
    }

    /// Where the package is, for an interpreter that has more.
    pub(crate) fn packages(&self) -> Outcome<PathBuf> {
        let ask = "import sysconfig; print(sysconfig.get_path('purelib'))";
        let path = command::capture(self.python().args(["-c", ask]))?;
        Ok(PathBuf::from(path.trim()))
    }

    /// Imports every module and says which there are.
    pub(super) fn look(&self) -> Outcome<String> {
        command::capture(self.python().args(["-c", LOOK])).map(|text| text.trim().to_owned())
    }

    fn python(&self) -> Command {
        let mut command = Command::new(self.interpreter());
        // Neither the caller's directory nor his variables lend it a module.
        command.args(["-I"]);
        command
    }
}
