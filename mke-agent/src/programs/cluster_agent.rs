//! `ucp-agent cluster-agent`: keeps what there is one of in the cluster (service `ucp-cluster-agent`).

use std::sync::Arc;
use std::time::Duration;

use mke_core::causes::chain;
use mke_core::time::SystemClock;
use tokio::time::sleep;

use super::agent::Place;
use super::{ProgramError, asked_to_end};
use crate::agent::cluster::ClusterAgent;
use crate::agent::cluster::members::EtcdMembers;
use crate::agent::node::access::StoreAccess;
use crate::steps;

/// Rest before the store is tried again.
const RETRY: Duration = Duration::from_secs(3);
/// After how many steps is looked whether the store is reached another way: managers come and go, certificates are renewed.
const REFRESH_STEPS: u32 = 8;

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    place: Place,
}

/// Works until it is asked to end.
///
/// # Errors
/// [`ProgramError`] when it cannot begin.
pub(super) async fn run(args: Args) -> Result<(), ProgramError> {
    let found = args.place.find().await?;
    tracing::info!(cluster = found.cluster_id, version = %found.version, "the cluster agent begins");
    let work = async {
        let access = StoreAccess::new(found.engine.clone(), args.place.certs.clone());
        loop {
            let store = match access.get().await {
                Ok(store) => store,
                Err(error) => {
                    tracing::warn!("the store is not reached yet: {}", chain(&*error));
                    sleep(RETRY).await;
                    continue;
                }
            };
            let agent = ClusterAgent {
                engine: found.engine.clone(),
                store: store.clone(),
                clock: Arc::new(SystemClock),
                cluster_id: found.cluster_id.clone(),
                version: found.version,
                members: Some(Box::new(EtcdMembers::new(
                    store.clone(),
                    args.place.certs.clone(),
                ))),
            };
            let another = async {
                loop {
                    steps::pass(REFRESH_STEPS).await;
                    if access.get().await.is_ok_and(|other| !Arc::ptr_eq(&other, &store)) {
                        return;
                    }
                }
            };
            tokio::select! {
                () = agent.run() => {}
                () = another => tracing::info!("the store is reached another way from now on"),
            }
        }
    };
    tokio::select! {
        () = work => Ok(()),
        asked = asked_to_end() => asked,
    }
}
