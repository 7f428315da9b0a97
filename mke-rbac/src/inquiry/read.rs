//! Reads questions from JSON so that a complaint names the field.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Inquiry, InquiryError};
use crate::question::Inventory;

/// Reads an inquiry. Every complaint names the field that it is about.
///
/// # Errors
/// [`InquiryError::Field`] for a wrong field, [`InquiryError::Form`] for a missing or unknown one.
pub fn read<I: Inquiry>(body: Value) -> Result<I, InquiryError> {
    fields(body)
}

/// Reads an inventory. Every complaint names the field that it is about.
///
/// # Errors
/// [`InquiryError::Field`] for a wrong field, [`InquiryError::Form`] for a missing or unknown one.
pub fn read_inventory(body: Value) -> Result<Inventory, InquiryError> {
    fields(body).map_err(|error| error.within("inventory"))
}

/// Reads any part of a question in the same way.
pub(crate) fn fields<T: DeserializeOwned>(body: Value) -> Result<T, InquiryError> {
    serde_path_to_error::deserialize(body).map_err(|error| {
        let field = error.path().to_string();
        let problem = error.into_inner().to_string();
        match field.as_str() {
            "." => InquiryError::Form(problem),
            _ => InquiryError::Field { field, problem },
        }
    })
}
