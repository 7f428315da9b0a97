//! What is told besides the message.

use super::*;

/// NST-003: what the engine of the node said of its part in the swarm decides what to look at.
#[test]
fn hints_of_a_heartbeat_failure() {
    for (local, part) in [
        (Some(LocalSwarm::Inactive), "left the swarm"),
        (Some(LocalSwarm::Pending), "2377"),
        (Some(LocalSwarm::Error), "log of the node's engine"),
        (Some(LocalSwarm::Locked), "unlock"),
        (Some(LocalSwarm::Active), "docker info"),
        (None, "docker info"),
    ] {
        let state = Case::with(Role::Worker, |case| {
            case.node.state = SwarmState::Down;
            match local {
                Some(local) => {
                    if let Some(report) = &mut case.report {
                        report.swarm = local;
                    }
                }
                None => case.report = None,
            }
        })
        .state();
        assert_eq!(state.message, Message::HeartbeatFailure);
        assert!(state.hint.is_some_and(|hint| hint.contains(part)), "{local:?}");
    }
    assert_eq!(Case::healthy(Role::Worker).state().hint, None);
}

/// NST-009: a controller that is lost again and again is told from one that is lost.
#[test]
fn hints_of_a_lost_controller() {
    for (losses, part) in [
        (0, "log of ucp-controller"),
        (1, "log of ucp-controller"),
        (2, "latency"),
    ] {
        let state = Case::with(Role::Manager, |case| {
            case.controller = Contact::Lost;
            case.losses = losses;
        })
        .state();
        assert_eq!(state.message, Message::NoController);
        assert!(state.hint.is_some_and(|hint| hint.contains(part)), "{losses}");
    }
}
