//! The errors of `mke-agent`: nodes, installation, the controller, and what only the programs on a node meet.

use super::fields::listed;

listed! {
    enum mke_agent::agent::cluster::PassError => "ClusterStoreError" {
        Engine(source), Store(source), Configuration(source), Members(source),
    };
    enum mke_agent::agent::cluster::members::MembersError => "ClusterStoreError" {
        Access(source), Store(source), Keep(source), Conflict, Foreign { name, url },
    };
    enum mke_agent::agent::node::engine_info::OwnError => "DaemonError" { Engine(source), Image(source) };
    enum mke_agent::agent::node::kernel::KernelRunError => "DaemonError" {
        Engine(source), Slow, Ended { code, log },
    };
    enum mke_agent::agent::node::launch::LaunchError => "DaemonError" {
        Engine(source), Pack(source), Slow, Ended { code, log }, Said(detail),
    };
    enum mke_agent::agent::node::member_data::MemberError => "ClusterStoreError" {
        Lost(member), Held(detail), Data { path, source }, NoList { path }, File(source),
    };
    enum mke_agent::agent::node::reconcile::ReconcileError => "DaemonError" {
        Observe(detail), Refused(detail), Steps { failed, steps, first },
    };
    enum mke_agent::agent::node::survey::SurveyError => "DaemonError" {
        Engine(source), Observe(source), NoSwarm, NotInstalled, Worker(detail), NoConfig(detail), NoAddress,
    };
    enum mke_agent::agent::store::StoreAccessError => "ClusterStoreError" {
        File { path, source }, NoMembers, Store(source),
    };
    enum mke_agent::backup::ArchiveError => "InstallError" {
        Foreign(detail), Damaged(detail), Schema(number), Write(detail),
    };
    enum mke_agent::backup::OpenPgpError => "InstallError" {
        NoPassphrase, TooLarge, WrongPassphrase, Changed, Form,
    };
    enum mke_agent::backup::collect::CollectError => "InstallError" {
        File(source), Missing(path), Store(source), Configuration(source), Archive(source),
    };
    enum mke_agent::ca::CaError => "NodeCertificateError" {
        NoneAnswered(names), NoManagers, Refused { address, message }, NotGranted(source), Pki(source),
        Mtls(source), Odd { address, fault },
    };
    enum mke_agent::ca::InventoryError => "NodeCertificateError" {
        Engine(source), Proxy(source), Refused { path, status }, Malformed { path, source }, NoManager,
    };
    enum mke_agent::ca::PeerError => "NodeCertificateError" {
        OtherCluster { found, expected }, OtherUnit { unit },
    };
    enum mke_agent::ca::Refusal => "NodeCertificateError" {
        UnknownKind, OtherAuthority { wanted, other }, UnknownNode(detail),
        NotManager { node, certificate, swarm }, NotFor { peer, wanted, who }, NamesAsked(detail),
        Reserved(subject_alt_name), CommonName, Validity(detail),
    };
    enum mke_agent::ca::bootstrap::BootstrapError => "NodeCertificateError" {
        File(source), Pki { volume, source }, Half { volume },
    };
    enum mke_agent::ca::certificates::ApplyError => "NodeCertificateError" {
        Authority(source), File(source), Bootstrap(source), NotPublished(detail), NotGiven(detail),
    };
    enum mke_agent::ca::certificates::Problem => "NodeCertificateError" { NoCommonName, External(detail) };
    enum mke_agent::ca::certificates::Reason => "NodeCertificateError" {
        Missing, Unusable(detail), OtherAuthority, Due { renew_at, not_after }, Names { missing, extra },
        Subject { found, wanted }, Purpose, External,
    };
    struct mke_agent::controller::ApiError => "ControllerError" { ApiError };
    enum mke_agent::controller::AuthorityError => "AuthorityError" {
        Pki(source), Seal(source), External(problems), File(source), Store(source), Tls(source),
        Damaged(detail), Signing(source), Mtls(source), FromFiles,
    };
    struct mke_agent::controller::FileError => "DaemonError" { FileError { what, path, source } };
    enum mke_agent::controller::FirstAdminError => "DaemonError" { File(source), Form };
    enum mke_agent::controller::PolicyStoreError => "PolicyStoreError" {
        Role(source), Collection(source), Grant(source), DefaultCollection(source), Busy, Store(source),
    };
    enum mke_agent::controller::SetupError => "DaemonError" {
        File(source), Seal(source), SealingKeyMissing(detail), NoSuchSealingKey(detail), Store(source),
        Account(source), Policy(source),
    };
    enum mke_agent::controller::StartError => "DaemonError" {
        NoAddress, Listen { address, source }, Store(source), SharedStore(source), Setup(source),
        Configuration(source), Import(source), Authority(source), Password(source), Node(source),
        File(source), Bundle(source),
    };
    enum mke_agent::controller::WorkerError => "DaemonError" { Store(source), Password(source) };
    enum mke_agent::controller::configuration::ChangeError => "ConfigurationChangeError" {
        Invalid(problems), Fixed(difference), Overlapped { current, by, tried },
        Stale { expected, current, tried }, NoSuchVersion(version), Why, TooLarge { bytes, takes, most },
        Upgrading { owner }, Busy, NotInForce(not_in_force), Store(source),
    };
    enum mke_agent::controller::configuration::license::LicenseError => "LicenseError" {
        TooLarge, Form, Payload, Expiration,
    };
    enum mke_agent::controller::configuration::licenses::KeepError => "LicenseError" {
        License(source), Stored(source), Engine(source), Busy,
    };
    enum mke_agent::controller::configuration::objects::ImportError => "ConfigurationObjectError" {
        Missing, Engine(source), Content(source),
    };
    enum mke_agent::controller::configuration::objects::ObjectError => "ConfigurationObjectError" {
        NoText(detail), File { name, problems }, License { name, error },
    };
    enum mke_agent::controller::recovery::RecoveryError => "DaemonError" {
        NoDataDir(path_buf), NotAllowed(source), Store(source), Account(source), Password(source),
        Refused(detail), Unanswered { path, why },
    };
    struct mke_agent::controller::state::NotInForce => "DaemonError" { NotInForce(revision) };
    enum mke_agent::engine::EngineError => "EngineError" {
        Unreachable { place, source }, NoNode { nodes }, Slow { path, limit }, Refused { status, message },
        Broken { path, source }, Unreadable { path, source }, Malformed { path, source },
    };
    struct mke_agent::fleet::placement::NoNode => "PlacementError" { NoNode { why } };
    enum mke_agent::install::InstallError => "InstallError" {
        SocketDenied { socket }, NoSocket { socket }, Engine { doing, source }, ContainerName,
        Image(detail), Version(source), Swarm(detail), AlreadyInstalled { version, instance, nodes }, AlreadyThere(detail),
        OldStore { volume }, NotInstalled,
        OtherInstance { found, asked }, Locked { operation, owner }, BackupInProgress { owner },
        OtherVersion { installed, own }, Archive(source), Restore(refusals), Checks(findings),
        Configuration(problems), Flag { flag, reason }, License(detail), NoExistingConfig,
        Upgrade(upgrade_refused), BrokenOff, Images(detail), Pki(source), Handover(source),
        Program { what, code, log }, TookTooLong { what, seconds, detail }, System(detail),
        NotUndone { failure, left },
    };
    enum mke_agent::install::handover::HandoverError => "InstallError" { Form, Schema(number) };
    enum mke_agent::kv::AccessError => "ClusterStoreError" {
        File(source), Missing { what, path }, Store(source),
    };
    enum mke_agent::kv::KeepError => "ClusterStoreError" { Admin(source), Refused(source), Waiting(names) };
    enum mke_agent::kv::Refusal => "ClusterStoreError" {
        NoMajority { well, voters }, WouldLoseMajority { step, well, voters, needed }, NotCaughtUp(detail),
        LearnerExists(detail), NoLearner(detail), AddressTaken(detail), NotAllWell(names),
        NoSuchMember(detail),
    };
    enum mke_agent::kv::wal::WalError => "ClusterStoreError" { Short, Foreign, Damaged };
    enum mke_agent::life::report::ReportError => "DaemonError" { Lines(number), Text(detail) };
    enum mke_agent::mtls::MtlsError => "MutualTlsError" {
        File { path, source }, Certificate { place, source }, Encrypted { place }, Tls { place, source },
        Unreachable { address, source }, Handshake { address, name, source }, Slow { address, limit },
        Broken { address, source }, Name(detail),
    };
    struct mke_agent::node::FactsProblems => "NodeFactsError" { FactsProblems(problems) };
    struct mke_agent::node::ObserveError => "NodeObservationError" { ObserveError { what, source } };
    struct mke_agent::node::StepError => "NodeStepError" { StepError { message, source } };
    enum mke_agent::node_proxy::Refused => "DaemonError" {
        Peer(source), Worker(peer), NoManager(peer), Swarm(peer),
    };
    enum mke_agent::programs::ProgramError => "DaemonError" {
        Start(source), Signals(source), File { path, source }, Beside { path, source },
        Usage(detail), Failed { doing, source },
    };
    struct mke_agent::relay::BadTarget => "DaemonError" { BadTarget };
}
