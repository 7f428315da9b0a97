//! Versions of the product: three numbers, ordered.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The variable of the environment that says which version an image is.
pub const VERSION_VARIABLE: &str = "UCP_VERSION";

/// The version when nothing says another one.
pub const DEFAULT_VERSION: ProductVersion = ProductVersion::new(3, 4, 15);

/// A version such as `3.4.15`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProductVersion {
    /// The first number.
    pub major: u16,
    /// The second number.
    pub minor: u16,
    /// The third number.
    pub patch: u16,
}

/// A text that is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no version: write three numbers with dots between them, such as 3.4.15")]
pub struct VersionError(pub String);

impl ProductVersion {
    /// A version of three numbers.
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self { major, minor, patch }
    }
}

/// The version that runs: what [`VERSION_VARIABLE`] says, or [`DEFAULT_VERSION`] when it is not set or empty.
///
/// # Errors
/// When the variable holds no version.
///
/// ```
/// use mke_core::product::{ProductVersion, version};
/// assert_eq!(version(None), Ok(ProductVersion::new(3, 4, 15)));
/// assert_eq!(version(Some("3.5.9")), Ok(ProductVersion::new(3, 5, 9)));
/// assert!(version(Some("latest")).is_err());
/// ```
pub fn version(variable: Option<&str>) -> Result<ProductVersion, VersionError> {
    match variable {
        None | Some("") => Ok(DEFAULT_VERSION),
        Some(text) => text.parse(),
    }
}

impl FromStr for ProductVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || VersionError(text.to_owned());
        // `u16::from_str` takes a plus sign, and leading zeros would give one version two names.
        let number = |part: &str| {
            let plain =
                part.bytes().all(|byte| byte.is_ascii_digit()) && (part == "0" || !part.starts_with('0'));
            part.parse().ok().filter(|_| plain).ok_or_else(refused)
        };
        let mut parts = text.split('.');
        let mut next = || parts.next().ok_or_else(refused).and_then(number);
        let version = Self::new(next()?, next()?, next()?);
        if parts.next().is_some() {
            return Err(refused());
        }
        Ok(version)
    }
}

impl TryFrom<String> for ProductVersion {
    type Error = VersionError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ProductVersion> for String {
    fn from(version: ProductVersion) -> Self {
        version.to_string()
    }
}

impl fmt::Display for ProductVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}
