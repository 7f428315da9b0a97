//! What a text must look like, one rule per kind of text. Pure checks: nothing is resolved, opened or fetched.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::cron::Cron;

/// What the text of a key, or each text of its list, must look like. `Display` says it in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Any text.
    Any,
    /// A length of time such as `1m30s`, in ns, us, ms, s, m and h.
    Duration,
    /// The same, above zero.
    PositiveDuration,
    /// A whole number in quotes, within bounds.
    Number {
        /// Smallest.
        min: u32,
        /// Largest.
        max: u32,
    },
    /// A network such as `192.168.0.0/16`.
    Cidr,
    /// Two ports with a dash between.
    PortRange,
    /// A schedule: `@hourly` and the like, or cron with a field for seconds.
    Cron,
    /// The same; the field for seconds may be absent, and is 0 otherwise.
    CronSecondsZero,
    /// `ldap://` or `ldaps://` and a host.
    LdapUrl,
    /// `http://` or `https://` and a host.
    HttpUrl,
    /// The address of an OpenID discovery document.
    DiscoveryUrl,
    /// A command-line flag such as `--name=value`.
    Flag,
    /// A number of bytes such as `2G`, `500M` or `4GB`.
    Size,
    /// A number of bytes such as `1GB`, or `auto`.
    SizeOrAuto,
    /// An amount as Kubernetes writes it, such as `2Gi`.
    Quantity,
    /// Amounts with names, such as `cpu=250m,memory=2Gi`.
    Resources,
    /// A path that starts with `/`.
    AbsolutePath,
    /// A path of Windows that starts with a drive, such as `C:\k`.
    WindowsPath,
    /// A UNIX socket: a path that starts with `/`, or the same after `unix://`.
    Socket,
    /// Names of TLS cipher suites with commas between.
    CipherSuites,
    /// A service account as `namespace:name`.
    ServiceAccount,
    /// A Kubernetes object as `namespace/name`.
    NamespacedName,
    /// The name of an HTTP header.
    HeaderName,
    /// The value of an HTTP header.
    HeaderValue,
    /// A host name or address, with a port or without.
    Host,
    /// A host name or address without a port.
    HostName,
    /// An address of a name server.
    IpAddress,
}

/// Longest header name and value: more would not fit into common clients' header limits.
const MAX_HEADER_BYTES: usize = 4096;

/// The cipher suites that Kubernetes 1.20 and etcd 3.4 know, the weak ones too: which are strong enough is hardening's
/// question.
const CIPHER_SUITES: [&str; 27] = [
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_RSA_WITH_RC4_128_SHA",
];

impl Format {
    /// Whether `text` looks as it must. Empty text is not looked at here: whether a key takes it is the key's rule.
    pub fn accepts(self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Duration => duration(text).is_some(),
            Self::PositiveDuration => duration(text).is_some_and(|nanoseconds| nanoseconds > 0.0),
            Self::Number { min, max } => is_number(text, min, max),
            Self::Cidr => Cidr::from_text(text).is_some(),
            Self::PortRange => port_range(text).is_some(),
            Self::Cron => Cron::from_text(text).is_some_and(|cron| cron.has_seconds_field()),
            Self::CronSecondsZero => Cron::from_text(text).is_some_and(|cron| cron.runs_on_the_minute()),
            Self::LdapUrl => url(text, &["ldap://", "ldaps://"]).is_some(),
            Self::HttpUrl => url(text, &["http://", "https://"]).is_some(),
            Self::DiscoveryUrl => {
                url(text, &["https://", "http://"]).is_some()
                    && text.ends_with(".well-known/openid-configuration")
            }
            Self::Flag => is_flag(text),
            Self::Size => is_size(text),
            Self::SizeOrAuto => text == "auto" || is_size(text),
            Self::Quantity => is_quantity(text),
            Self::Resources => text.split(',').all(|part| {
                part.split_once('=')
                    .is_some_and(|(name, amount)| is_dns_label(name) && is_quantity(amount))
            }),
            Self::AbsolutePath => is_absolute(text),
            Self::WindowsPath => is_windows_path(text),
            Self::Socket => is_absolute(text.strip_prefix("unix://").unwrap_or(text)),
            Self::CipherSuites => text.split(',').all(|name| CIPHER_SUITES.contains(&name)),
            Self::ServiceAccount => pair(text, ':'),
            Self::NamespacedName => pair(text, '/'),
            Self::HeaderName => {
                let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
                text.len() <= MAX_HEADER_BYTES && text.chars().all(is_token)
            }
            Self::HeaderValue => {
                text.len() <= MAX_HEADER_BYTES && text.chars().all(|c| (' '..='~').contains(&c))
            }
            Self::Host => is_host(text, true),
            Self::HostName => is_host(text, false),
            Self::IpAddress => text.parse::<IpAddr>().is_ok(),
        }
    }

    /// A text that is accepted, for examples and generated tests.
    pub fn sample(self) -> &'static str {
        match self {
            Self::Any => "text",
            Self::Duration | Self::PositiveDuration => "1m30s",
            Self::Number { .. } => "1400",
            Self::Cidr => "10.32.0.0/16",
            Self::PortRange => "33000-34000",
            Self::Cron | Self::CronSecondsZero => "0 30 4 1 * *",
            Self::LdapUrl => "ldaps://ldap.example.com",
            Self::HttpUrl => "https://proxy.example.com:3128",
            Self::DiscoveryUrl => "https://id.example.com/.well-known/openid-configuration",
            Self::Flag => "--v=2",
            Self::Size | Self::SizeOrAuto => "4GB",
            Self::Quantity => "2Gi",
            Self::Resources => "cpu=250m,memory=2Gi",
            Self::AbsolutePath => "/var/lib/example",
            Self::WindowsPath => "D:\\data",
            Self::Socket => "/var/run/kms/vault.sock",
            Self::CipherSuites => "TLS_AES_128_GCM_SHA256",
            Self::ServiceAccount => "default:builder",
            Self::NamespacedName => "default/web",
            Self::HeaderName => "X-Example",
            Self::HeaderValue => "example",
            Self::Host => "msr.example.com:8443",
            Self::HostName => "mke.example.com",
            Self::IpAddress => "10.0.0.2",
        }
    }

    /// A text that is refused, for generated tests; `None` where every text is accepted.
    pub fn bad_sample(self) -> Option<&'static str> {
        match self {
            Self::Any => None,
            Self::HeaderValue => Some("a\r\nb"),
            Self::PositiveDuration => Some("0s"),
            Self::CronSecondsZero => Some("30 0 * * * *"),
            Self::PortRange => Some("35535-32768"),
            Self::Cidr => Some("10.0.0.0/33"),
            Self::IpAddress => Some("10.0.0.256"),
            _ => Some("no such thing!"),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any text"),
            Self::Duration => f.write_str("a duration such as `1m30s`"),
            Self::PositiveDuration => f.write_str("a duration above zero such as `7s`"),
            Self::Number { min, max } => write!(f, "a number in quotes from \"{min}\" to \"{max}\""),
            Self::Cidr => f.write_str("a network such as `192.168.0.0/16`"),
            Self::PortRange => f.write_str("two ports with a dash between, the lower one first"),
            Self::Cron => f.write_str("a schedule such as `@daily` or `0 30 4 * * *`, seconds first"),
            Self::CronSecondsZero => {
                f.write_str("a schedule such as `@hourly` or `0 30 4 * * *`, with 0 seconds first")
            }
            Self::LdapUrl => f.write_str("an address that starts with ldap:// or ldaps://"),
            Self::HttpUrl => f.write_str("an address that starts with http:// or https://"),
            Self::DiscoveryUrl => f.write_str("an address that ends with .well-known/openid-configuration"),
            Self::Flag => f.write_str("a flag such as `--name=value`"),
            Self::Size => f.write_str("a size such as `500M`, `2G` or `4GB`"),
            Self::SizeOrAuto => f.write_str("a size such as `1GB`, or `auto`"),
            Self::Quantity => f.write_str("an amount such as `2Gi`"),
            Self::Resources => f.write_str("amounts such as `cpu=250m,memory=2Gi`"),
            Self::AbsolutePath => f.write_str("an absolute path"),
            Self::WindowsPath => f.write_str("a path with a drive such as `C:\\k`"),
            Self::Socket => f.write_str("the path of a UNIX socket"),
            Self::CipherSuites => f.write_str(
                "names of cipher suites such as `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256` with commas between",
            ),
            Self::ServiceAccount => f.write_str("a service account as `namespace:name`"),
            Self::NamespacedName => f.write_str("an object as `namespace/name`"),
            Self::HeaderName => f.write_str("a header name (RFC 9110 section 5.1)"),
            Self::HeaderValue => {
                write!(f, "up to {MAX_HEADER_BYTES} printable ASCII characters")
            }
            Self::Host => f.write_str("a host name or address, with a port or without"),
            Self::HostName => f.write_str("a host name or address"),
            Self::IpAddress => f.write_str("an IP address"),
        }
    }
}

/// A network: its first address and the number of fixed bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    /// Any address in it.
    pub address: IpAddr,
    /// The fixed bits.
    pub prefix: u8,
}

impl Cidr {
    /// Reads `address/bits`.
    pub fn from_text(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let address = IpAddr::from_str(address).ok()?;
        let prefix = decimal(bits)?.try_into().ok()?;
        (prefix <= if address.is_ipv4() { 32 } else { 128 }).then_some(Self { address, prefix })
    }

    /// Whether the two networks share an address.
    pub fn overlaps(self, other: Self) -> bool {
        let shorter = self.prefix.min(other.prefix);
        match (self.address, other.address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(shorter)).unwrap_or(0);
                Ipv4Addr::to_bits(a) & mask == Ipv4Addr::to_bits(b) & mask
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(shorter)).unwrap_or(0);
                Ipv6Addr::to_bits(a) & mask == Ipv6Addr::to_bits(b) & mask
            }
            _ => false,
        }
    }
}

/// The two ports of a range such as `32768-35535`.
pub fn port_range(text: &str) -> Option<(u16, u16)> {
    let (low, high) = text.split_once('-')?;
    let port = |text: &str| decimal(text)?.try_into().ok();
    let (low, high): (u16, u16) = (port(low)?, port(high)?);
    (low > 0 && low <= high).then_some((low, high))
}

/// Nanoseconds of a duration as Go writes it: `300ms`, `1.5h`, `1m30s`; `0` needs no unit.
pub fn duration(text: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 8] = [
        ("ns", 1.0),
        ("us", 1e3),
        ("µs", 1e3),
        ("μs", 1e3),
        ("ms", 1e6),
        ("s", 1e9),
        ("m", 6e10),
        ("h", 3.6e12),
    ];
    if text == "0" {
        return Some(0.0);
    }
    let (mut rest, mut total) = (text, 0.0);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(end);
        let number: f64 = number.parse().ok()?;
        // The longest unit that fits: `ms` is not minutes.
        let (unit, nanoseconds) = UNITS
            .iter()
            .filter(|(unit, _)| after.starts_with(unit))
            .max_by_key(|(unit, _)| unit.len())?;
        total += number * nanoseconds;
        rest = after.get(unit.len()..)?;
    }
    // Durations are 64-bit counts of nanoseconds: about 292 years.
    (!text.is_empty() && total < 9.2e18).then_some(total)
}

/// Digits only, no sign, at most nine of them.
fn decimal(text: &str) -> Option<u32> {
    let fine = !text.is_empty() && text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit());
    fine.then(|| text.parse().ok()).flatten()
}

fn is_number(text: &str, min: u32, max: u32) -> bool {
    decimal(text).is_some_and(|number| (min..=max).contains(&number))
}

/// The host of an address that starts with one of `schemes`.
fn url<'t>(text: &'t str, schemes: &[&str]) -> Option<&'t str> {
    let rest = schemes.iter().find_map(|scheme| text.strip_prefix(scheme))?;
    let printable = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    let host = rest.split(['/', '?', '#']).next()?;
    let host = host.rsplit('@').next()?;
    (printable && is_host(host, true)).then_some(host)
}

fn is_flag(text: &str) -> bool {
    let Some(flag) = text.strip_prefix("--") else {
        return false;
    };
    let name = flag.split_once('=').map_or(flag, |(name, _)| name);
    let fine = name
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
    fine && name.starts_with(|c: char| c.is_ascii_lowercase()) && !text.contains(char::is_control)
}

fn is_size(text: &str) -> bool {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.get(digits.len()..).unwrap_or("");
    const UNITS: [&str; 15] = [
        "", "B", "K", "KB", "Ki", "KiB", "M", "MB", "Mi", "MiB", "G", "GB", "Gi", "GiB", "TB",
    ];
    decimal(digits).is_some_and(|number| number > 0) && UNITS.contains(&unit)
}

fn is_quantity(text: &str) -> bool {
    const SUFFIXES: [&str; 13] = [
        "", "m", "k", "M", "G", "T", "P", "Ki", "Mi", "Gi", "Ti", "Pi", "E",
    ];
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let suffix = text.get(digits.len()..).unwrap_or("");
    let number = digits.split('.').count() <= 2
        && digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
    number && SUFFIXES.contains(&suffix)
}

fn is_absolute(text: &str) -> bool {
    text.starts_with('/') && !text.contains(char::is_control) && !text.split('/').any(|part| part == "..")
}

fn is_windows_path(text: &str) -> bool {
    let mut chars = text.chars();
    let drive = chars.next().is_some_and(|c| c.is_ascii_alphabetic());
    drive && chars.next() == Some(':') && matches!(chars.next(), Some('\\' | '/')) && {
        let rest = chars.as_str();
        !rest.contains(|c: char| c.is_control() || "<>:\"|?*".contains(c))
            && !rest.split(['\\', '/']).any(|part| part == "..")
    }
}

fn is_dns_label(text: &str) -> bool {
    let fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.' || b == b'/';
    !text.is_empty() && text.len() <= 253 && text.bytes().all(fine)
}

fn pair(text: &str, separator: char) -> bool {
    let label = |text: &str| is_dns_label(text) && !text.contains('/');
    text.split_once(separator)
        .is_some_and(|(a, b)| label(a) && label(b))
}

fn is_host(text: &str, with_port: bool) -> bool {
    let name = |text: &str| {
        let fine = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.' || b == b'_' || b == b'*';
        !text.is_empty() && text.len() <= 253 && text.bytes().all(fine)
    };
    if text.parse::<IpAddr>().is_ok() || name(text) {
        return true;
    }
    if !with_port {
        return false;
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        return text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'))
            .is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
    };
    let six = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    is_number(port, 1, 65_535) && six.map_or_else(|| name(host), |six| six.parse::<Ipv6Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_format_takes_and_refuses() {
        for (format, good, bad) in [
            (
                Format::Duration,
                &["5s", "1h30m", "300ms", "0", "1.5h", "10us"][..],
                &["", "5", "s", "5 s", "-5s", "1d", "1.2.3s", "99999999999999h"][..],
            ),
            (Format::PositiveDuration, &["7s"], &["0s", "0"]),
            (
                Format::Cidr,
                &["10.0.0.0/8", "fd00::/64", "0.0.0.0/0"],
                &[
                    "10.0.0.0",
                    "10.0.0.0/33",
                    "fd00::/129",
                    "10.0.0/8",
                    "10.0.0.0/+8",
                    "x/8",
                ],
            ),
            (
                Format::PortRange,
                &["32768-35535", "80-80"],
                &["80", "35535-32768", "0-80", "80-65536", "80 - 90", "-1-5"],
            ),
            (
                Format::LdapUrl,
                &[
                    "ldap://ldap.example.com",
                    "ldaps://[fd00::1]:636",
                    "ldap://h:389/",
                ],
                &[
                    "ldap.example.com",
                    "http://x",
                    "ldap://",
                    "ldap://a b",
                    "ldap://h:0",
                ],
            ),
            (
                Format::Flag,
                &["--v=2", "--feature-gates=A=true,B=false", "--profiling"],
                &["v=2", "-v", "--", "--=2", "--v=2\n", "---v"],
            ),
            (
                Format::Size,
                &["500M", "4GB", "8G", "2G", "2GB"],
                &["", "G", "2 G", "0G", "2X", "-2G"],
            ),
            (
                Format::Resources,
                &["cpu=250m,memory=2Gi,ephemeral-storage=4Gi", "cpu=1"],
                &["cpu", "cpu=", "cpu=x", "=1", "cpu=1,", "cpu=1 ,memory=2Gi"],
            ),
            (
                Format::AbsolutePath,
                &["/etc/iscsi", "/"],
                &["etc", "/etc/../root", "/a\nb", "./x"],
            ),
            (
                Format::WindowsPath,
                &["C:\\k", "C:\\ProgramData\\containerd"],
                &["k", "C:k", "C:\\..\\x", "/k", "C:\\a|b"],
            ),
            (
                Format::CipherSuites,
                &["TLS_RSA_WITH_AES_256_GCM_SHA384,TLS_AES_128_GCM_SHA256"],
                &["A,,B", "A B", "A;B"],
            ),
            (
                Format::ServiceAccount,
                &["default:sa1"],
                &["default", "default:", ":sa1", "a/b:c", "Default:sa1"],
            ),
            (
                Format::Host,
                &["msr.example.com", "10.0.0.1:443", "[::1]:443", "::1"],
                &["a b", "a:b", "a:70000", "https://a", ""],
            ),
        ] {
            for text in good {
                assert!(format.accepts(text), "{format:?} refuses {text:?}");
            }
            for text in bad {
                assert!(!format.accepts(text), "{format:?} takes {text:?}");
            }
        }
    }

    #[test]
    fn networks_overlap() {
        let overlap = |a: &str, b: &str| Cidr::from_text(a).unwrap().overlaps(Cidr::from_text(b).unwrap());
        assert!(overlap("10.0.0.0/8", "10.96.0.0/16"));
        assert!(overlap("0.0.0.0/0", "10.96.0.0/16"));
        assert!(overlap("fd00::/8", "fd00:1::/64"));
        assert!(!overlap("192.168.0.0/16", "10.96.0.0/16"));
        assert!(!overlap("192.168.0.0/16", "fd00::/8"));
    }
}
