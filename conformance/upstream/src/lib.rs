//! Asks the upstream Kubernetes authorizer the same as ours, and reports where they differ.
//!
//! Upstream runs as a process of its own (`program/`, in Go), built from the distribution's source package by
//! `cargo xtask differential`. What is compared: verdicts about requests, and whether somebody's rules cover others
//! (R86). Aggregated roles are put together by that program, since in a cluster a controller does it.
//!
//! | module | decides |
//! | --- | --- |
//! | [`dice`] | nothing: numbers that depend on a seed only |
//! | [`generate`] | which policies and requests are asked about |
//! | [`wire`] | how policies and requests travel |
//! | [`upstream`] | nothing: talks to the process |
//! | [`shrink`] | which parts of an example matter |
//! | [`compare`] | nothing: asks both, many times, and counts |

pub mod compare;
pub mod dice;
pub mod generate;
pub mod shrink;
pub mod upstream;
pub mod wire;
mod words;
