//! Managers whose members lose their data now and then, or come back with old data: planning, checking and the look before each
//! start together, on machines in memory.

use std::collections::{BTreeMap, BTreeSet};

use mke_core::store::Revision;
use mke_core::store::etcd::{MemberHealth, MemberInfo};
use proptest::prelude::*;

use crate::kv::data::{Case, Data, Judgement, judge};
use crate::kv::{Observed, SeenMember, Step, WantedMember, check, majority, plan};

/// What happens to a machine.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// Its member ends.
    Kill,
    /// Its disk is emptied.
    Wipe,
    /// Its disk is emptied, and the engine starts the member before anybody looks; it ends by itself.
    WipeAndStart,
    /// It is demoted while it is off, and promoted again with what it has.
    Demote,
}

#[derive(Debug, Clone, Default)]
struct Machine {
    /// The member whose data is there, and whether its agent saw that begin.
    disk: Option<(u64, bool)>,
    runs: bool,
    ends: bool,
    lost: Option<u64>,
}

#[derive(Debug, Clone)]
struct Member {
    id: u64,
    machine: u64,
    started: bool,
    votes: bool,
}

#[derive(Debug, Default)]
struct World {
    machines: BTreeMap<u64, Machine>,
    members: Vec<Member>,
    managers: BTreeSet<u64>,
    ids: u64,
    /// Members whose data is gone: none of them may ever run again.
    forgetful: BTreeSet<u64>,
}

fn url(machine: u64) -> String {
    format!("https://10.0.0.{machine}:12380")
}

impl World {
    fn new(count: u64) -> Self {
        let mut world = Self::default();
        for machine in 1..=count {
            let id = world.next_id();
            let disk = Some((id, true));
            world.machines.insert(
                machine,
                Machine {
                    disk,
                    runs: true,
                    ..Machine::default()
                },
            );
            world.members.push(Member {
                id,
                machine,
                started: true,
                votes: true,
            });
            world.managers.insert(machine);
        }
        world
    }

    fn next_id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    fn runs(&self, member: &Member) -> bool {
        let machine = &self.machines[&member.machine];
        machine.runs && machine.disk.is_some_and(|(id, _)| id == member.id)
    }

    fn has_majority(&self) -> bool {
        let voters = self.members.iter().filter(|member| member.votes);
        let well = voters.clone().filter(|member| self.runs(member)).count();
        well >= majority(voters.count())
    }

    fn infos(&self) -> Vec<MemberInfo> {
        let info = |member: &Member| MemberInfo {
            id: member.id,
            name: if member.started {
                format!("n{}", member.machine)
            } else {
                String::new()
            },
            peer_urls: vec![url(member.machine)],
            client_urls: Vec::new(),
            learner: !member.votes,
        };
        self.members.iter().map(info).collect()
    }

    fn observed(&self) -> Observed {
        let leads = |member: &&Member| member.votes && self.runs(member);
        let leader = self.members.iter().find(leads).filter(|_| self.has_majority());
        let health = |member: &Member| MemberHealth {
            id: member.id,
            version: "3.4.23".to_owned(),
            leader: leader.map_or(0, |leader| leader.id),
            learner: !member.votes,
            size: 1,
            in_use: 1,
            log: 1000,
            applied: 1000,
            revision: Revision(100),
            errors: Vec::new(),
        };
        let members = self
            .members
            .iter()
            .zip(self.infos())
            .map(|(member, info)| SeenMember {
                info,
                health: match self.runs(member) {
                    true => Ok(health(member)),
                    false => Err("it does not answer".to_owned()),
                },
            });
        Observed {
            members: members.collect(),
            out_of_space: Vec::new(),
        }
    }

    /// Takes a machine's data, and remembers whom it made forgetful.
    fn wipe(&mut self, machine: u64) {
        if let Some((id, _)) = self.machines.get_mut(&machine).unwrap().disk.take() {
            self.forgetful.insert(id);
        }
    }

    /// Something happens, unless most would be gone then: no way leads back from there but by an order.
    fn suffer(&mut self, machine: u64, fault: Fault) {
        let Some(found) = self.machines.get_mut(&machine) else {
            return;
        };
        let was = std::mem::replace(&mut found.runs, false);
        if !self.has_majority() {
            self.machines.get_mut(&machine).unwrap().runs = was;
            return;
        }
        match fault {
            Fault::Kill => {}
            Fault::Wipe => self.wipe(machine),
            Fault::WipeAndStart => {
                self.wipe(machine);
                let own = self
                    .members
                    .iter()
                    .find(|member| member.machine == machine && member.started);
                let found = self.machines.get_mut(&machine).unwrap();
                if let Some(own) = own {
                    (found.disk, found.ends) = (Some((own.id, false)), true);
                }
            }
            Fault::Demote => {
                self.managers.remove(&machine);
            }
        }
    }

    /// What the agents do: each starts its member when it may.
    fn agents(&mut self) -> Result<(), TestCaseError> {
        let infos = self.infos();
        let agreed = self.has_majority().then_some(&*infos);
        let idle: Vec<u64> = self
            .managers
            .iter()
            .copied()
            .filter(|id| !self.machines[id].runs)
            .collect();
        for number in idle {
            if !self.members.iter().any(|member| member.machine == number) {
                continue;
            }
            let machine = self.machines[&number].clone();
            let judgement = judge(&Case {
                name: &format!("n{number}"),
                peer_url: &url(number),
                data: machine
                    .disk
                    .map_or(Data::Empty, |(member, known)| Data::Of { member, known }),
                founding: false,
                ends: machine.ends,
                lost: machine.lost,
                only: self.members.len() == 1,
                members: agreed,
            });
            let machine = self.machines.get_mut(&number).unwrap();
            match judgement {
                Judgement::Hold(_) => continue,
                Judgement::Lost(id) => {
                    machine.lost = Some(id);
                    continue;
                }
                Judgement::SetAside => machine.disk = None,
                Judgement::Start => {}
            }
            machine.lost = None;
            let own = self.members.iter_mut().find(|member| member.machine == number);
            let own = own.filter(|own| machine.disk.is_none_or(|(id, _)| id == own.id));
            let Some(own) = own else {
                // Etcd itself ends a member that was taken out.
                machine.disk = machine.disk.map(|(id, _)| (id, true));
                machine.ends = true;
                continue;
            };
            prop_assert!(
                machine.disk.is_some() || !own.started,
                "{number} begins again with nothing"
            );
            prop_assert!(
                !self.forgetful.contains(&own.id),
                "{number} runs as {}, which lost its data",
                own.id
            );
            own.started = true;
            (machine.disk, machine.runs, machine.ends) = (Some((own.id, true)), true, false);
        }
        Ok(())
    }

    /// One step of the cluster agent. Whether nothing is left to do.
    fn follow(&mut self) -> Result<bool, TestCaseError> {
        let wanted: Vec<WantedMember> = self
            .managers
            .iter()
            .map(|number| WantedMember {
                name: format!("n{number}"),
                peer_url: url(*number),
                lost: self.machines[number].lost,
                away: false,
            })
            .collect();
        let observed = self.observed();
        let planned = plan(&wanted, &observed);
        let done = planned.is_done();
        let Some(Ok(checked)) = planned.step.map(|step| check(step, &observed)) else {
            return Ok(done);
        };
        match checked.step() {
            Step::AddLearner(wanted) => {
                let (id, machine) = (self.next_id(), wanted.name[1..].parse().unwrap());
                self.members.push(Member {
                    id,
                    machine,
                    started: false,
                    votes: false,
                });
            }
            Step::Promote { id, .. } => {
                let found = self.members.iter_mut().find(|member| member.id == *id);
                found.unwrap().votes = true;
            }
            Step::Remove { id, .. } => {
                self.members.retain(|member| member.id != *id);
                // It ends by itself.
                for machine in self.machines.values_mut() {
                    if machine.disk.is_some_and(|(disk, _)| disk == *id) {
                        machine.runs = false;
                    }
                }
            }
        }
        prop_assert!(self.has_majority(), "{checked:?} led to {:?}", self.members);
        Ok(false)
    }
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::Kill),
        Just(Fault::Wipe),
        Just(Fault::WipeAndStart),
        Just(Fault::Demote)
    ]
}

proptest! {
    /// HA-003: whatever happens to machines one after the other, no member runs that lost its data, no change ends without a
    /// majority, and in the end each manager has a member that runs with its own data.
    #[test]
    fn data_is_lost_now_and_then(
        count in 3..6_u64,
        faults in prop::collection::vec((1..6_u64, fault(), 0..6_usize), 0..12),
    ) {
        let mut world = World::new(count);
        for (machine, fault, rest) in faults {
            world.suffer(machine, fault);
            for _ in 0..rest {
                world.agents()?;
                world.follow()?;
            }
        }
        world.managers = (1..=count).collect();
        let mut settled = false;
        for _ in 0..100 {
            world.agents()?;
            settled = world.follow()?;
        }
        prop_assert!(settled, "{world:?}");
        prop_assert_eq!(world.members.len() as u64, count);
        for member in &world.members {
            prop_assert!(member.votes && world.runs(member), "{member:?} in {world:?}");
        }
    }
}
