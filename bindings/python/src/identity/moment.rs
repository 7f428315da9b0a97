//! Moments as arguments: seconds since 1970, or a `datetime` that knows its zone. Without one, now.

use std::time::SystemTime;

use mke_core::time::Timestamp;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt};

use crate::errors::invalid;

/// A moment that somebody names.
pub(super) struct Moment(Timestamp);

/// The moment, or now.
pub(super) fn or_now(moment: Option<Moment>) -> Timestamp {
    moment.map_or_else(|| Timestamp::from(SystemTime::now()), |moment| moment.0)
}

impl<'py> FromPyObject<'_, 'py> for Moment {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let is_number = value.is_instance_of::<PyInt>() || value.is_instance_of::<PyFloat>();
        let seconds: f64 = if is_number && !value.is_instance_of::<PyBool>() {
            value.extract()?
        } else if value.hasattr("tzinfo")? && !value.getattr("tzinfo")?.is_none() {
            value.call_method0("timestamp")?.extract()?
        } else {
            return Err(invalid(
                "moment",
                "seconds since 1970 are needed, or a datetime with its time zone",
            ));
        };
        if !(0.0..=253_402_300_799.0).contains(&seconds) {
            return Err(invalid("moment", "it must lie between the years 1970 and 9999"));
        }
        #[expect(clippy::cast_possible_truncation, reason = "it was just bounded")]
        let millis = (seconds * 1000.0).round() as i64;
        Ok(Self(Timestamp::from_millis(millis)))
    }
}
