//! What etcd says, in the store's words, and whether a request that failed may have been carried out.
//!
//! Etcd's messages are part of its API; codes alone do not tell a full store from a busy one.

use std::error::Error as _;
use std::io::ErrorKind;

use etcd_client::Error;

use crate::causes::chain_of;
use crate::store::StoreError;

/// How a request ended that has no answer.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    /// Nothing changed, and the same request would fail again.
    Final(StoreError),
    /// It was not carried out; another member or moment may do better.
    NotDone(String),
    /// It may have been carried out, or may still be.
    Unknown(String),
    /// It names a lease that does not exist.
    NoSuchLease,
    /// It makes a lease that exists.
    LeaseExists,
    /// It asks for a revision that was compacted away.
    Compacted,
    /// It asks for a revision that is still to come.
    Future,
    /// The answer is larger than what is accepted at once.
    TooMuch,
}

impl Failure {
    /// Reads an error of a request to the member at `url`.
    pub(super) fn of(error: &Error, url: &str) -> Self {
        let text = format!("etcd at {url}: {}", chain(error));
        match error {
            Error::GRpcStatus(status) => match said(status.message()) {
                Some(failure) => failure,
                None => by_code(&format!("{:?}", status.code()), text, never_sent(error)),
            },
            Error::LeaseKeepAliveError(why) if why == "lease not found" => Self::NoSuchLease,
            Error::InvalidArgs(_) | Error::InvalidUri(_) => Self::Final(StoreError::Invalid(text)),
            _ if never_sent(error) => Self::NotDone(text),
            _ => Self::Unknown(text),
        }
    }

    /// Whether another member may answer what this one did not.
    pub(super) fn blames_the_member(&self) -> bool {
        matches!(self, Self::NotDone(_) | Self::Unknown(_))
    }

    /// The error when no more is tried. `write` says that the request would have changed something.
    pub(super) fn give_up(self, write: bool) -> StoreError {
        match self {
            Self::Final(error) => error,
            Self::Unknown(why) if write => unknown(&why),
            Self::NotDone(why) | Self::Unknown(why) => StoreError::Unreached(why),
            Self::NoSuchLease => StoreError::Unavailable("etcd lost a lease during the request".to_owned()),
            Self::LeaseExists => StoreError::Unavailable("etcd has a lease of this id already".to_owned()),
            Self::Compacted => StoreError::Unavailable("etcd compacted faster than it was read".to_owned()),
            Self::Future => StoreError::Invalid("that revision is still to come".to_owned()),
            Self::TooMuch => {
                StoreError::Corrupt("a value in etcd is larger than any that is written".to_owned())
            }
        }
    }
}

/// A write of which nobody can say whether it happened.
pub(super) fn unknown(why: &str) -> StoreError {
    StoreError::Unsettled(why.to_owned())
}

/// What etcd's own messages mean.
fn said(message: &str) -> Option<Failure> {
    let invalid = |text: &str| Failure::Final(StoreError::Invalid(text.to_owned()));
    let message = message.strip_prefix("etcdserver: ").unwrap_or(message);
    Some(match message {
        "requested lease not found" => Failure::NoSuchLease,
        "lease already exists" => Failure::LeaseExists,
        "mvcc: required revision has been compacted" => Failure::Compacted,
        "mvcc: required revision is a future revision" => Failure::Future,
        "mvcc: database space exceeded" => Failure::Final(StoreError::Full(
            "etcd reached its quota and takes no writes until it is compacted, defragmented and its NOSPACE alarm disarmed; \
             raise cluster_config.etcd_storage_quota if that does not free enough"
                .to_owned(),
        )),
        "request is too large" => invalid("the request is too large for etcd: write less at once, or start it with --max-request-bytes 4194304"),
        "too many operations in txn request" => invalid(
            "the transaction has too many steps for etcd: split it, or start etcd with --max-txn-ops 10240",
        ),
        "duplicate key given in txn request" => invalid("a key is touched by more than one change"),
        "too large lease TTL" => invalid("the lease is too long for etcd"),
        // Said before the request is looked at.
        "no leader" | "too many requests" | "rpc not supported for learner" | "server stopped" => {
            Failure::NotDone(format!("etcd: {message}"))
        }
        "corrupt cluster" | "cluster is corrupt" => Failure::Final(StoreError::Corrupt(
            "the members of etcd do not agree on what is stored; restore them from a backup".to_owned(),
        )),
        _ if message.contains("decoded message length too large") => Failure::TooMuch,
        _ if message.contains("received message larger than max") => {
            invalid("the request is too large for etcd: write less at once, or start it with --max-request-bytes 4194304")
        }
        _ => return None,
    })
}

fn by_code(code: &str, text: String, never_sent: bool) -> Failure {
    match code {
        "DataLoss" => Failure::Final(StoreError::Corrupt(text)),
        "InvalidArgument" => Failure::Final(StoreError::Invalid(text)),
        "PermissionDenied" | "Unauthenticated" => Failure::Final(StoreError::Unavailable(format!(
            "{text}; the certificate of this program may not use the store"
        ))),
        "FailedPrecondition" => Failure::Final(StoreError::Unavailable(text)),
        _ if never_sent => Failure::NotDone(text),
        _ => Failure::Unknown(text),
    }
}

/// Whether there was no connection to send it on.
fn never_sent(error: &Error) -> bool {
    let mut cause = error_source(error);
    while let Some(source) = cause {
        if let Some(io) = source.downcast_ref::<std::io::Error>()
            && matches!(
                io.kind(),
                ErrorKind::ConnectionRefused | ErrorKind::AddrNotAvailable | ErrorKind::NotFound
            )
        {
            return true;
        }
        cause = source.source();
    }
    false
}

/// The client's errors hold their causes without naming them as sources.
fn error_source(error: &Error) -> Option<&(dyn std::error::Error + 'static)> {
    match error {
        Error::GRpcStatus(status) => status.source(),
        Error::TransportError(transport) => Some(transport),
        Error::IoError(io) => Some(io),
        _ => None,
    }
}

/// The whole of an error: what failed and why, each part once.
fn chain(error: &Error) -> String {
    let text = match error {
        Error::GRpcStatus(status) => status.message().to_owned(),
        other => other.to_string(),
    };
    chain_of(text, error_source(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Test table: what etcd says, and whether the write may have happened.
    #[test]
    fn messages_by_what_they_leave_open() {
        let kind = |message: &str| match said(message) {
            None => "open",
            Some(Failure::Final(StoreError::Full(_))) => "full",
            Some(Failure::Final(StoreError::Invalid(_))) => "invalid",
            Some(Failure::Final(StoreError::Corrupt(_))) => "corrupt",
            Some(Failure::Final(_)) => "final",
            Some(Failure::NotDone(_)) => "not done",
            Some(Failure::Unknown(_)) => "unknown",
            Some(Failure::NoSuchLease) => "lease",
            Some(Failure::Compacted) => "compacted",
            Some(_) => "other",
        };
        for (message, expected) in [
            ("etcdserver: mvcc: database space exceeded", "full"),
            ("etcdserver: request is too large", "invalid"),
            ("etcdserver: too many operations in txn request", "invalid"),
            ("etcdserver: no leader", "not done"),
            ("etcdserver: too many requests", "not done"),
            ("etcdserver: requested lease not found", "lease"),
            (
                "etcdserver: mvcc: required revision has been compacted",
                "compacted",
            ),
            ("etcdserver: corrupt cluster", "corrupt"),
            // These come after the write went to the others: it may still be made.
            ("etcdserver: request timed out", "open"),
            (
                "etcdserver: request timed out, possibly due to previous leader failure",
                "open",
            ),
            ("etcdserver: leader changed", "open"),
            ("raft proposal dropped", "open"),
            ("transport error", "open"),
            ("something new", "open"),
        ] {
            assert_eq!(kind(message), expected, "{message}");
        }
        for code in [
            "Unavailable",
            "Unknown",
            "DeadlineExceeded",
            "Cancelled",
            "Internal",
            "Aborted",
        ] {
            assert!(
                matches!(by_code(code, String::new(), false), Failure::Unknown(_)),
                "{code}"
            );
        }
        assert!(matches!(
            by_code("Unavailable", String::new(), true),
            Failure::NotDone(_)
        ));
    }

    #[test]
    fn an_unfinished_write_says_so() {
        let text = Failure::Unknown("etcd at x: timed out".to_owned())
            .give_up(true)
            .to_string();
        assert!(text.contains("not known whether the write was made"), "{text}");
        for write in [false, true] {
            let text = Failure::NotDone("etcd: no leader".to_owned())
                .give_up(write)
                .to_string();
            assert!(text.contains("nothing was written"), "{text}");
        }
        let unanswered = Failure::Unknown("etcd at x: timed out".to_owned()).give_up(false);
        assert!(matches!(unanswered, StoreError::Unreached(_)));
    }
}
