//! `ucp config validate`: every mistake of a file at once.

use super::File;
use crate::error::CliError;
use crate::output::Output;

pub(super) fn run(file: &File, output: &mut Output<'_>) -> Result<(), CliError> {
    file.config(output).map(drop)
}
