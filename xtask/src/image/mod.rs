//! `cargo xtask image`: the images of the product as one archive, made without an engine, and what such an archive holds.
//!
//! The same programs and libraries give the same bytes. Names and first programs are in `catalogue.rs`, what a file system holds is in
//! `layers.rs`.

mod archive;
mod catalogue;
mod check;
mod config;
mod digest;
mod layers;
mod libraries;
mod programs;
mod tar;
mod tree;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Outcome};
use crate::{checkout, command, packages, say};

pub(crate) use catalogue::{ORGANISATION, VERSION};
pub(crate) use programs::Programs;

/// Makes the images of the product.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Optimised programs, as for use. Without it they are those of the development build.
    #[arg(long)]
    release: bool,
    /// The version that the images say they are. The programs are the same for all.
    #[arg(long, default_value = VERSION, value_name = "X.Y.Z", value_parser = version)]
    version: String,
    /// What stands before the names of the images.
    #[arg(long, default_value = ORGANISATION, value_name = "NAME")]
    organisation: String,
    /// Where to write; compressed when the name ends with `.gz` [default: target/image/ucp_images_X.Y.Z.tar.gz].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Makes nothing: looks whether the archive is whole, and lists its images with their sizes.
    #[arg(long, conflicts_with = "release")]
    check: bool,
}

/// Makes an archive, or looks at one.
pub(crate) fn run(args: &Args) -> Outcome {
    let usual = || {
        let directory = checkout::root().join("target/image");
        directory.join(format!("ucp_images_{}.tar.gz", args.version))
    };
    let out = args.out.clone().unwrap_or_else(usual);
    if args.check {
        return check::run(&out);
    }
    make_as(args.release, &args.version, &args.organisation, &out)?;
    say::data(&checkout::shown(&out));
    Ok(())
}

/// Builds the programs and writes an archive of one version under the usual names.
pub(crate) fn make(release: bool, version: &str, out: &Path) -> Outcome {
    make_as(release, version, ORGANISATION, out)
}

fn make_as(release: bool, version: &str, organisation: &str, out: &Path) -> Outcome {
    packages::ensure(&packages::for_image(), "cargo xtask image")?;
    say::step("building the programs");
    let programs = Programs::build(release)?;
    Images::of(&programs)?.write(version, organisation, out)
}

/// Everything that images are made of, read once: archives of several versions differ only in what they say.
struct Images(layers::Layers);

impl Images {
    /// Collects the programs, their libraries and what the images of other projects need.
    fn of(programs: &Programs) -> Outcome<Self> {
        say::step("collecting files and libraries");
        layers::Layers::collect(programs).map(Self)
    }

    /// Writes the archive of one version.
    fn write(&self, version: &str, organisation: &str, out: &Path) -> Outcome {
        if let Some(directory) = out.parent() {
            std::fs::create_dir_all(directory).map_err(Failure::file("create", directory))?;
        }
        let bytes = archive::bytes(&self.0, version, organisation)?;
        let packed = out.extension().is_some_and(|extension| extension == "gz");
        let plain = if packed {
            out.with_extension("")
        } else {
            out.to_owned()
        };
        std::fs::write(&plain, bytes).map_err(Failure::file("write", &plain))?;
        if packed {
            // -n: neither name nor time, so that the bytes depend on the content only.
            command::must(Command::new("gzip").args(["-n", "-f"]).arg(&plain))?;
        }
        Ok(())
    }
}

/// A version before the usual one, for tests of upgrades.
const PREVIOUS_VERSION: &str = "3.4.14";

/// Archives for tests of the workspace, of two versions, each with the variable that names it to them.
pub(crate) fn for_tests(programs: &Programs) -> Outcome<[(&'static str, PathBuf); 2]> {
    let images = Images::of(programs)?;
    let directory = checkout::root().join("target/image/test");
    let archive = |variable, version: &str| {
        let file = directory.join(format!("{version}.tar"));
        images.write(version, ORGANISATION, &file)?;
        Ok((variable, file))
    };
    Ok([
        archive("MKE_TEST_IMAGES", VERSION)?,
        archive("MKE_TEST_IMAGES_PREVIOUS", PREVIOUS_VERSION)?,
    ])
}

/// Three numbers, as the product's versions are.
fn version(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.split('.').collect();
    let number = |part: &&str| {
        part.parse::<u16>()
            .is_ok_and(|number| number.to_string() == **part)
    };
    if parts.len() == 3 && parts.iter().all(number) {
        Ok(text.to_owned())
    } else {
        Err("write three numbers with dots between them, such as 3.4.15".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_three_numbers() {
        for good in ["3.4.15", "0.0.0", VERSION, PREVIOUS_VERSION] {
            assert_eq!(version(good), Ok(good.to_owned()));
        }
        for bad in [
            "",
            "3.4",
            "3.4.15.1",
            "3.4.x",
            "3.04.1",
            "3.4.+1",
            "latest",
            "3.4.70000",
        ] {
            assert!(version(bad).is_err(), "{bad}");
        }
    }
}
