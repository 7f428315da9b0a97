//! Why a directory server did not do what was asked. Messages name the server and the remedy; no password is ever
//! part of one (ldap-17).

use std::io;

use super::wire::ber::BerError;

/// A failure of a directory server, or of the way to it.
#[derive(Debug, thiserror::Error)]
pub enum LdapError {
    /// No connection.
    #[error("{server} cannot be reached: {source}")]
    Unreachable {
        /// The server's address.
        server: String,
        /// Why.
        source: io::Error,
    },
    /// TLS did not come about; nothing was sent without it.
    #[error(
        "no trusted TLS connection to {server}: {source}; check its certificate, its name and `rootCerts`"
    )]
    Tls {
        /// The server's address.
        server: String,
        /// Why.
        source: io::Error,
    },
    /// Something was sent after the answer to StartTLS and before the handshake.
    #[error("{server} sent data before TLS began; somebody may be tampering with the connection")]
    Injected {
        /// The server's address.
        server: String,
    },
    /// The connection broke off, or the server fell silent.
    #[error("the connection to {server} was lost: {source}")]
    Lost {
        /// The server's address.
        server: String,
        /// Why.
        source: io::Error,
    },
    /// What came is no LDAP.
    #[error("{server} sent what is no LDAP message: {source}")]
    Malformed {
        /// The server's address.
        server: String,
        /// What is wrong with it.
        source: BerError,
    },
    /// A message is longer than anything that is read.
    #[error("{server} announces a message of {found} bytes, at most {max} are read")]
    TooLong {
        /// The server's address.
        server: String,
        /// The announced length in bytes.
        found: usize,
        /// The longest that is read.
        max: usize,
    },
    /// An answer to something else than what was asked.
    #[error("{server} answered something that was not asked")]
    Unexpected {
        /// The server's address.
        server: String,
    },
    /// The server was asked for pages and did not say whether more follow.
    #[error("{server} does not send results in pages; set `noSimplePagination`")]
    NoPages {
        /// The server's address.
        server: String,
    },
    /// The server said no.
    #[error("{server} refused {what}: {meaning} (code {code}){}", detail(message))]
    Refused {
        /// The server's address.
        server: String,
        /// What was asked.
        what: String,
        /// The result code of LDAP.
        code: u32,
        /// The name of that code.
        meaning: &'static str,
        /// What the server said, at most 200 characters.
        message: String,
    },
    /// Name or password of the reader are wrong.
    #[error("{server} does not accept `readerDN` and `readerPassword`")]
    Reader {
        /// The server's address.
        server: String,
    },
    /// A chain of referrals is too long, or goes round in circles.
    #[error("{server} refers on for the {max}th time; referrals end there")]
    TooManyReferrals {
        /// The server's address.
        server: String,
        /// How many in a row are followed.
        max: usize,
    },
    /// More than is kept.
    #[error("{server} sends more than {max} {what}; use narrower searches")]
    TooMuch {
        /// The server's address.
        server: String,
        /// What there is too much of.
        what: &'static str,
        /// How much is kept.
        max: usize,
    },
    /// A group that the settings name is not there.
    #[error("{server} has no group `{group}`")]
    NoGroup {
        /// The server's address.
        server: String,
        /// Its DN.
        group: String,
    },
}

fn detail(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(", it says: {message}")
    }
}

/// What a result code is called (RFC 4511 appendix A).
pub(super) const fn meaning(code: u32) -> &'static str {
    match code {
        0 => "success",
        1 => "operations error",
        2 => "protocol error",
        3 => "time limit exceeded",
        4 => "size limit exceeded; raise the limit for the reader or allow pages",
        7 => "authentication method not supported",
        8 => "stronger authentication required; use TLS",
        10 => "referral",
        11 => "administrative limit exceeded; raise the limit for the reader",
        12 => "pages are not supported; set `noSimplePagination`",
        13 => "confidentiality required; use TLS",
        16 => "no such attribute",
        18 => "inappropriate matching",
        32 => "no such entry; check the base DN",
        34 => "invalid DN",
        48 => "inappropriate authentication",
        49 => "invalid credentials",
        50 => "insufficient access rights",
        51 => "busy",
        52 => "unavailable",
        53 => "unwilling to perform",
        80 => "other error",
        _ => "an error",
    }
}
