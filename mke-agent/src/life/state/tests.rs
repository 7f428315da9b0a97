//! Every state with what leads to it and what does not.

use super::*;
use crate::life::report::{ComponentReport, LocalSwarm, Report};
use crate::life::swarm::{Availability, ManagerStatus, Reachability, SwarmState};

const NOW: i64 = 1_800_000_000;

fn node(role: Role) -> SwarmNode {
    SwarmNode {
        id: "n1".to_owned(),
        version: 7,
        hostname: "host1".to_owned(),
        address: Some([10, 0, 0, 1].into()),
        os: "linux".to_owned(),
        role,
        availability: Availability::Active,
        state: SwarmState::Ready,
        message: String::new(),
        manager: (role == Role::Manager).then(|| ManagerStatus {
            leader: true,
            reachability: Reachability::Reachable,
            address: "10.0.0.1:2377".to_owned(),
        }),
        labels: Default::default(),
        engine_version: "26.1.5".to_owned(),
    }
}

fn report(role: Role, phase: Phase) -> Report {
    Report {
        role,
        engine_id: "E1".to_owned(),
        engine_version: "26.1.5".to_owned(),
        agent_version: "3.4.15".to_owned(),
        swarm: LocalSwarm::Active,
        phase,
        components: vec![ComponentReport {
            name: "ucp-proxy".to_owned(),
            state: ComponentState::Running,
            version: "3.4.15".to_owned(),
        }],
        outcomes: Vec::new(),
        spec: 1,
        msr: false,
        lost_member: None,
    }
}

/// A case: a healthy node of this role, and what is different about it.
#[derive(Debug)]
struct Case {
    node: SwarmNode,
    task: Option<TaskState>,
    registered: bool,
    contact: Contact,
    twin: bool,
    controller: Contact,
    losses: u32,
    report: Option<Report>,
    age: u64,
}

impl Case {
    fn healthy(role: Role) -> Self {
        Self {
            node: node(role),
            task: Some(TaskState::Running),
            registered: true,
            contact: Contact::Alive,
            twin: false,
            controller: match role {
                Role::Manager => Contact::Alive,
                Role::Worker => Contact::Never,
            },
            losses: 0,
            report: Some(report(role, Phase::Settled)),
            age: 60,
        }
    }

    fn with(role: Role, change: impl FnOnce(&mut Self)) -> Self {
        let mut case = Self::healthy(role);
        change(&mut case);
        case
    }

    fn phase(role: Role, phase: Phase) -> Self {
        Self::with(role, |case| case.report = Some(report(role, phase)))
    }

    /// Whether it is drained and its agent away.
    fn is_absent(&self) -> bool {
        let runs = match self.task {
            Some(task) => task == TaskState::Running,
            None => self.contact == Contact::Alive,
        };
        self.node.availability == Availability::Drain && !runs
    }

    fn state(&self) -> NodeState {
        let now = Timestamp::from_secs(NOW);
        let known = Known {
            node: &self.node,
            task: self.task,
            registered: self.registered,
            contact: self.contact,
            twin: self.twin,
            controller: self.controller,
            losses: self.losses,
        };
        let stored = self.report.clone().map(|report| StoredReport {
            report,
            at: now.minus(Duration::from_secs(self.age)),
        });
        state_of(&known, stored.as_ref(), now)
    }
}

const UNREACHABLE: &str = "Unhealthy MKE Controller: node is unreachable";
const NO_CONTROLLER: &str = "Unhealthy MKE Controller: unable to reach controller";
const REGISTERING: &str = "[Pending] Completing node registration";
const RECONFIGURED: &str = "[Pending] Node is being reconfigured";
const WAITING: &str = "[Pending] Reconfiguration pending";
const UNDETERMINED: &str = "[Pending] Unable to determine node state";
const TWIN: &str = "Unhealthy MKE Controller: Docker Swarm Cluster: Local node 10.0.0.1 has status Pending";

/// Test table: NST-001, NST-004, NST-005, NST-006, NST-007, MON-002, SCH-007, NST-011: every message of the product with the
/// word that clients get, and the neighbours that must not lead to it.
#[test]
fn messages() {
    use Role::{Manager, Worker};
    let failed = || Phase::Failed {
        why: "no image".to_owned(),
        attempts: 3,
    };
    let unhealthy = |case: &mut Case| {
        if let Some(report) = &mut case.report {
            report.components[0].state = ComponentState::Unhealthy;
        }
    };
    let cases = [
        (
            "healthy manager",
            Case::healthy(Manager),
            "ready",
            "Healthy MKE manager",
        ),
        (
            "healthy worker",
            Case::healthy(Worker),
            "ready",
            "Healthy MKE worker",
        ),
        (
            "a drained node is not disconnected",
            Case::with(Worker, |case| case.node.availability = Availability::Drain),
            "ready",
            "Healthy MKE worker",
        ),
        (
            "a drained node has no agent",
            Case::with(Worker, |case| {
                case.node.availability = Availability::Drain;
                case.task = Some(TaskState::Shutdown);
                case.contact = Contact::Lost;
            }),
            "ready",
            "Healthy MKE worker, not reconciled while it is drained",
        ),
        (
            "a drained manager has no agent, and a controller",
            Case::with(Manager, |case| {
                case.node.availability = Availability::Drain;
                case.task = None;
                case.contact = Contact::Lost;
            }),
            "ready",
            "Healthy MKE manager, not reconciled while it is drained",
        ),
        (
            "a drained manager without a controller",
            Case::with(Manager, |case| {
                case.node.availability = Availability::Drain;
                case.task = Some(TaskState::Shutdown);
                case.contact = Contact::Lost;
                case.controller = Contact::Lost;
            }),
            "down",
            NO_CONTROLLER,
        ),
        (
            "a drained node that is lost",
            Case::with(Worker, |case| {
                case.node.availability = Availability::Drain;
                case.node.state = SwarmState::Down;
                case.task = Some(TaskState::Shutdown);
            }),
            "down",
            "heartbeat failure",
        ),
        (
            "a drained node while the swarm changes its leader",
            Case::with(Worker, |case| {
                case.node.availability = Availability::Drain;
                case.node.state = SwarmState::Disconnected;
                case.task = Some(TaskState::Shutdown);
                case.contact = Contact::Lost;
            }),
            "unknown",
            UNDETERMINED,
        ),
        (
            "drained, and its agent is silent all the same",
            Case::with(Worker, |case| {
                case.node.availability = Availability::Drain;
                case.contact = Contact::Lost;
            }),
            "down",
            "heartbeat failure",
        ),
        (
            "a paused node is not either",
            Case::with(Manager, |case| case.node.availability = Availability::Pause),
            "ready",
            "Healthy MKE manager",
        ),
        (
            "nobody could be asked for the task",
            Case::with(Worker, |case| case.task = None),
            "ready",
            "Healthy MKE worker",
        ),
        (
            "the swarm is not sure, the agent is heard of",
            Case::with(Worker, |case| case.node.state = SwarmState::Unknown),
            "ready",
            "Healthy MKE worker",
        ),
        (
            "label agent-pause",
            Case::phase(Worker, Phase::Paused),
            "ready",
            "Healthy MKE worker, not reconciled while its label com.docker.ucp.agent-pause is true",
        ),
        (
            "worker lost by the swarm",
            Case::with(Worker, |case| case.node.state = SwarmState::Down),
            "down",
            "heartbeat failure",
        ),
        (
            "lost whatever it said last",
            Case::with(Worker, |case| {
                case.node.state = SwarmState::Down;
                case.report = Some(report(Worker, Phase::Reconciling));
            }),
            "down",
            "heartbeat failure",
        ),
        (
            "lost by its agent before the swarm notices",
            Case::with(Worker, |case| case.contact = Contact::Lost),
            "down",
            "heartbeat failure",
        ),
        (
            "lost by its agent because the agent is replaced",
            Case::with(Worker, |case| {
                case.contact = Contact::Lost;
                case.task = Some(TaskState::Preparing);
            }),
            "unknown",
            "[Pending] The ucp-agent task is preparing",
        ),
        (
            "connection broken off, the agent is heard of: the swarm changed its leader",
            Case::with(Manager, |case| case.node.state = SwarmState::Disconnected),
            "ready",
            "Healthy MKE manager",
        ),
        (
            "connection broken off, the agent is silent too",
            Case::with(Worker, |case| {
                case.node.state = SwarmState::Disconnected;
                case.contact = Contact::Lost;
            }),
            "down",
            "heartbeat failure",
        ),
        (
            "the swarm is not sure, the agent is silent",
            Case::with(Worker, |case| {
                case.node.state = SwarmState::Unknown;
                case.contact = Contact::Lost;
            }),
            "unknown",
            UNDETERMINED,
        ),
        (
            "a manager's agent alone is silent",
            Case::with(Manager, |case| case.contact = Contact::Lost),
            "down",
            "heartbeat failure",
        ),
        (
            "the other managers miss both beats of a manager",
            Case::with(Manager, |case| {
                case.contact = Contact::Lost;
                case.controller = Contact::Lost;
            }),
            "down",
            UNREACHABLE,
        ),
        (
            "Windows joined as a manager",
            Case::with(Manager, |case| case.node.os = "windows".to_owned()),
            "down",
            "a manager cannot run Windows; it was not demoted, do that yourself",
        ),
        (
            "Windows joined as a worker",
            Case::with(Worker, |case| case.node.os = "windows".to_owned()),
            "ready",
            "Healthy MKE worker",
        ),
        (
            "manager missed by the others",
            Case::with(Manager, |case| {
                case.node.state = SwarmState::Down;
                if let Some(manager) = &mut case.node.manager {
                    manager.reachability = Reachability::Unreachable;
                }
            }),
            "down",
            UNREACHABLE,
        ),
        (
            "manager of whom the others are not sure",
            Case::with(Manager, |case| {
                if let Some(manager) = &mut case.node.manager {
                    manager.reachability = Reachability::Unknown;
                }
            }),
            "ready",
            "Healthy MKE manager",
        ),
        (
            "same engine id",
            Case::with(Worker, |case| case.twin = true),
            "down",
            TWIN,
        ),
        (
            "same engine id, but not heard of",
            Case::with(Worker, |case| {
                case.twin = true;
                case.node.state = SwarmState::Down;
            }),
            "down",
            "heartbeat failure",
        ),
        (
            "joined, no task yet",
            Case::with(Worker, |case| {
                case.task = None;
                case.registered = false;
                case.contact = Contact::Never;
                case.report = None;
            }),
            "unknown",
            REGISTERING,
        ),
        (
            "joined, images are pulled",
            Case::with(Worker, |case| {
                case.task = Some(TaskState::Preparing);
                case.registered = false;
                case.contact = Contact::Never;
                case.report = None;
            }),
            "unknown",
            "[Pending] The ucp-agent task is preparing",
        ),
        (
            "joined, the agent runs",
            Case::with(Worker, |case| {
                case.registered = false;
                case.contact = Contact::Never;
                case.report = None;
            }),
            "unknown",
            REGISTERING,
        ),
        (
            "not in the inventory, whatever it says",
            Case::with(Manager, |case| case.registered = false),
            "unknown",
            REGISTERING,
        ),
        (
            "registered, nothing said yet",
            Case::with(Worker, |case| {
                case.contact = Contact::Never;
                case.report = None;
            }),
            "unknown",
            REGISTERING,
        ),
        (
            "the agent has just begun",
            Case::phase(Manager, Phase::Starting),
            "unknown",
            UNDETERMINED,
        ),
        (
            "ucp-reconcile has just begun",
            Case::phase(Worker, Phase::Beginning),
            "unknown",
            UNDETERMINED,
        ),
        (
            "ucp-reconcile works",
            Case::phase(Worker, Phase::Reconciling),
            "unknown",
            RECONFIGURED,
        ),
        (
            "a manager waits for its turn",
            Case::phase(Manager, Phase::Waiting),
            "unknown",
            WAITING,
        ),
        (
            "a worker waits: no manager is meant",
            Case::phase(Worker, Phase::Waiting),
            "unknown",
            RECONFIGURED,
        ),
        (
            "promoted, still a worker's agent",
            Case::with(Manager, |case| case.report = Some(report(Worker, Phase::Settled))),
            "unknown",
            WAITING,
        ),
        (
            "promoted, ucp-reconcile works",
            Case::with(Manager, |case| {
                case.report = Some(report(Worker, Phase::Reconciling));
            }),
            "unknown",
            RECONFIGURED,
        ),
        (
            "demoted, still a manager's components",
            Case::with(Worker, |case| case.report = Some(report(Manager, Phase::Settled))),
            "unknown",
            RECONFIGURED,
        ),
        (
            "reconcile fails",
            Case::phase(Worker, failed()),
            "down",
            "Reconfiguration failed 3 times, trying again: no image",
        ),
        (
            "reconcile fails on a node that was promoted",
            Case::with(Manager, |case| case.report = Some(report(Worker, failed()))),
            "down",
            "Reconfiguration failed 3 times, trying again: no image",
        ),
        (
            "a plan is refused",
            Case::phase(
                Manager,
                Phase::Refused {
                    why: "quorum".to_owned(),
                },
            ),
            "down",
            "Reconfiguration refused: quorum",
        ),
        (
            "the controller has gone",
            Case::with(Manager, |case| case.controller = Contact::Lost),
            "down",
            NO_CONTROLLER,
        ),
        (
            "the controller never came",
            Case::with(Manager, |case| case.controller = Contact::Never),
            "down",
            NO_CONTROLLER,
        ),
        (
            "the controller was started a moment ago",
            Case::with(Manager, |case| {
                case.controller = Contact::Never;
                case.age = 3;
            }),
            "unknown",
            RECONFIGURED,
        ),
        (
            "a worker has no controller",
            Case::with(Worker, |case| case.controller = Contact::Lost),
            "ready",
            "Healthy MKE worker",
        ),
        (
            "a component of a manager is unwell",
            Case::with(Manager, unhealthy),
            "down",
            "Unhealthy MKE Controller: ucp-proxy is unhealthy",
        ),
        (
            "a component of a worker is unwell",
            Case::with(Worker, unhealthy),
            "down",
            "Unhealthy MKE worker: ucp-proxy is unhealthy",
        ),
    ];
    for (what, case, word, message) in cases {
        let state = case.state();
        assert_eq!(state.message.to_string(), message, "{what}");
        assert_eq!(state.engine_word(), word, "{what}");
    }
}

/// NST-006: each state of a task but `running` is said, with images being pulled as the longest of them.
#[test]
fn tasks_that_do_not_run() {
    for (task, said) in [
        (TaskState::New, "new"),
        (TaskState::Pending, "pending"),
        (TaskState::Assigned, "assigned"),
        (TaskState::Accepted, "accepted"),
        (TaskState::Preparing, "preparing"),
        (TaskState::Ready, "ready"),
        (TaskState::Starting, "starting"),
        (TaskState::Complete, "complete"),
        (TaskState::Shutdown, "shutdown"),
        (TaskState::Failed, "failed"),
        (TaskState::Rejected, "rejected"),
        (TaskState::Remove, "remove"),
        (TaskState::Orphaned, "orphaned"),
    ] {
        let state = Case::with(Role::Worker, |case| case.task = Some(task)).state();
        assert_eq!(
            state.message.to_string(),
            format!("[Pending] The ucp-agent task is {said}")
        );
        let read: TaskState = serde_json::from_value(json!(said)).unwrap();
        assert_eq!(read, task);
    }
}

mod hints;
mod properties;
