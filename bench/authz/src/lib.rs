//! What an access decision costs: this engine beside crates that decide from policies too, and beside the upstream
//! Kubernetes authorizer. Every peer gets the same data and the same questions, and must give the same answers.
//!
//! | module | decides |
//! | --- | --- |
//! | [`shapes`] | what is asked about |
//! | [`peers`] | how each engine is given the data, and asked |
//! | [`rounds`] | how time is taken |
//! | [`swarm`] and [`kubernetes`] | which figures there are |
//! | [`report`] and [`plot`] | how they are shown |

pub mod error;
pub mod facts;
pub mod kubernetes;
pub mod peers;
pub mod plot;
pub mod report;
pub mod rounds;
pub mod shapes;
pub mod swarm;

#[expect(
    dead_code,
    reason = "shared with the measurements of whole programs, which use all of it"
)]
#[path = "../../src/stats.rs"]
mod stats;
