//! Which version may follow which (UPG-001, UPG-002), and which versions nobody should install (OFF-002).
//!
//! Patches may be skipped and never go back. Minor and major versions go one step at a time. On top of that, etcd refuses
//! data of a newer etcd, so that some patches of one minor version came out with a newer etcd than early patches of the
//! next one.

use std::fmt;

use super::ProductVersion;

/// Versions that were withdrawn.
pub const WITHDRAWN: &[ProductVersion] = &[ProductVersion::new(3, 4, 1), ProductVersion::new(3, 4, 3)];

/// From this version on (up to the last patch of its minor version), the next minor version must be at least the other.
const ETCD_FLOORS: &[(ProductVersion, ProductVersion)] = &[
    (ProductVersion::new(3, 4, 12), ProductVersion::new(3, 5, 6)),
    (ProductVersion::new(3, 4, 15), ProductVersion::new(3, 5, 9)),
    (ProductVersion::new(3, 5, 6), ProductVersion::new(3, 6, 1)),
];

/// Up to this kernel, version 3.4.2 loses nodes.
const TROUBLED_KERNEL: (u16, u16) = (4, 15);

/// An upgrade that is not possible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpgradeRefused {
    /// The version that is there.
    pub from: ProductVersion,
    /// The version that was asked for.
    pub to: ProductVersion,
    /// Every reason.
    pub why: Vec<String>,
    /// What is possible instead, such as `3.4.x, x > 12`.
    pub allowed: Vec<String>,
}

impl std::error::Error for UpgradeRefused {}

impl fmt::Display for UpgradeRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} cannot be upgraded to {}: {}; possible targets: {}",
            self.from,
            self.to,
            self.why.join("; "),
            self.allowed.join(", ")
        )
    }
}

/// Whether a cluster of one version can be upgraded to another.
///
/// # Errors
/// Every reason against it, with the targets that are possible.
///
/// ```
/// use mke_core::product::upgrade_path;
/// assert!(upgrade_path("3.4.12".parse()?, "3.5.6".parse()?).is_ok());
/// let refused = upgrade_path("3.4.15".parse()?, "3.5.8".parse()?).unwrap_err();
/// assert!(refused.allowed.contains(&"3.5.9 or later 3.5".to_owned()), "{refused}");
/// # Ok::<(), mke_core::product::VersionError>(())
/// ```
pub fn upgrade_path(from: ProductVersion, to: ProductVersion) -> Result<(), UpgradeRefused> {
    let mut why = Vec::new();
    if to == from {
        why.push("it is the version that is there".to_owned());
    } else if to < from {
        why.push("versions never go back".to_owned());
    } else if to.major == from.major {
        if to.minor > from.minor.saturating_add(1) {
            why.push("minor versions go one step at a time".to_owned());
        }
    } else if to.major == from.major.saturating_add(1) {
        if to.minor != 0 {
            why.push(format!(
                "a new major version begins with its minor version 0 ({}.0)",
                to.major
            ));
        }
    } else {
        why.push("major versions go one step at a time".to_owned());
    }
    if let Some(floor) = floor(from).filter(|floor| next_minor(from) == (to.major, to.minor) && to < *floor) {
        why.push(format!(
            "its etcd is older than that of {from}, and etcd does not read data of a newer one: {floor} is the first that can"
        ));
    }
    if withdrawn(to) {
        why.push(format!("{to} was withdrawn"));
    }
    if why.is_empty() {
        return Ok(());
    }
    Err(UpgradeRefused {
        from,
        to,
        why,
        allowed: allowed_targets(from),
    })
}

/// What a version can be upgraded to, as texts for people: later patches, the next minor version, the next major one.
pub fn allowed_targets(from: ProductVersion) -> Vec<String> {
    let (major, minor) = next_minor(from);
    let first = floor(from).unwrap_or(ProductVersion::new(major, minor, 0));
    let not = |major, minor, after: u16| {
        let mut left_out = WITHDRAWN
            .iter()
            .filter(|version| version.major == major && version.minor == minor && version.patch >= after);
        let names: Vec<String> = left_out.by_ref().map(ToString::to_string).collect();
        if names.is_empty() {
            String::new()
        } else {
            format!(" except {}", names.join(" and "))
        }
    };
    let later = ProductVersion::new(from.major, from.minor, from.patch.saturating_add(1));
    let line = |first: ProductVersion| {
        format!(
            "{first} or later {}.{}{}",
            first.major,
            first.minor,
            not(first.major, first.minor, first.patch)
        )
    };
    vec![
        line(later),
        line(first),
        format!("{}.0", from.major.saturating_add(1)),
    ]
}

/// Whether a version was withdrawn, so that it is neither installed nor an upgrade's target.
pub fn withdrawn(version: ProductVersion) -> bool {
    WITHDRAWN.contains(&version)
}

/// What somebody should know who installs a version on a kernel, of which the first two numbers are given.
pub fn kernel_advice(version: ProductVersion, kernel: (u16, u16)) -> Option<String> {
    let (major, minor) = TROUBLED_KERNEL;
    let troubled = version == ProductVersion::new(3, 4, 2) && kernel <= TROUBLED_KERNEL;
    troubled.then(|| {
        format!(
            "with {version} on kernel {}.{} nodes may disconnect and support dumps fail: use a kernel after {major}.{minor}, or version 3.4.4",
            kernel.0, kernel.1
        )
    })
}

fn next_minor(from: ProductVersion) -> (u16, u16) {
    (from.major, from.minor.saturating_add(1))
}

/// The least version of the next minor version whose etcd reads the data of this one.
fn floor(from: ProductVersion) -> Option<ProductVersion> {
    let mut rules = ETCD_FLOORS.iter().rev();
    rules
        .find(|(since, _)| {
            (since.major, since.minor) == (from.major, from.minor) && from.patch >= since.patch
        })
        .map(|(_, floor)| *floor)
}
