//! The errors of `mke-core`: names, configuration, certificates, store.

use super::fields::listed;

listed! {
    struct mke_core::config::mke4::FlagProblem => "MigrationFlagError" { FlagProblem { flag, message } };
    struct mke_core::config::mke4::HostProblem => "MigrationHostError" { HostProblem { field, message } };
    enum mke_core::config::mke4::Obstacle => "MigrationObstacleError" {
        Version(detail), UnknownVersion, NoBackup, CalicoInEtcd, UnmanagedCni, Ipvs, Ebpf,
        StaleKubeconf(detail),
    };
    enum mke_core::names::NameError => "InvalidNameError" {
        Empty { what }, TooLong { what, found, max }, Character { what, found, hint },
        Reserved { what, found, why }, NotAbsolute { found },
    };
    enum mke_core::pki::Distrust => "DistrustError" {
        UnknownIssuer, Expired, NotYetValid, WrongPurpose, IsAuthority, TooManyIntermediates { max },
        Other(detail),
    };
    enum mke_core::pki::KeyFault => "KeyRefusedError" {
        Private, Certificate, Form, Pem, Der, Algorithm, Point, TooShort { found, min },
        TooLong { found, max }, Exponent, SmallFactor, Roca, Encrypted, NotP256,
    };
    enum mke_core::pki::NameFault => "CertificateNameError" {
        Empty, TooLong { max }, NotAscii, BadALabel, Wildcard, Label, BadAddress, Unspecified, Zone, Port,
        Network, Uri,
    };
    enum mke_core::pki::PkiError => "PkiError" {
        Subject { field, fault }, Name { name, fault }, NoNames, TooManyNames { found, max, unit },
        Key { what, fault }, Pem { what, fault }, Certificate { fault }, NotAuthority, KeyMismatch,
        AuthorityExpired { not_after }, ClockBeforeAuthority { now, not_before }, NoValidity, NoRoots,
        TooManyRoots { found, max }, Untrusted { reason }, Encode { fault },
    };
    enum mke_core::pki::chain::ChainProblem => "CertificateChainError" {
        Missing { part }, Unreadable { part, fault }, KeyMismatch,
        Expired { part, position, subject, not_after }, NotYetValid { part, position, subject, not_before },
        NotAuthority { position, subject }, IsAuthority, WrongPurpose, Incomplete, TooLong { found, max },
        NameNotCovered { address }, Refused { reason },
    };
    struct mke_core::product::ImageRefError => "ImageReferenceError" { ImageRefError(detail) };
    struct mke_core::product::UpgradeRefused => "UpgradeRefusedError" {
        UpgradeRefused { from, to, why, allowed },
    };
    struct mke_core::product::VersionError => "InvalidVersionError" { VersionError(detail) };
    struct mke_core::render::RenderProblem => "RenderError" { RenderProblem { place, message } };
    struct mke_core::render::RenderProblems => "RenderError" { RenderProblems(problems) };
    enum mke_core::seal::SealError => "SealError" {
        KeyLength { found }, UnknownForm, NotAuthentic, TooLarge,
    };
    enum mke_core::store::StoreError => "StoreError" {
        Compacted { asked, oldest }, NoSuchLease(lease_id), Invalid(detail), Full(detail),
        Unavailable(detail), Unreached(detail), Unsettled(detail), Corrupt(detail),
    };
    enum mke_core::store::etcd::AdminError => "StoreAdminError" {
        Unavailable(detail), NotCaughtUp, LearnerExists, TooFew(detail), NoSuchMember, MemberExists,
        Store(source),
    };
}
