//! The order in which a real Engine takes networks, beside the order that is computed.

#![cfg(test)]

use std::net::Ipv4Addr;

use mke_net::address::{AddressPool, EngineAllocator, IpNet, Ipv4Net};
use mke_test_support::lab::Lab;

const CONFIGURATIONS: u32 = 30;
/// Engines that run at once.
const AT_ONCE: usize = 5;
const FULL: &str = "full";

/// An engine in a network of its own: prints the networks that it takes, one a line.
const SCRIPT: &str = r#"
set -e
dir=$1; host=$2; shift 2
mkdir -p "$dir/cg"
mount --make-rprivate /
mount --rbind /sys/fs/cgroup "$dir/cg"
mount -t sysfs sysfs /sys
mount --rbind "$dir/cg" /sys/fs/cgroup
ip link set lo up
if [ "$host" != none ]; then
  ip link add own type veth peer name far
  ip link set own up
  ip addr add "$host" dev own
fi
dockerd --data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$dir/pid" -H "unix://$dir/sock" "$@" >"$dir/log" 2>&1 &
engine=$!
d() { docker -H "unix://$dir/sock" "$@"; }
for i in $(seq 600); do d version >/dev/null 2>&1 && break; kill -0 $engine || { cat "$dir/log" >&2; exit 1; }; sleep 0.1; done
subnet() { net=$(d network inspect "$1" -f '{{(index .IPAM.Config 0).Subnet}}' 2>/dev/null) && echo "$net"; }
subnet bridge
d swarm init --advertise-addr 127.0.0.1 --default-addr-pool 10.200.0.0/16 >&2 || true
for i in $(seq 300); do
  subnet docker_gwbridge && break
  grep -q "could not find an available" "$dir/log" && { echo full; break; }
  sleep 0.1
done
# A name that may be the beginning of an id of the swarm's networks would find those.
create() {
  if why=$(d network create "$1" 2>&1); then subnet "$1"
  elif echo "$why" | grep -q "could not find an available"; then echo full
  else echo "$why"; fi
}
for n in 1 2 3 4 5; do create "own-$n"; done
d network rm own-2 >/dev/null 2>&1 || true
for n in 6 7 8; do create "own-$n"; done
tail -5 "$dir/log" >&2; kill $engine; wait $engine || true
"#;

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.0 >> 33).unwrap() % end
    }
}

#[derive(Debug)]
struct Configuration {
    pools: Vec<AddressPool>,
    bip: Option<Ipv4Net>,
    host: Option<Ipv4Net>,
}

impl Configuration {
    fn random(dice: &mut Dice) -> Self {
        let pools = (0..dice.below(4))
            .map(|number| {
                let base = Ipv4Addr::from([10, u8::try_from(number).unwrap(), 0, 0]);
                let prefix = 20 + u8::try_from(dice.below(5)).unwrap();
                let size = prefix + u8::try_from(dice.below(4)).unwrap();
                AddressPool::new(Ipv4Net::new(base, prefix).unwrap(), size).unwrap()
            })
            .collect();
        let bip = (dice.below(3) == 0).then(|| Ipv4Net::new([10, 0, 0, 1].into(), 24).unwrap());
        let host = (dice.below(3) == 0).then(|| {
            let third = u8::try_from(dice.below(8)).unwrap();
            Ipv4Net::new([10, 1, third, 77].into(), 25).unwrap()
        });
        Self { pools, bip, host }
    }

    fn arguments(&self) -> Vec<String> {
        let pools = self.pools.iter().flat_map(|pool| {
            [
                "--default-address-pool".to_owned(),
                format!("base={},size={}", pool.base(), pool.size()),
            ]
        });
        let bip = self
            .bip
            .iter()
            .flat_map(|bip| ["--bip".to_owned(), bip.to_string()]);
        pools.chain(bip).collect()
    }

    /// What the script prints when the Engine does as computed.
    fn expected(&self) -> Vec<String> {
        let avoided: Vec<_> = self.host.iter().map(|net| IpNet::V4(net.trunc())).collect();
        let mut engine = EngineAllocator::new(&self.pools, &avoided);
        let mut lines = Vec::new();
        let text = |net: Option<Ipv4Net>| net.map_or(FULL.to_owned(), |net| net.to_string());
        let docker0 = match self.bip {
            Some(bip) => engine.reserve(bip).ok().map(|()| bip.trunc()),
            None => engine.allocate().ok(),
        };
        lines.push(text(docker0));
        lines.push(text(engine.allocate().ok()));
        let mut second = None;
        for number in 0..5 {
            let net = engine.allocate().ok();
            if number == 1 {
                second = net;
            }
            lines.push(text(net));
        }
        if let Some(net) = second {
            engine.release(net);
        }
        lines.extend((0..3).map(|_| text(engine.allocate().ok())));
        lines
    }
}

/// NET-001, NET-002, NET-003: 30 configurations of pools, `bip` and networks of the host: a real Engine takes the computed
/// networks in the computed order.
#[test]
fn a_real_engine_takes_the_computed_networks() {
    let lab = Lab::up(1);
    let node = lab.node(1);
    let mut dice = Dice(20_10);
    let configurations: Vec<_> = (0..CONFIGURATIONS)
        .map(|_| Configuration::random(&mut dice))
        .collect();
    let numbered: Vec<_> = configurations.iter().enumerate().collect();
    for some in numbered.chunks(AT_ONCE) {
        let running: Vec<_> = some
            .iter()
            .map(|(number, configuration)| {
                let host = configuration
                    .host
                    .map_or("none".to_owned(), |net| net.to_string());
                let mut command = node.command("unshare");
                command
                    .args(["--net", "--mount", "--", "bash", "-c", SCRIPT, "engine"])
                    .arg(format!("/run/allocator{number}"))
                    .arg(host)
                    .args(configuration.arguments())
                    .stdout(std::process::Stdio::piped())
                    .stderr(std::process::Stdio::piped());
                (configuration, command.spawn().unwrap())
            })
            .collect();
        for (configuration, child) in running {
            let output = child.wait_with_output().unwrap();
            let lines = String::from_utf8(output.stdout).unwrap();
            let lines: Vec<_> = lines.lines().map(str::to_owned).collect();
            let log = String::from_utf8_lossy(&output.stderr);
            assert_eq!(lines, configuration.expected(), "{configuration:?}\n{log}");
        }
    }
}
