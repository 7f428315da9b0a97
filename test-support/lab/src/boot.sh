# The first program of a node, inside its new namespaces.
#   $1 directory of the node, $2 host name, $3 address of the switch, $4 parent of its control groups,
#   $5 "held": ends with its standard input; "kept": stays; the rest are options of the engine.
set -e
dir=$1 name=$2 switch=$3 groups=$4 life=$5; shift 5
mount --make-rprivate /
hostname "$name"
mount -t proc proc /proc
# A /sys that shows this node's links, with the control groups carried over.
mount --rbind /sys/fs/cgroup "$dir/groups"
mount -t sysfs sysfs /sys
mount --rbind "$dir/groups" /sys/fs/cgroup
umount -l "$dir/groups"
mkdir -p /etc/docker /var/lib/docker
mount --bind "$dir/run" /run
mount --bind "$dir/etc" /etc/docker
mount --bind "$dir/data" /var/lib/docker
mount --bind "$dir/hosts" /etc/hosts
echo "nameserver $switch" > "$dir/resolv.conf"
if [ -e /etc/resolv.conf ]; then mount --bind "$dir/resolv.conf" "$(readlink -f /etc/resolv.conf)"; fi
mkdir -p /run/lock
ip link set lo up
# The cable comes from outside.
until [ -e "$dir/linked" ]; do sleep 0.02; done
# What containers mount later is seen by the node, and by nobody else.
mount --make-rshared /
dockerd --host unix:///run/docker.sock --pidfile /run/docker.pid \
  --data-root /var/lib/docker --exec-root /run/docker \
  --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "$groups" "$@" >>"$dir/log" 2>&1 </dev/null &
if [ "$life" = held ]; then exec cat >/dev/null; fi
exec sleep infinity </dev/null >/dev/null 2>&1
