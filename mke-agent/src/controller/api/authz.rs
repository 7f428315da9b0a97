//! `POST /api/ucp/authz/<name>`: inquiries about the whole policy, for administrators, because reports name users
//! and grants (rbac-12). The table of endpoints says so.
//!
//! The body is the inquiry in the form of [`mke_rbac::inquiry`], and may carry an `inventory`: objects with their
//! collections, and Kubernetes roles and bindings. The report is JSON; where it can be drawn,
//! `Accept: image/svg+xml` asks for the image.

use http::header::ACCEPT;
use http::{HeaderMap, StatusCode};
use mke_rbac::inquiry::{self, Inquiry, InquiryError, Report as _, Scene};
use mke_rbac::question::Inventory;
use serde_json::Value;

use super::Call;
use crate::controller::body::{self, Response};
use crate::controller::error::ApiError;

const SVG: &str = "image/svg+xml";

/// Answers an inquiry of one kind. A long one does not hold up other requests, and few are answered at once.
pub(super) async fn ask<I: Inquiry + Send + 'static>(call: Call) -> Result<Response, ApiError> {
    let state = call.state.clone();
    state.inquiries.answer(move || answer::<I>(&call)).await?
}

fn answer<I: Inquiry>(call: &Call) -> Result<Response, ApiError> {
    let malformed = |error: InquiryError| ApiError::malformed(error.to_string());
    let (inquiry, inventory) = read::<I>(&call.body)?;
    let scene = Scene::new(&call.snapshot.policy, &inventory);
    let report = inquiry.ask(&scene).map_err(malformed)?;
    match report.image() {
        Some(image) if wants_image(&call.headers) => Ok(body::bytes(StatusCode::OK, SVG, image)),
        _ => Ok(body::json(StatusCode::OK, &report)),
    }
}

fn read<I: Inquiry>(body: &[u8]) -> Result<(I, Inventory), ApiError> {
    let malformed = |error: InquiryError| ApiError::malformed(error.to_string());
    let mut body: Value = serde_json::from_slice(body)
        .map_err(|error| ApiError::malformed(format!("the body is not JSON: {error}")))?;
    let fields = body
        .as_object_mut()
        .ok_or_else(|| ApiError::malformed("the body must be a JSON object"))?;
    let inventory = match fields.remove("inventory") {
        Some(inventory) => inquiry::read_inventory(inventory).map_err(malformed)?,
        None => Inventory::default(),
    };
    Ok((inquiry::read(body).map_err(malformed)?, inventory))
}

/// Whether the caller asks for the image by name; `*/*` means JSON.
fn wants_image(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter();
    let mut accepted = accepted.filter_map(|value| value.to_str().ok());
    accepted.any(|value| {
        let mut types = value.split(',');
        types.any(|accepted| accepted.split(';').next().unwrap_or_default().trim() == SVG)
    })
}
