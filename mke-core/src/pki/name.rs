//! The names under which clients reach a server, as certificates carry them (RFC 5280 section 4.2.1.6).

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use super::error::{NameFault, PkiError};

/// Longest host name (RFC 1035 section 2.3.4, without the final dot).
const MAX_DNS_CHARS: usize = 253;

/// Longest label (RFC 1035 section 2.3.4).
const MAX_LABEL_CHARS: usize = 63;

/// Longest URI. SPIFFE ids may have 2048 bytes; nothing else comes near.
const MAX_URI_CHARS: usize = 2048;

/// One subject alternative name.
///
/// Parsing chooses the kind: `://` makes a URI, an address makes an IP entry, the rest must be a host name.
/// Host names are kept in small letters. Build values by parsing; [`issue`](super::Authority::issue) checks again.
///
/// ```
/// use mke_core::pki::SubjectAltName;
///
/// assert!(matches!("*.Example.com".parse()?, SubjectAltName::Dns(name) if name == "*.example.com"));
/// assert!(matches!("[::1]".parse()?, SubjectAltName::Ip(_)));
/// assert!(matches!("spiffe://cluster/manager".parse()?, SubjectAltName::Uri(_)));
/// assert!("mke.example.com:443".parse::<SubjectAltName>().is_err());
/// # Ok::<(), mke_core::pki::PkiError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectAltName {
    /// A host name, or a wildcard for the names directly below one.
    Dns(String),
    /// An IPv4 or IPv6 address.
    Ip(IpAddr),
    /// An absolute URI (PKI-013).
    Uri(String),
}

impl SubjectAltName {
    /// Whether the value is what parsing its text would give.
    pub(super) fn check(&self) -> Result<(), PkiError> {
        let text = self.to_string();
        let parsed: Self = text.parse()?;
        if parsed == *self {
            Ok(())
        } else {
            Err(PkiError::Name {
                name: text,
                fault: match self {
                    Self::Dns(_) => NameFault::Label,
                    Self::Ip(_) => NameFault::BadAddress,
                    Self::Uri(_) => NameFault::Uri,
                },
            })
        }
    }
}

impl fmt::Display for SubjectAltName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(text) | Self::Uri(text) => f.write_str(text),
            Self::Ip(address) => address.fmt(f),
        }
    }
}

impl FromStr for SubjectAltName {
    type Err = PkiError;

    fn from_str(text: &str) -> Result<Self, PkiError> {
        parse(text).map_err(|fault| PkiError::Name {
            name: text.chars().take(MAX_DNS_CHARS).collect(),
            fault,
        })
    }
}

fn parse(text: &str) -> Result<SubjectAltName, NameFault> {
    if text.is_empty() {
        return Err(NameFault::Empty);
    }
    if text.contains("://") {
        return check_uri(text).map(|()| SubjectAltName::Uri(text.to_owned()));
    }
    if let Some(address) = parse_address(text)? {
        return if address.is_unspecified() {
            Err(NameFault::Unspecified)
        } else {
            Ok(SubjectAltName::Ip(address))
        };
    }
    let name = text.to_ascii_lowercase();
    check_dns(&name)?;
    Ok(SubjectAltName::Dns(name))
}

/// An address, nothing when the text is not meant as one, or why it is a bad one.
fn parse_address(text: &str) -> Result<Option<IpAddr>, NameFault> {
    if let Ok(address) = text.parse() {
        return Ok(Some(address));
    }
    if let Some(inner) = text.strip_prefix('[') {
        let Some((inner, rest)) = inner.split_once(']') else {
            return Err(NameFault::BadAddress);
        };
        return match inner.parse::<Ipv6Addr>() {
            Ok(address) if rest.is_empty() => Ok(Some(address.into())),
            Ok(_) if rest.starts_with(':') => Err(NameFault::Port),
            _ if inner.contains('%') => Err(NameFault::Zone),
            _ => Err(NameFault::BadAddress),
        };
    }
    if text.contains('/') {
        return Err(NameFault::Network);
    }
    if let Some((address, _zone)) = text.split_once('%')
        && address.parse::<Ipv6Addr>().is_ok()
    {
        return Err(NameFault::Zone);
    }
    match text.matches(':').count() {
        0 => {}
        1 => return Err(NameFault::Port),
        _ => return Err(NameFault::BadAddress),
    }
    // A final label of digits would be read as an address by URL parsers, so it cannot be a host name.
    let last = text.rsplit('.').next().unwrap_or(text);
    if !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NameFault::BadAddress);
    }
    Ok(None)
}

fn check_dns(name: &str) -> Result<(), NameFault> {
    if !name.is_ascii() {
        return Err(NameFault::NotAscii);
    }
    if name.len() > MAX_DNS_CHARS {
        return Err(NameFault::TooLong { max: MAX_DNS_CHARS });
    }
    let host = match name.strip_prefix("*.") {
        // `*.com` would cover half the world.
        Some(rest) if !rest.contains('.') => return Err(NameFault::Wildcard),
        Some(rest) => rest,
        None => name,
    };
    if host.contains('*') {
        return Err(NameFault::Wildcard);
    }
    host.split('.').try_for_each(check_label)
}

/// Letters, digits and inner hyphens (RFC 1123 section 2.1), and `_`, which machines in the field do have.
fn check_label(label: &str) -> Result<(), NameFault> {
    let good = (1..=MAX_LABEL_CHARS).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'));
    if !good {
        // `xn--abc-` ends in a hyphen because nothing is encoded in it: say so rather than speak of hyphens.
        return Err(if label.starts_with("xn--") {
            NameFault::BadALabel
        } else {
            NameFault::Label
        });
    }
    match label.strip_prefix("xn--") {
        // RFC 3492 section 3.1: what is not ASCII follows the last hyphen, in letters and digits.
        Some(encoded) if encoded.rsplit('-').next().is_none_or(str::is_empty) || encoded.contains('_') => {
            Err(NameFault::BadALabel)
        }
        _ => Ok(()),
    }
}

/// RFC 5280 section 4.2.1.6: absolute, with a scheme and a host that is a name or an address.
fn check_uri(uri: &str) -> Result<(), NameFault> {
    if uri.len() > MAX_URI_CHARS {
        return Err(NameFault::TooLong { max: MAX_URI_CHARS });
    }
    let (scheme, rest) = uri.split_once("://").ok_or(NameFault::Uri)?;
    let scheme_ok = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    // The characters of RFC 3986; notably no space, quote, `<`, `>`, `\`, `^`, backtick or brace.
    let rest_ok = rest
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    // User information in a certificate is a leaked password or a mistake.
    if !scheme_ok || !rest_ok || authority.contains('@') {
        return Err(NameFault::Uri);
    }
    if let Some(inner) = authority.strip_prefix('[') {
        let (address, port) = inner.split_once(']').ok_or(NameFault::Uri)?;
        address.parse::<Ipv6Addr>().map_err(|_| NameFault::BadAddress)?;
        return check_port(port);
    }
    let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
    check_port(port)?;
    if host.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    let host = host.to_ascii_lowercase();
    if host.contains('*') {
        return Err(NameFault::Wildcard);
    }
    check_dns(&host)
}

/// Nothing, or `:` and a number of a port.
fn check_port(port: &str) -> Result<(), NameFault> {
    match port.strip_prefix(':') {
        None if port.is_empty() => Ok(()),
        Some(digits) if digits.parse::<u16>().is_ok() => Ok(()),
        _ => Err(NameFault::Uri),
    }
}
