//! The second factor: seeds, and the codes of authenticator apps.

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use mke_auth::second_factor::otpauth::{Picture, uri};
use mke_auth::second_factor::totp::{Code, STEP_SECONDS, Seed, step_at};
use mke_core::secret;
use pyo3::prelude::*;

use super::moment::{Moment, or_now};
use crate::config::Secret;
use crate::errors::invalid;

/// The seed of a second factor (TOTP, RFC 6238: six digits, steps of 30 seconds, HMAC with SHA-1, as apps take it). `TotpSeed()`
/// makes a fresh one, `TotpSeed(bytes)` takes one that was kept. Moments are seconds since 1970 or a `datetime` with its zone;
/// without one it is now.
///
///     >>> seed = mke.identity.TotpSeed(b"12345678901234567890")
///     >>> seed.code(at=59)
///     '287082'
///     >>> step = seed.verify("287082", at=60)
///     >>> step, seed.verify("287082", at=60, last_step=step)
///     (1, None)
#[pyclass(module = "mke.identity", frozen, skip_from_py_object)]
pub(crate) struct TotpSeed(Seed);

#[pymethods]
impl TotpSeed {
    #[new]
    #[pyo3(signature = (seed=None))]
    fn new(seed: Option<Vec<u8>>) -> PyResult<Self> {
        match seed {
            None => Ok(Self(Seed::random(&mut UnwrapErr(SysRng)))),
            Some(bytes) if (16..=128).contains(&bytes.len()) => Ok(Self(Seed::new(bytes))),
            Some(bytes) => Err(invalid(
                "seed",
                &format!("{} bytes are given, from 16 to 128 are taken", bytes.len()),
            )),
        }
    }

    /// The seed in base32, for people who type it into an app.
    #[getter]
    fn base32(&self) -> Secret {
        Secret(secret::Secret::new(self.0.base32().as_str()))
    }

    /// The address that an app takes (`otpauth://totp/…`), seed included. `issuer` is what it shows above the account's name.
    fn uri(&self, issuer: &str, account: &str) -> Secret {
        Secret(uri(issuer, account, &self.0))
    }

    /// The same as a picture of SVG with its QR code; whoever sees it has the seed.
    fn qr_svg(&self, issuer: &str, account: &str) -> PyResult<Secret> {
        match Picture::of(&uri(issuer, account, &self.0)) {
            Some(picture) => Ok(Secret(secret::Secret::new(picture.svg()))),
            None => Err(invalid("account", "the name is too long for a picture")),
        }
    }

    /// The code of a moment.
    #[pyo3(signature = (*, at=None))]
    fn code(&self, at: Option<Moment>) -> String {
        self.0.code_at_step(step_at(or_now(at))).text()
    }

    /// The time step whose code this is, at most one away from now and later than `last_step`; `None` for a wrong code. Keep it and
    /// hand it over the next time: a code is taken once.
    #[pyo3(signature = (code, *, at=None, last_step=0))]
    fn verify(&self, code: &str, at: Option<Moment>, last_step: u64) -> Option<u64> {
        self.0.step_of(Code::parse(code)?, or_now(at), last_step)
    }

    /// Seconds of a time step.
    #[classattr]
    const STEP_SECONDS: u64 = STEP_SECONDS;

    fn __repr__(&self) -> &'static str {
        "TotpSeed(********)"
    }
}
