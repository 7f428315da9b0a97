//! The one mapping from the errors of the libraries to the conditions of the API. Every match is exhaustive, so
//! a new condition in a library asks here what it means for a caller.

use mke_auth::StorageError;
use mke_auth::accounts::AccountError;
use mke_auth::bundle::{BundleError, PlaceError};
use mke_auth::jobs::JobError;
use mke_auth::keys::KeyError;
use mke_auth::password::PasswordError;
use mke_auth::scim::TokenError;
use mke_auth::second_factor::SecondFactorError;
use mke_auth::sessions::LoginError;
use mke_core::causes::chain;
use mke_core::config::Problems;
use mke_core::store::StoreError;
use mke_rbac::admin::{CollectionRefusal, DefaultCollectionRefusal, GrantRefusal, RoleRefusal};
use mke_rbac::engine::{CallError, ForwardError, PathError, QueryError, RouteError};
use mke_rbac::{Denial, JudgeError};
use serde_json::json;

use super::{ApiError, Kind};
use crate::controller::authorities::AuthorityError;
use crate::controller::configuration::ChangeError;
use crate::controller::configuration::licenses::KeepError;
use crate::controller::configuration::objects::ObjectError;
use crate::controller::policy_store::{PolicyStoreError, subject_word};
use crate::controller::state::NotInForce;
use crate::engine::EngineError;

impl From<Denial> for ApiError {
    fn from(denial: Denial) -> Self {
        let kind = match &denial {
            Denial::Unauthenticated | Denial::Inactive | Denial::UnknownAccount => Kind::Unauthenticated,
            Denial::AdministratorOnly { .. }
            | Denial::Missing(_)
            | Denial::Rule(_)
            | Denial::ConflictingLabels => Kind::Forbidden,
        };
        Self::new(kind, denial.message())
            .because(&denial)
            .with_denial(denial)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let unavailable = |text: &str| Self::new(Kind::Unavailable, text).because(&error);
        match &error {
            StoreError::Unavailable(_) => unavailable("the store cannot be used now, try again"),
            StoreError::Unreached(_) => unavailable(
                "the store takes no writes now, because too few of its members are reached or they have no leader; nothing was \
                 changed, and what is known can still be read: bring managers back, then try again",
            )
            .without_store(),
            StoreError::Unsettled(_) => unavailable(
                "the store did not answer in time, and it is not known whether the change was made: read again before you repeat it",
            )
            .without_store(),
            StoreError::Full(_) => unavailable("the store is full, free space on the manager"),
            StoreError::Compacted { .. }
            | StoreError::NoSuchLease(_)
            | StoreError::Invalid(_)
            | StoreError::Corrupt(_) => Self::internal(&error),
        }
    }
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Store(error) => error.into(),
            StorageError::Contended => Self::new(Kind::Conflict, error.to_string()),
            StorageError::Record { .. } | StorageError::Encode(_) => Self::internal(chain(&error)),
        }
    }
}

impl From<PasswordError> for ApiError {
    fn from(error: PasswordError) -> Self {
        match &error {
            PasswordError::TooShort { .. } | PasswordError::TooLong { .. } => {
                Self::malformed(error.to_string())
            }
            PasswordError::Busy => Self::new(Kind::Unavailable, "too many passwords at once, try again"),
            PasswordError::NotAHash | PasswordError::Failed(_) => Self::internal(chain(&error)),
        }
    }
}

impl From<AccountError> for ApiError {
    fn from(error: AccountError) -> Self {
        let text = error.to_string();
        match error {
            AccountError::Invalid(problems) => {
                let fields: Vec<_> = problems
                    .0
                    .iter()
                    .map(|problem| json!({ "field": problem.field, "message": problem.message }))
                    .collect();
                Self::malformed(text).with_detail(json!(fields))
            }
            AccountError::NameInUse { .. }
            | AccountError::OriginInUse { .. }
            | AccountError::NotImported { .. }
            | AccountError::LastAdministrator { .. }
            | AccountError::BuiltIn { .. }
            | AccountError::AlreadyInitialized
            | AccountError::TooMuch { .. } => Self::new(Kind::Conflict, text),
            AccountError::NoSuchAccount { .. }
            | AccountError::NoSuchTeam { .. }
            | AccountError::NotAMember { .. } => Self::new(Kind::NotFound, text),
            AccountError::NotAUser { .. }
            | AccountError::NotAnOrganization { .. }
            | AccountError::Imported { .. } => Self::malformed(text),
            AccountError::WrongPassword => Self::new(Kind::Unauthenticated, text),
            AccountError::Password(error) => error.into(),
            AccountError::Storage(error) => error.into(),
        }
    }
}

impl From<LoginError> for ApiError {
    fn from(error: LoginError) -> Self {
        let text = error.to_string();
        match error {
            LoginError::InvalidCredentials | LoginError::SecondFactorNeeded => {
                Self::new(Kind::Unauthenticated, text)
            }
            LoginError::SecondFactor(error) => error.into(),
            LoginError::TooManyAttempts { retry_after } => {
                Self::new(Kind::TooMany, text).retry_after(retry_after)
            }
            LoginError::Busy => Self::new(Kind::Unavailable, text),
            LoginError::Password(error) => error.into(),
            LoginError::Storage(error) => error.into(),
        }
    }
}

impl From<SecondFactorError> for ApiError {
    fn from(error: SecondFactorError) -> Self {
        let text = error.to_string();
        match error {
            SecondFactorError::Needed | SecondFactorError::WrongCode => {
                Self::new(Kind::Unauthenticated, text)
            }
            SecondFactorError::AlreadyOn | SecondFactorError::NotBegun | SecondFactorError::NotOn => {
                Self::new(Kind::Conflict, text)
            }
            SecondFactorError::NotAUser => Self::malformed(text),
            SecondFactorError::Seal(_) | SecondFactorError::Unusable(_) => {
                let general = "the second factor of this account cannot be checked, ask an administrator";
                Self::new(Kind::Unavailable, general).because(text)
            }
            SecondFactorError::Storage(error) => error.into(),
        }
    }
}

impl From<TokenError> for ApiError {
    fn from(error: TokenError) -> Self {
        let text = error.to_string();
        match error {
            TokenError::Unusable => Self::malformed(text),
            TokenError::Wrong => Self::new(Kind::Unauthenticated, text),
            TokenError::TooManyAttempts { retry_after } => {
                Self::new(Kind::TooMany, text).retry_after(retry_after)
            }
            TokenError::Storage(error) => error.into(),
        }
    }
}

impl From<JobError> for ApiError {
    fn from(error: JobError) -> Self {
        let text = error.to_string();
        match error {
            JobError::NoSuchJob { .. } => Self::new(Kind::NotFound, text),
            JobError::Over { .. } => Self::new(Kind::Conflict, text),
            JobError::Storage(error) => error.into(),
        }
    }
}

impl From<KeyError> for ApiError {
    fn from(error: KeyError) -> Self {
        let text = error.to_string();
        match error {
            KeyError::Refused(source) => Self::malformed(format!("{text}: {source}")),
            KeyError::Label => Self::malformed(text),
            KeyError::InUse { .. } | KeyError::TooMany => Self::new(Kind::Conflict, text),
            KeyError::NoSuchKey { .. } | KeyError::NoSuchAccount { .. } => Self::new(Kind::NotFound, text),
            KeyError::Storage(error) => error.into(),
        }
    }
}

impl From<PlaceError> for ApiError {
    fn from(error: PlaceError) -> Self {
        match error {
            PlaceError::Host { .. } | PlaceError::ClusterId { .. } | PlaceError::Port => {
                Self::internal(error)
            }
        }
    }
}

impl From<BundleError> for ApiError {
    fn from(error: BundleError) -> Self {
        match error {
            BundleError::Pki(_) | BundleError::TooLarge { .. } | BundleError::Pack(_) => {
                Self::internal(chain(&error))
            }
        }
    }
}

impl From<PolicyStoreError> for ApiError {
    fn from(error: PolicyStoreError) -> Self {
        match error {
            PolicyStoreError::Role(refusal) => refusal.into(),
            PolicyStoreError::Collection(refusal) => refusal.into(),
            PolicyStoreError::Grant(refusal) => refusal.into(),
            PolicyStoreError::DefaultCollection(refusal) => refusal.into(),
            PolicyStoreError::Busy => Self::new(Kind::Conflict, error.to_string()),
            PolicyStoreError::Store(error) => error.into(),
        }
    }
}

impl From<RoleRefusal> for ApiError {
    fn from(refusal: RoleRefusal) -> Self {
        let text = refusal.to_string();
        match refusal {
            RoleRefusal::Name => Self::malformed(text),
            RoleRefusal::Body(problems) => {
                let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
                Self::malformed(text).with_detail(json!(problems))
            }
            RoleRefusal::Unknown(_) => Self::new(Kind::NotFound, text),
            RoleRefusal::NotEditable(_) | RoleRefusal::BuiltIn(_) | RoleRefusal::InUse { .. } => {
                Self::new(Kind::Conflict, text)
            }
        }
    }
}

impl From<CollectionRefusal> for ApiError {
    fn from(refusal: CollectionRefusal) -> Self {
        let text = refusal.to_string();
        match refusal {
            CollectionRefusal::Name(source) => Self::malformed(format!("{text}: {source}")),
            CollectionRefusal::Unknown(_) => Self::new(Kind::NotFound, text),
            CollectionRefusal::Exists(_)
            | CollectionRefusal::BuiltIn(_)
            | CollectionRefusal::HasChildren { .. }
            | CollectionRefusal::InUse { .. } => Self::new(Kind::Conflict, text),
        }
    }
}

impl From<GrantRefusal> for ApiError {
    fn from(refusal: GrantRefusal) -> Self {
        match &refusal {
            GrantRefusal::UnknownSubject(subject) => Self::not_found("subject", subject_word(subject)),
            GrantRefusal::UnknownCollection(_) | GrantRefusal::UnknownRole(_) => {
                Self::new(Kind::NotFound, refusal.to_string())
            }
        }
    }
}

impl From<DefaultCollectionRefusal> for ApiError {
    fn from(refusal: DefaultCollectionRefusal) -> Self {
        match &refusal {
            DefaultCollectionRefusal::UnknownUser(_) | DefaultCollectionRefusal::NotVisible(_) => {
                Self::new(Kind::NotFound, refusal.to_string())
            }
        }
    }
}

impl From<AuthorityError> for ApiError {
    fn from(error: AuthorityError) -> Self {
        match error {
            AuthorityError::External(ref problems) => {
                let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
                Self::malformed(error.to_string()).with_detail(json!(problems))
            }
            AuthorityError::Pki(source) => Self::malformed(format!("a certificate cannot be used: {source}")),
            AuthorityError::FromFiles => Self::new(Kind::Conflict, error.to_string()),
            AuthorityError::Store(error) => error.into(),
            // Another manager's authority may answer in a moment.
            AuthorityError::Signing(_) => {
                Self::new(Kind::Unavailable, "no authority of the cluster signs now").because(chain(&error))
            }
            AuthorityError::Seal(_)
            | AuthorityError::Mtls(_)
            | AuthorityError::File(_)
            | AuthorityError::Tls(_)
            | AuthorityError::Damaged(_) => Self::internal(chain(&error)),
        }
    }
}

impl From<Problems> for ApiError {
    fn from(problems: Problems) -> Self {
        ChangeError::Invalid(problems).into()
    }
}

impl From<NotInForce> for ApiError {
    fn from(error: NotInForce) -> Self {
        Self::new(Kind::Unavailable, error.to_string())
            .because(format!("the snapshot did not reach revision {}", error.0.0))
    }
}

impl From<ChangeError> for ApiError {
    fn from(error: ChangeError) -> Self {
        let text = error.to_string();
        match error {
            ChangeError::Invalid(problems) => Self::malformed(text).with_detail(json!(problems)),
            ChangeError::Fixed(differences) => Self::malformed(text).with_detail(json!(differences)),
            ChangeError::Overlapped { current, tried, .. } => Self::new(Kind::Conflict, text)
                .with_detail(json!({ "version": current, "differences": tried })),
            ChangeError::Stale { current, tried, .. } => Self::new(Kind::PreconditionFailed, text)
                .with_detail(json!({ "version": current, "differences": tried })),
            ChangeError::NoSuchVersion(_) => Self::new(Kind::NotFound, text),
            ChangeError::Why => Self::malformed(text),
            ChangeError::TooLarge { .. } => Self::new(Kind::TooLarge, text),
            ChangeError::Busy | ChangeError::Upgrading { .. } => Self::new(Kind::Conflict, text),
            ChangeError::NotInForce(error) => error.into(),
            ChangeError::Store(error) => error.into(),
        }
    }
}

impl From<ObjectError> for ApiError {
    fn from(error: ObjectError) -> Self {
        let text = error.to_string();
        match error {
            ObjectError::File { problems, .. } => Self::malformed(text).with_detail(json!(problems)),
            ObjectError::NoText(_) | ObjectError::License { .. } => Self::malformed(text),
        }
    }
}

impl From<KeepError> for ApiError {
    fn from(error: KeepError) -> Self {
        match error {
            KeepError::License(error) => Self::malformed(error.to_string()),
            KeepError::Stored(error) => Self::new(Kind::Conflict, error.to_string()),
            KeepError::Engine(error) => error.into(),
            KeepError::Busy => Self::new(Kind::Conflict, error.to_string()),
        }
    }
}

impl From<PathError> for ApiError {
    fn from(error: PathError) -> Self {
        match error {
            PathError::NotOriginForm
            | PathError::TooLong { .. }
            | PathError::TooDeep { .. }
            | PathError::TooManyParameters { .. }
            | PathError::Escape
            | PathError::DoubleMeaning
            | PathError::Backslash
            | PathError::Parameters
            | PathError::Fragment
            | PathError::Control
            | PathError::EmptyElement
            | PathError::DotElement
            | PathError::Version { .. } => Self::malformed(error.to_string()),
        }
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Duplicate(_) | QueryError::Value { .. } => Self::malformed(error.to_string()),
        }
    }
}

impl From<RouteError> for ApiError {
    fn from(error: RouteError) -> Self {
        let kind = match &error {
            RouteError::UnknownPath { .. } => Kind::NotFound,
            RouteError::UnknownMethod { .. } => Kind::MethodNotAllowed,
            RouteError::VersionTooNew { .. }
            | RouteError::VersionTooOld { .. }
            | RouteError::NameTooLong { .. } => Kind::Malformed,
            RouteError::NotAvailable { .. } => Kind::NotImplemented,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<CallError> for ApiError {
    fn from(error: CallError) -> Self {
        let kind = match &error {
            CallError::Encoding { .. }
            | CallError::UnexpectedBody
            | CallError::MissingBody
            | CallError::Json(_)
            | CallError::Shape(_)
            | CallError::Query(_)
            | CallError::Label(_)
            | CallError::Value { .. }
            | CallError::NoPreviousSpec(_) => Kind::Malformed,
            CallError::NotFound(_) => Kind::NotFound,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<JudgeError> for ApiError {
    fn from(error: JudgeError) -> Self {
        let text = error.to_string();
        match error {
            JudgeError::UnknownCollection { .. }
            | JudgeError::LabelNotEditable { .. }
            | JudgeError::NoDefaultCollection => Self::malformed(text),
            JudgeError::InvalidLabel { source, .. } => Self::malformed(format!("{text}: {source}")),
            JudgeError::NotFound(_) => Self::new(Kind::NotFound, text),
        }
    }
}

impl From<ForwardError> for ApiError {
    fn from(error: ForwardError) -> Self {
        match error {
            ForwardError::NotPlaced | ForwardError::NamedTwice(..) => Self::malformed(error.to_string()),
            ForwardError::OutsideSchedule => Self::new(Kind::Forbidden, error.to_string()),
            ForwardError::NotLookedUp(_) | ForwardError::Inconsistent(_) => Self::internal(error),
        }
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        let cause = chain(&error);
        match error {
            EngineError::Unreachable { .. } => {
                Self::new(Kind::Unavailable, "the engine of this node does not answer").because(cause)
            }
            EngineError::Slow { .. } => {
                Self::new(Kind::Unavailable, "the engine of this node takes too long").because(cause)
            }
            EngineError::NoNode { .. } => {
                Self::new(Kind::Unavailable, "no node answers that could tell").because(cause)
            }
            EngineError::Refused { status, message } => {
                let kind = match status.as_u16() {
                    400 => Kind::Malformed,
                    403 => Kind::Forbidden,
                    404 => Kind::NotFound,
                    409 => Kind::Conflict,
                    501 => Kind::NotImplemented,
                    503 => Kind::Unavailable,
                    _ => Kind::BadGateway,
                };
                Self::new(kind, message)
            }
            EngineError::Broken { .. } | EngineError::Unreadable { .. } | EngineError::Malformed { .. } => {
                Self::new(Kind::BadGateway, "the engine's answer cannot be used").because(cause)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// HA-002: whoever is refused because the store has no majority is to be told who is missing; whoever is refused for another
    /// reason is not, and the text stands behind what was known before.
    #[test]
    fn who_is_told_of_missing_managers() {
        let why = || "etcd: no leader".to_owned();
        for (error, told) in [
            (StoreError::Unreached(why()), true),
            (StoreError::Unsettled(why()), true),
            (StoreError::Unavailable(why()), false),
            (StoreError::Full(why()), false),
            (StoreError::Corrupt(why()), false),
        ] {
            let kind = error.to_string();
            let refused = ApiError::from(StorageError::Store(error));
            assert_eq!(refused.is_without_store(), told, "{kind}");
        }
        let refused = ApiError::from(StoreError::Unreached(why())).with_more("no answer from n2");
        assert!(
            refused.message().ends_with("then try again; no answer from n2"),
            "{refused}"
        );
        assert_eq!(refused.kind(), Kind::Unavailable);
    }
}
