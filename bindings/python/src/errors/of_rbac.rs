//! The errors of `mke-rbac`: policies, requests, admission.

use super::fields::listed;

listed! {
    enum mke_rbac::ChangeError => "PolicyChangeError" {
        UnknownOrganization(account_id), UnknownTeam(team_id), BuiltInRole(role_id),
    };
    enum mke_rbac::Denial => "AccessDeniedError" {
        Unauthenticated, Inactive, UnknownAccount, AdministratorOnly { why }, Missing(few), Rule(source),
        ConflictingLabels,
    };
    enum mke_rbac::JudgeError => "DecisionError" {
        UnknownCollection { label }, InvalidLabel { label, source }, LabelNotEditable { object_type },
        NotFound(object_ref), NoDefaultCollection,
    };
    enum mke_rbac::RoleProblem => "RoleError" {
        Shape { place, expected }, UnknownType { found }, UnknownOperation { object_type, found },
        WrongType { operation, belongs, object_type }, UnknownModifier { operation, found },
    };
    enum mke_rbac::RuleDenial => "AccessDeniedError" {
        NodeInSystemCollection, NodeMoveIsAdminOnly, AdvancedLicenseRequired, NothingAsked,
    };
    enum mke_rbac::Warning => "PolicyWarningError" {
        UnreachableCollection(collection_id), InertGrant(grant), DuplicateAccount(account_id),
        DuplicateRole(role_id),
    };
    enum mke_rbac::admin::CollectionRefusal => "CollectionRefusedError" {
        Name(source), Unknown(collection_id), Exists(collection_path), BuiltIn(collection_path),
        HasChildren { path, children }, InUse { path, first, count },
    };
    enum mke_rbac::admin::DefaultCollectionRefusal => "DefaultCollectionRefusedError" {
        UnknownUser(account_id), NotVisible(collection_id),
    };
    enum mke_rbac::admin::GrantRefusal => "GrantRefusedError" {
        UnknownSubject(grant_subject), UnknownCollection(collection_id), UnknownRole(role_id),
    };
    enum mke_rbac::admission::ClusterProblem => "AdmissionClusterError" { Policy(source), Role(source) };
    enum mke_rbac::admission::PolicyError => "PodSecurityPolicyError" {
        Unnamed, Field { name, source }, Problems { name, problems },
    };
    enum mke_rbac::admission::SettingsProblem => "AdmissionSettingsError" {
        Attribute { key, name }, NoSuchUser { name }, Administrator { name }, ServiceAccountForm { name },
        ClusterAdmin { name }, NoSuchTeam { name }, NoSuchPlugin { name }, CustomPlugin { name },
        NodeSelector { text },
    };
    enum mke_rbac::engine::CallError => "EngineCallError" {
        Encoding { found }, UnexpectedBody, MissingBody, Json(source), Shape(source), Query(source),
        Label(near_miss), Value { place, why }, NotFound(object_ref), NoPreviousSpec(object_ref),
    };
    enum mke_rbac::engine::ForwardError => "EngineForwardError" {
        NotLookedUp(object_ref), NotPlaced, NamedTwice(object_ref, detail), OutsideSchedule,
        Inconsistent(detail),
    };
    enum mke_rbac::engine::JsonError => "EngineJsonError" {
        TooLarge { found, max }, ByteOrderMark, Syntax(source),
    };
    enum mke_rbac::engine::PathError => "EnginePathError" {
        NotOriginForm, TooLong { found, max }, TooDeep { max }, TooManyParameters { max }, Escape,
        DoubleMeaning, Backslash, Parameters, Fragment, Control, EmptyElement, DotElement,
        Version { found },
    };
    enum mke_rbac::engine::QueryError => "EngineQueryError" { Duplicate(detail), Value { name, expected } };
    enum mke_rbac::engine::RouteError => "EngineRouteError" {
        UnknownPath { path }, UnknownMethod { method, path }, VersionTooNew { found },
        VersionTooOld { found }, NotAvailable { path, why }, NameTooLong { found, max },
    };
    enum mke_rbac::engine::ShapeError => "EngineShapeError" { Kind { place, expected }, Twice { place } };
    struct mke_rbac::engine::labels::NearMiss => "EngineLabelError" { NearMiss { found, meant } };
    struct mke_rbac::inquiry::FlagError => "InquiryFlagError" { FlagError };
    enum mke_rbac::kubernetes::ImpersonationError => "ImpersonationError" { Nobody, WithoutUser };
    enum mke_rbac::kubernetes::WriteProblem => "KubernetesWriteError" {
        Forbidden(request), Escalation { missing }, MissingRole { role }, RoleRefChanged { old, new },
        Invalid(detail),
    };
    enum mke_rbac::kubernetes::identity::DraftError => "KubernetesDraftError" {
        LocalRole(role_ref), UnknownSubject(binding_subject), Namespace(detail),
        AccountWithoutNamespace(binding_subject),
    };
    enum mke_rbac::registry::Reason => "RegistryDeniedError" {
        Administrator, Owner, OrganizationAdministrator, TeamAdministrator, TeamMember, Member, Stranger,
        Catalog, Unknown,
    };
    enum mke_rbac::registry::ScopeError => "RegistryScopeError" { Form(detail), TooLong { found }, TooMany };
}
