//! Pod security policies: what they say, what a pod gets from them, and which one admits a pod (PSP-001 to PSP-006).

mod builtin;
mod container;
mod defaults;
mod ids;
mod limits;
mod profiles;
mod select;
mod spec;
mod volumes;

pub use builtin::{DEFAULT_BINDING, MANIFESTS};
pub(super) use profiles::is_profile_annotation;
pub(super) use select::{Candidates, POLICY_ANNOTATION, select};
pub use spec::{
    AllowedCsiDriver, AllowedDriver, AllowedHostPath, IdRange, IdRule, IdStrategy, PodSecurityPolicy,
    PolicyError, PolicySpec, PortRange, RuntimeClasses, SeLinuxOptions, SeLinuxRule, SeLinuxStrategy,
};
