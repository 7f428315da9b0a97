//! The fields of Engine API 1.41, per structure, as [`super::shape::Shape`]s. No rule lives here.

pub(super) mod container;
pub(super) mod other;
pub(super) mod service;
