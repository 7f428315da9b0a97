//! The one place where the target of a request becomes a path.
//!
//! Escapes are decoded once. A form that two programs could read differently is refused, so that the path
//! that is checked is the path that is forwarded (security case proxy-02). Which paths exist is decided in
//! [`super::route`].

use std::fmt;

use super::query::{Escaped, Query};

/// Longest path, in bytes before decoding.
pub const MAX_PATH_BYTES: usize = 8 * 1024;
/// Longest target with its query, in bytes: build arguments travel in the query.
pub const MAX_TARGET_BYTES: usize = 64 * 1024;
/// Most elements of a path.
pub const MAX_SEGMENTS: usize = 64;

/// Why a target is no path that everybody reads alike.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Absolute form, authority form or `*` instead of a path (RFC 9112 section 3.2).
    #[error("the request target must be a path that starts with `/`")]
    NotOriginForm,
    /// Too long.
    #[error("the request target has {found} bytes, at most {max} are allowed")]
    TooLong {
        /// Bytes found.
        found: usize,
        /// The limit.
        max: usize,
    },
    /// Too deep.
    #[error("the path has more than {max} elements")]
    TooDeep {
        /// The limit.
        max: usize,
    },
    /// Too many query parameters.
    #[error("the query has more than {max} parameters")]
    TooManyParameters {
        /// The limit.
        max: usize,
    },
    /// `%` without two hexadecimal digits, or bytes that are not UTF-8.
    #[error("the request target holds an escape that is not valid UTF-8")]
    Escape,
    /// An escaped slash or percent sign, which programs decode differently often.
    #[error("the path must not hold an escaped slash or percent sign")]
    DoubleMeaning,
    /// A backslash.
    #[error("the path must not hold a backslash")]
    Backslash,
    /// `;`, in some programs the start of path parameters or a separator of the query.
    #[error("the request target must not hold `;`; write it as `%3B` in a query")]
    Parameters,
    /// `#`
    #[error("the request target must not hold a fragment")]
    Fragment,
    /// NUL, another control character or white space.
    #[error("the request target must not hold control characters")]
    Control,
    /// `//`
    #[error("the path must not hold empty elements")]
    EmptyElement,
    /// `.` or `..`
    #[error("the path must not hold `.` or `..` elements")]
    DotElement,
    /// A first element like a version, in another spelling than `v<major>.<minor>`.
    #[error("`{found}` is no API version; write it as in `v1.41`")]
    Version {
        /// The element.
        found: String,
    },
}

/// A version of the Engine API, from the first element of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiVersion {
    /// The part before the dot.
    pub major: u32,
    /// The part after the dot.
    pub minor: u32,
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A request target in its one meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    segments: Vec<String>,
    version: Option<ApiVersion>,
    query: Query,
}

impl Target {
    /// The decoded elements of the path, without the API version.
    pub fn segments(&self) -> &[String] {
        &self.segments
    }

    /// The API version before the path. Paths of the control plane itself carry none.
    pub const fn version(&self) -> Option<ApiVersion> {
        self.version
    }

    /// The query.
    pub const fn query(&self) -> &Query {
        &self.query
    }

    /// The normalized path, escaped again, without version, query and trailing slash.
    pub fn path(&self) -> String {
        join(self.segments.iter().map(String::as_str))
    }
}

/// Builds a path from decoded elements. Characters that names of images use stay readable.
pub(super) fn join<'s>(segments: impl Iterator<Item = &'s str>) -> String {
    let path: String = segments
        .map(|segment| format!("/{}", Escaped(segment, ":@")))
        .collect();
    if path.is_empty() { "/".to_owned() } else { path }
}

/// Reads a request target as it stands in the request line.
///
/// A single trailing slash means nothing: paths of the control plane are in use with and without it. An element
/// holding `/` cannot be written; names of several elements (`localhost:5000/a/b`) are matched as several.
///
/// # Errors
/// Every form that could mean two things, see [`PathError`].
pub fn normalize(raw_target: &str) -> Result<Target, PathError> {
    check_length(raw_target, MAX_TARGET_BYTES)?;
    if raw_target.contains('#') {
        return Err(PathError::Fragment);
    }
    if raw_target.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(PathError::Control);
    }
    let (path, query) = raw_target.split_once('?').unwrap_or((raw_target, ""));
    check_length(path, MAX_PATH_BYTES)?;
    let rest = path.strip_prefix('/').ok_or(PathError::NotOriginForm)?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let mut segments = Vec::new();
    if !rest.is_empty() || path.len() > 1 {
        for raw in rest.split('/') {
            if segments.len() == MAX_SEGMENTS {
                return Err(PathError::TooDeep { max: MAX_SEGMENTS });
            }
            segments.push(element(raw)?);
        }
    }
    let version = match segments.first() {
        Some(first) if looks_like_version(first) => Some(version(first)?),
        _ => None,
    };
    if version.is_some() {
        segments.remove(0);
    }
    Ok(Target {
        segments,
        version,
        query: Query::parse(query)?,
    })
}

fn check_length(text: &str, max: usize) -> Result<(), PathError> {
    if text.len() > max {
        return Err(PathError::TooLong {
            found: text.len(),
            max,
        });
    }
    Ok(())
}

fn element(raw: &str) -> Result<String, PathError> {
    let decoded = decode(raw)?;
    if decoded.is_empty() {
        return Err(PathError::EmptyElement);
    }
    if decoded == "." || decoded == ".." {
        return Err(PathError::DotElement);
    }
    for c in decoded.chars() {
        match c {
            '/' | '%' => return Err(PathError::DoubleMeaning),
            '\\' => return Err(PathError::Backslash),
            ';' => return Err(PathError::Parameters),
            c if c.is_control() => return Err(PathError::Control),
            _ => {}
        }
    }
    Ok(decoded)
}

/// Decodes `%XX` escapes once.
pub(super) fn decode(raw: &str) -> Result<String, PathError> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (Some(high), Some(low)) = (rest.next().and_then(hex), rest.next().and_then(hex)) else {
            return Err(PathError::Escape);
        };
        bytes.push(high << 4 | low);
    }
    String::from_utf8(bytes).map_err(|_| PathError::Escape)
}

const fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// `v` or `V` with nothing but digits and dots behind: `version` and `volumes` are words, `v/` and `V1.41`
/// would be versions to a lenient reader.
fn looks_like_version(segment: &str) -> bool {
    segment
        .strip_prefix(['v', 'V'])
        .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
}

fn version(segment: &str) -> Result<ApiVersion, PathError> {
    let number = |text: &str| {
        let exact = !text.starts_with('0') || text == "0";
        text.parse::<u32>().ok().filter(|_| exact && text.len() <= 4)
    };
    segment
        .strip_prefix('v')
        .and_then(|rest| rest.split_once('.'))
        .and_then(|(major, minor)| {
            Some(ApiVersion {
                major: number(major)?,
                minor: number(minor)?,
            })
        })
        .ok_or_else(|| PathError::Version {
            found: segment.to_owned(),
        })
}
