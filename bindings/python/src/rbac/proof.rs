//! Proofs of decisions, checked by a program of its own that shares no code with what takes the decisions.

use std::fmt;

use pyo3::prelude::*;
use serde_json::Value;

use crate::convert::from_python;
use crate::errors::{OrRaise as _, Raised};

/// What a proof gets wrong, in words.
struct Flaw(String);

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Raised for Flaw {
    const CLASS: &'static str = "ProofError";

    fn kind(&self) -> &'static str {
        "Flaw"
    }
}

/// Checks the proof of an explanation against plain facts, without any code of the engine that took the decision.
/// Whether the decision that it proves is yes.
///
/// >>> import mke
/// >>> policy = mke.rbac.Policy(users=["dina"], grants=[("user:dina", "viewonly", "/Shared")])
/// >>> why = policy.explain("dina", mke.rbac.check("Service View", "/Shared"))
/// >>> mke.rbac.verify(why.proof, policy.facts())
/// True
///
/// Raises:
///     mke.errors.ProofError: the facts do not bear it out.
///     mke.errors.InvalidValueError: the facts are not of the form that `Policy.facts` gives.
#[pyfunction]
pub(super) fn verify(py: Python<'_>, proof: &Bound<'_, PyAny>, facts: &Bound<'_, PyAny>) -> PyResult<bool> {
    let proof: Value = from_python("proof", proof)?;
    let state: mke_proof::State = from_python("facts", facts)?;
    let checked = py.detach(|| mke_proof::check(&state, &proof));
    checked.map_err(|flaw| Flaw(flaw.0)).or_raise()
}
