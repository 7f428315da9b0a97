//! Changes of kernel parameters in network namespaces and in copies of a machine's files: written, confirmed, drifted, taken
//! back, and killed between any two steps. No parameter of the machine itself is ever changed.

#![cfg(test)]

mod support;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use mke_net::kernel::{
    self, Event, Intent, KernelError, Key, Outcome, Place, Settled, Standing, apply, confirm, observe, plan,
    reconcile, revert, status,
};
use support::{Dice, Namespace, machine, path, tree};

const HOUR: Duration = Duration::from_secs(3600);

fn quiet() -> impl FnMut(&Event) + Send {
    |_: &Event| {}
}

fn key(name: &str) -> Key {
    name.parse().unwrap()
}

/// What a test wants of a namespace: everything that Kubernetes needs, and node ports.
fn intent(named: &[(&str, &str)]) -> Intent {
    Intent {
        node_ports: Some((32_768, 35_535)),
        named: named
            .iter()
            .map(|(name, value)| (key(name), (*value).to_owned()))
            .collect(),
        ..Intent::default()
    }
}

fn planned(place: &Place, intent: &Intent) -> kernel::Plan {
    plan(&observe(place, &intent.keys()).unwrap(), intent)
}

/// SYS-004, NET-015: in a namespace, a change is planned, written, confirmed, found drifted and taken back; every value is then
/// what it was, and what others set meanwhile is theirs until it is taken back by force.
#[test]
fn there_and_back() {
    let namespace = Namespace::new();
    namespace.set("net.ipv4.ip_forward", "0");
    // Somebody has switched one interface on by hand: taking the main switch back must not switch it off.
    namespace.set("net.ipv4.conf.wire0.forwarding", "1");
    namespace.set("net.ipv4.ip_local_reserved_ports", "22,8000-8080");
    let before = namespace.all();
    let state = tempfile::tempdir().unwrap();
    let place = rooted(&namespace, state.path());

    let plan = planned(&place, &intent(&[("net.ipv4.tcp_fin_timeout", "31")]));
    assert!(
        plan.findings
            .iter()
            .any(|finding| finding.id == "kernel-net.ipv4.ip_forward")
    );
    assert_eq!(namespace.all(), before, "a plan changes nothing");
    apply(&place, &plan, HOUR, &mut quiet()).unwrap();
    assert_eq!(namespace.get("net.ipv4.ip_forward"), "1");
    assert_eq!(namespace.get("net.ipv4.conf.lo.forwarding"), "1");
    assert_eq!(
        namespace.get("net.ipv4.ip_local_reserved_ports"),
        "22,8000-8080,32768-35535"
    );
    assert_eq!(namespace.get("net.ipv4.tcp_fin_timeout"), "31");
    assert!(
        planned(&place, &intent(&[])).is_empty(),
        "a second plan has nothing to do"
    );

    assert!(matches!(
        apply(&place, &plan, HOUR, &mut quiet()),
        Err(KernelError::Unconfirmed)
    ));
    let seen = status(&place, &mut quiet()).unwrap();
    assert_eq!((seen.standing, seen.settled), (Standing::Waiting, None));
    assert!(seen.seconds_left.unwrap() > 3500);
    confirm(&place, true, &mut quiet()).unwrap();
    assert!(matches!(
        confirm(&place, true, &mut quiet()),
        Err(KernelError::NothingToConfirm)
    ));
    assert_eq!(status(&place, &mut quiet()).unwrap().drift, []);

    // An interface that comes now inherits what was set for those that come.
    namespace.ip(&["link", "add", "late0", "type", "veth", "peer", "name", "late1"]);
    assert_eq!(namespace.get("net.ipv4.conf.late0.forwarding"), "1");
    namespace.set("net.ipv4.tcp_fin_timeout", "77");
    let drift = status(&place, &mut quiet()).unwrap().drift;
    assert_eq!(drift.len(), 1, "{drift:?}");
    assert_eq!(
        (drift[0].expected.as_str(), drift[0].found.as_deref()),
        ("31", Some("77"))
    );

    let reverted = revert(&place, true, false, &mut quiet()).unwrap();
    assert_eq!(reverted.left, [key("net.ipv4.tcp_fin_timeout")]);
    assert_eq!(
        namespace.get("net.ipv4.tcp_fin_timeout"),
        "77",
        "it is somebody else's now"
    );
    assert_eq!(namespace.get("net.ipv4.conf.late0.forwarding"), "0");
    assert_eq!(status(&place, &mut quiet()).unwrap().standing, Standing::Left);
    let reverted = revert(&place, true, true, &mut quiet()).unwrap();
    assert_eq!(reverted.left, []);
    namespace.ip(&["link", "del", "late0"]);
    assert_eq!(namespace.all(), before);
    assert_eq!(
        status(&place, &mut quiet()).unwrap().standing,
        Standing::Untouched
    );
}

/// A place in a namespace whose journal lies in a directory of the test; the kernel's files are the real ones.
fn rooted(namespace: &Namespace, state: &Path) -> Place {
    let _ = std::os::unix::fs::symlink("/proc", state.join("proc"));
    Place::namespace(state, &namespace.name).unwrap()
}

/// SYS-003, SYS-005: parameters of the whole machine are no business of a namespace, and a module that is not loaded is told,
/// not refused.
#[test]
fn what_a_namespace_has() {
    let namespace = Namespace::new();
    let state = tempfile::tempdir().unwrap();
    let place = rooted(&namespace, state.path());
    let seen = observe(&place, &[key("vm.swappiness"), key("net.no.such")]).unwrap();
    assert_eq!(seen.states[&key("kernel.panic")], kernel::State::HostWide);
    assert_eq!(seen.states[&key("vm.swappiness")], kernel::State::HostWide);
    assert_eq!(seen.states[&key("net.no.such")], kernel::State::Absent);
    // IPVS is there or not, as the machine has loaded it; either way nobody complains.
    let balancer = &seen.states[&key("net.ipv4.vs.conntrack")];
    assert!(
        matches!(balancer, kernel::State::Value(_))
            || *balancer == kernel::State::ModuleAbsent("ip_vs".to_owned()),
        "{balancer:?}"
    );
    let wanted = intent(&[("vm.swappiness", "1"), ("net.no.such", "1")]);
    let plan = planned(&place, &wanted);
    assert!(
        plan.steps
            .iter()
            .all(|step| step.key.is_net() && step.key != key("net.no.such"))
    );
    let errors = plan
        .findings
        .iter()
        .filter(|finding| finding.evidence.ends_with("was named"))
        .count();
    assert_eq!(errors, 2, "{:?}", plan.findings);
}

/// SYS-001: a value that the kernel does not take leaves everything as it was.
#[test]
fn a_refused_value() {
    let namespace = Namespace::new();
    namespace.set("net.ipv4.ip_forward", "0");
    let before = namespace.all();
    let state = tempfile::tempdir().unwrap();
    let place = rooted(&namespace, state.path());
    for wrong in ["many", "-7", "4294967296"] {
        let plan = planned(&place, &intent(&[("net.ipv4.tcp_syncookies", wrong)]));
        assert!(plan.steps.len() > 1);
        let error = apply(&place, &plan, HOUR, &mut quiet()).unwrap_err();
        assert!(matches!(error, KernelError::Refused { .. }), "{error}");
        assert!(error.to_string().ends_with("everything is as before"), "{error}");
        assert_eq!(namespace.all(), before);
    }
    let plan = planned(&place, &intent(&[]));
    namespace.set("net.ipv4.ip_forward", "1");
    assert!(matches!(
        apply(&place, &plan, HOUR, &mut quiet()),
        Err(KernelError::Moved { .. })
    ));
    assert_eq!(
        status(&place, &mut quiet()).unwrap().standing,
        Standing::Untouched
    );
}

/// SYS-001: a change that nobody confirms in time is taken back: by the watcher, or by whoever comes next.
#[test]
fn nobody_confirms() {
    let namespace = Namespace::new();
    namespace.set("net.ipv4.ip_forward", "0");
    let before = namespace.all();
    let state = tempfile::tempdir().unwrap();
    let place = rooted(&namespace, state.path());
    apply(
        &place,
        &planned(&place, &intent(&[])),
        Duration::from_millis(300),
        &mut quiet(),
    )
    .unwrap();
    assert!(matches!(
        kernel::watch(&place, &mut quiet()).unwrap(),
        Some(Settled::Expired(_))
    ));
    assert_eq!(namespace.all(), before);

    apply(
        &place,
        &planned(&place, &intent(&[])),
        Duration::ZERO,
        &mut quiet(),
    )
    .unwrap();
    assert_ne!(namespace.all(), before);
    assert!(matches!(
        confirm(&place, true, &mut quiet()),
        Err(KernelError::TooLate)
    ));
    assert_eq!(namespace.all(), before);

    apply(
        &place,
        &planned(&place, &intent(&[])),
        Duration::ZERO,
        &mut quiet(),
    )
    .unwrap();
    assert!(matches!(
        status(&place, &mut quiet()).unwrap().settled,
        Some(Settled::Expired(_))
    ));
    assert_eq!(namespace.all(), before);
    assert_eq!(
        kernel::watch(&place, &mut quiet()).unwrap(),
        None,
        "there is nothing to watch"
    );
}

/// SYS-004: the agent's one call keeps what works, takes back what does not, and leaves the change of a person alone.
#[test]
fn the_agent_reconciles() {
    let namespace = Namespace::new();
    namespace.set("net.ipv4.ip_forward", "0");
    let before = namespace.all();
    let state = tempfile::tempdir().unwrap();
    let place = rooted(&namespace, state.path());
    let wanted = intent(&[]);
    let done = reconcile(&place, &wanted, || false, &mut quiet()).unwrap();
    assert!(matches!(done.outcome, Outcome::TakenBack(_)));
    assert_eq!(namespace.all(), before);
    apply(&place, &planned(&place, &wanted), HOUR, &mut quiet()).unwrap();
    let done = reconcile(&place, &wanted, || true, &mut quiet()).unwrap();
    assert_eq!(done.outcome, Outcome::WaitsForConfirmation);
    revert(&place, true, false, &mut quiet()).unwrap();
    assert!(matches!(
        reconcile(&place, &wanted, || true, &mut quiet()).unwrap().outcome,
        Outcome::Kept(_)
    ));
    assert_eq!(
        reconcile(&place, &wanted, || true, &mut quiet()).unwrap().outcome,
        Outcome::Nothing
    );
    namespace.set("net.ipv4.ip_forward", "0");
    assert!(matches!(
        reconcile(&place, &wanted, || true, &mut quiet()).unwrap().outcome,
        Outcome::Kept(_)
    ));
    revert(&place, true, false, &mut quiet()).unwrap();
    assert_eq!(namespace.all(), before);
}

/// Not a test of its own: the program that [`killed_between_any_two_steps`] starts and that kills itself.
#[test]
fn program_that_dies() {
    let Ok(root) = std::env::var("MKE_TEST_ROOT") else {
        return;
    };
    let number = |name: &str| std::env::var(name).unwrap().parse::<u64>().unwrap();
    let place = match std::env::var("MKE_TEST_NAMESPACE") {
        Ok(name) => Place::namespace(Path::new(&root), &name).unwrap(),
        Err(_) => Place::host(Path::new(&root)),
    };
    let mut left = number("MKE_TEST_KILL_AT");
    let mut count = move |_: &Event| {
        if left == 0 {
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        }
        left = left.saturating_sub(1);
    };
    let wanted = intent(&[("net.ipv4.tcp_fin_timeout", "31")]);
    let hold = Duration::from_secs(number("MKE_TEST_HOLD"));
    apply(&place, &planned(&place, &wanted), hold, &mut count).unwrap();
    let kept = confirm(&place, true, &mut count).is_ok();
    if kept && number("MKE_TEST_AGAIN") == 1 {
        let again = intent(&[("net.ipv4.tcp_fin_timeout", "29"), ("net.ipv4.ip_forward", "1")]);
        apply(&place, &planned(&place, &again), hold, &mut count).unwrap();
    }
    revert(&place, true, false, &mut count).unwrap();
}

/// Starts it; answers whether it was killed.
fn dies(root: &Path, namespace: Option<&str>, kill_at: u64, hold: u64, again: u64) -> bool {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "program_that_dies", "--nocapture"])
        .env("MKE_TEST_ROOT", root)
        .env("MKE_TEST_KILL_AT", kill_at.to_string())
        .env("MKE_TEST_HOLD", hold.to_string())
        .env("MKE_TEST_AGAIN", again.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    if let Some(name) = namespace {
        command.env("MKE_TEST_NAMESPACE", name);
    }
    let output = command.stderr(Stdio::piped()).output().unwrap();
    let killed = std::os::unix::process::ExitStatusExt::signal(&output.status) == Some(9);
    assert!(
        killed || output.status.success(),
        "killed at {kill_at}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    killed
}

/// SYS-001, SYS-004: killed for real between any two steps, at 200 random points and from random values, a namespace has every
/// value from before as soon as somebody looks whose time it is.
#[test]
fn killed_between_any_two_steps() {
    let namespace = Namespace::new();
    let mut dice = Dice(7);
    let (mut killed, mut by_time) = (0, 0);
    for round in 0..200 {
        for (name, values) in [
            ("net.ipv4.ip_forward", ["0", "0", "1"]),
            ("net.ipv4.conf.wire0.forwarding", ["0", "1", "0"]),
            ("net.ipv4.conf.default.forwarding", ["0", "1", "0"]),
            ("net.ipv4.conf.all.accept_redirects", ["1", "0", "1"]),
            ("net.ipv4.conf.all.route_localnet", ["0", "0", "1"]),
            ("net.ipv4.ip_local_reserved_ports", ["", "22", "30000-40000"]),
            ("net.ipv4.tcp_fin_timeout", ["60", "30", "29"]),
        ] {
            let value = values[usize::try_from(dice.below(3)).unwrap()];
            namespace.set(name, value);
        }
        let before = namespace.all();
        let state = tempfile::tempdir().unwrap();
        let place = rooted(&namespace, state.path());
        let (kill_at, hold, again) = (dice.below(24), 3600 * dice.below(2), dice.below(2));
        killed += usize::from(dies(state.path(), Some(&namespace.name), kill_at, hold, again));
        let seen = status(&place, &mut quiet()).unwrap();
        by_time += usize::from(matches!(seen.settled, Some(Settled::Expired(_))));
        revert(&place, true, false, &mut quiet()).unwrap();
        let after = namespace.all();
        let differ: Vec<_> = before
            .iter()
            .filter(|(path, value)| after.get(*path) != Some(value))
            .collect();
        assert!(
            differ.is_empty(),
            "round {round}, killed at {kill_at}: {differ:?}"
        );
        assert_eq!(
            status(&place, &mut quiet()).unwrap().standing,
            Standing::Untouched
        );
    }
    assert!(
        killed > 80 && by_time > 3,
        "{killed} were killed, {by_time} ended by time"
    );
}

fn whole_machine() -> tempfile::TempDir {
    machine(&[
        ("kernel.panic", "0"),
        ("kernel.panic_on_oops", "0"),
        ("kernel.random.boot_id", "first"),
        ("vm.overcommit_memory", "0"),
        ("vm.swappiness", "60"),
        ("net.ipv4.ip_local_reserved_ports", ""),
        ("net.ipv4.tcp_fin_timeout", "60"),
        ("net.netfilter.nf_conntrack_max", "262144"),
    ])
}

/// SYS-002, SYS-006, SYS-007: on a copy of a machine's files, kernel.* and vm.* are written and persisted, nothing else is
/// touched, and every file is what it was after the change is taken back, killed at any step or not.
#[test]
fn a_whole_machine() {
    for kill_at in 0..30 {
        let root = whole_machine();
        let place = Place::host(root.path());
        let before = tree(&root.path().join("proc"));
        dies(root.path(), None, kill_at, 3600, 1);
        assert_eq!(
            std::fs::read_to_string(path(root.path(), "vm.swappiness")).unwrap(),
            "60\n"
        );
        revert(&place, true, false, &mut quiet()).unwrap();
        assert_eq!(tree(&root.path().join("proc")), before, "killed at {kill_at}");
        assert!(
            !root.path().join(kernel::SETTINGS_FILE).exists(),
            "killed at {kill_at}"
        );
    }
}

/// SYS-002, SYS-007: values for the next start are in a file of our own, with what others wrote there kept; a restart forgets a
/// change that nobody confirmed; somebody else's edit of the file is left alone.
#[test]
fn the_next_start() {
    let root = whole_machine();
    let place = Place::host(root.path());
    let file = root.path().join(kernel::SETTINGS_FILE);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "# mine\nvm.swappiness = 10\nkernel.panic = 5\n").unwrap();
    apply(&place, &planned(&place, &Intent::default()), HOUR, &mut quiet()).unwrap();
    confirm(&place, true, &mut quiet()).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(
        text,
        "# mine\nvm.swappiness = 10\nkernel.panic = 1\nkernel.panic_on_oops = 1\nvm.overcommit_memory = 1\n"
    );
    std::fs::write(&file, format!("{text}vm.swappiness = 20\n")).unwrap();
    let reverted = revert(&place, true, false, &mut quiet()).unwrap();
    assert!(reverted.left_file && reverted.left.is_empty());
    assert!(!revert(&place, true, true, &mut quiet()).unwrap().left_file);
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        "# mine\nvm.swappiness = 10\nkernel.panic = 5\n"
    );

    apply(&place, &planned(&place, &Intent::default()), HOUR, &mut quiet()).unwrap();
    for (name, value) in [("kernel.random.boot_id", "second"), ("kernel.panic", "5")] {
        std::fs::write(path(root.path(), name), value).unwrap();
    }
    let seen = status(&place, &mut quiet()).unwrap();
    assert_eq!(
        (seen.settled, seen.standing),
        (Some(Settled::Forgotten), Standing::Untouched)
    );
    assert_eq!(
        std::fs::read_to_string(path(root.path(), "kernel.panic")).unwrap(),
        "5"
    );
}

/// SYS-001: two at once are refused, a journal that is not understood is kept, and somebody who only looks makes nothing.
#[test]
fn one_at_a_time() {
    let root = whole_machine();
    let place = Place::host(root.path());
    status(&place, &mut quiet()).unwrap();
    assert!(!root.path().join("var").exists(), "a look leaves no traces");
    let plan = planned(&place, &Intent::default());
    let other = Place::host(root.path());
    let mut refused = 0;
    let mut inside = |event: &Event| {
        if *event == Event::Recorded {
            let busy = apply(&other, &plan, HOUR, &mut quiet()).unwrap_err();
            assert!(matches!(busy, KernelError::Busy { .. }), "{busy}");
            assert!(matches!(
                revert(&other, true, true, &mut quiet()),
                Err(KernelError::Busy { .. })
            ));
            assert_eq!(status(&other, &mut quiet()).unwrap().standing, Standing::Changing);
            refused += 1;
        }
    };
    apply(&place, &plan, HOUR, &mut inside).unwrap();
    assert_eq!(refused, 1);
    let journal = root.path().join("var/lib/mke/kernel/host/change-000001.json");
    let text = std::fs::read_to_string(&journal).unwrap();
    for wrong in [
        text.replace("\"schema\": 1", "\"schema\": 2"),
        text[..text.len() / 2].to_owned(),
    ] {
        std::fs::write(&journal, &wrong).unwrap();
        assert!(matches!(
            revert(&place, true, true, &mut quiet()),
            Err(KernelError::BadJournal { .. })
        ));
        assert_eq!(std::fs::read_to_string(&journal).unwrap(), wrong);
    }
    std::fs::write(&journal, &text).unwrap();
    revert(&place, true, false, &mut quiet()).unwrap();
    assert_eq!(
        std::fs::read_to_string(path(root.path(), "kernel.panic")).unwrap(),
        "0\n"
    );
}
