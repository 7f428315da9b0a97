//! What holds whatever is known.

use proptest::prelude::*;

use super::*;

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Manager), Just(Role::Worker)]
}

fn contact() -> impl Strategy<Value = Contact> {
    prop_oneof![Just(Contact::Never), Just(Contact::Alive), Just(Contact::Lost)]
}

fn phase() -> impl Strategy<Value = Phase> {
    prop_oneof![
        Just(Phase::Starting),
        Just(Phase::Waiting),
        Just(Phase::Beginning),
        Just(Phase::Reconciling),
        Just(Phase::Settled),
        Just(Phase::Paused),
        Just(Phase::Failed {
            why: "x".to_owned(),
            attempts: 1
        }),
        Just(Phase::Refused { why: "x".to_owned() }),
    ]
}

fn task() -> impl Strategy<Value = Option<TaskState>> {
    prop_oneof![
        Just(None),
        Just(Some(TaskState::Running)),
        Just(Some(TaskState::Preparing)),
        Just(Some(TaskState::Failed)),
    ]
}

fn swarm_state() -> impl Strategy<Value = SwarmState> {
    prop_oneof![
        Just(SwarmState::Ready),
        Just(SwarmState::Down),
        Just(SwarmState::Unknown),
        Just(SwarmState::Disconnected),
    ]
}

prop_compose! {
    fn any_case()(
        role in role(),
        said in proptest::option::of((role(), phase())),
        state in swarm_state(),
        reachable in proptest::bool::ANY,
        availability in prop_oneof![Just(Availability::Active), Just(Availability::Pause), Just(Availability::Drain)],
        task in task(),
        registered in proptest::bool::ANY,
        contact in contact(),
        twin in proptest::bool::ANY,
        windows in proptest::bool::ANY,
        controller in contact(),
        unwell in proptest::bool::ANY,
        age in 0_u64..40,
    ) -> Case {
        let mut node = node(role);
        node.state = state;
        node.availability = availability;
        if windows {
            node.os = "windows".to_owned();
        }
        if !reachable && let Some(manager) = &mut node.manager {
            manager.reachability = Reachability::Unreachable;
        }
        let report = said.map(|(role, phase)| {
            let mut report = report(role, phase);
            if unwell {
                report.components[0].state = ComponentState::Unhealthy;
            }
            report
        });
        Case { node, task, registered, contact, twin, controller, losses: 0, report, age }
    }
}

proptest! {
    /// NST-001, MON-002: a node is called healthy only when nothing speaks against it, and never otherwise.
    #[test]
    fn healthy_means_that_nothing_is_wrong(case in any_case()) {
        let role = case.node.role;
        let controlled = role == Role::Worker || case.controller == Contact::Alive;
        let present = !case.node.is_lost() && !case.twin && case.registered && controlled
            && (role == Role::Worker || case.node.os == "linux");
        let is_of_role = case.report.as_ref().is_some_and(|report| report.role == role);
        let fine = present && is_of_role && if case.is_absent() {
            case.node.state == SwarmState::Ready
        } else {
            (case.node.state != SwarmState::Disconnected || case.contact == Contact::Alive)
                && case.task.is_none_or(|task| task == TaskState::Running)
                && case.contact != Contact::Lost
                && case.report.as_ref().is_some_and(|report| {
                    matches!(report.phase, Phase::Settled | Phase::Paused) && report.unwell().is_none()
                })
        };
        prop_assert_eq!(case.state().level() == Level::Healthy, fine);
    }

    /// MON-002, NST-011: what begins with `[Pending]` is transient and nothing else is; it is never `down`.
    #[test]
    fn pending_is_said_of_what_passes(case in any_case()) {
        let state = case.state();
        let text = state.message.to_string();
        prop_assert_eq!(text.starts_with("[Pending] "), state.level() == Level::Pending);
        prop_assert_eq!(state.engine_word() == "ready", state.level() == Level::Healthy);
        prop_assert_eq!(state.engine_word() == "down", state.level() == Level::Error);
        prop_assert!(!text.chars().any(char::is_control));
    }

    /// SCH-007: what tasks may run on a node changes nothing about how it does; draining one takes its agent away, and that makes
    /// nothing worse.
    #[test]
    fn availability_is_no_state(case in any_case()) {
        let mut case = case;
        case.node.availability = Availability::Active;
        let before = case.state();
        case.node.availability = Availability::Pause;
        prop_assert_eq!(&before, &case.state());
        case.node.availability = Availability::Drain;
        if case.is_absent() {
            prop_assert!(case.state().level() <= before.level().max(Level::Pending) || before.message == case.state().message
                || case.state().message == Message::NoController);
        } else {
            prop_assert_eq!(before, case.state());
        }
    }
}
