#!/bin/sh
# Makes the machine in the namespaces that it is run in, and becomes its systemd.
#
#   boot.sh PLACE SHARED NAME=FOLDER…
#
# PLACE is an empty folder; the machine's root will be PLACE/root: this computer's files, which it
# cannot change. Each FOLDER is seen, read-only, as /opt/NAME. SHARED is a folder of both.
set -eu

place=$1
shared=$2
shift 2
root=$place/root

mount --make-rprivate /
mount -t tmpfs -o mode=755 machine "$place"
mkdir "$place/changes" "$place/work" "$root"
mount -t overlay -o "lowerdir=/,upperdir=$place/changes,workdir=$place/work" overlay "$root"

# The kernel is everybody's: none of its settings may be changed from here.
mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"

if grep -q ' cgroup .*name=systemd' /proc/mounts; then
    mount -t tmpfs -o mode=755 cgroup "$root/sys/fs/cgroup"
    mkdir "$root/sys/fs/cgroup/unified" "$root/sys/fs/cgroup/systemd"
    mount -t cgroup2 cgroup "$root/sys/fs/cgroup/unified"
    mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
else
    mount -t cgroup2 cgroup "$root/sys/fs/cgroup"
fi

for folder in run tmp dev; do
    mount -t tmpfs -o mode=755 "$folder" "$root/$folder"
done
chmod 1777 "$root/tmp"
for node in null zero full random urandom tty kmsg; do
    : >"$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"

mkdir -p "$root/shared"
mount --bind "$shared" "$root/shared"
for pair in "$@"; do
    mkdir -p "$root/opt/${pair%%=*}"
    mount --bind "${pair#*=}" "$root/opt/${pair%%=*}"
    mount -o remount,bind,ro "$root/opt/${pair%%=*}"
done

# Of all units that this computer has, only the journal's.
units=$root/usr/lib/systemd/system
mkdir "$place/kept"
cp "$units"/systemd-journald*.service "$units"/systemd-journald*.socket "$place/kept"
rm -rf "$units" "$root/etc/systemd/system" "$root/usr/lib/systemd/system-generators" \
    "$root/etc/systemd/system-generators" "$root/usr/local/lib/systemd"
mkdir -p "$units" "$root/etc/systemd/system"
cp "$place/kept"/* "$units"
for target in sysinit basic network-online shutdown multi-user; do
    printf '[Unit]\nDefaultDependencies=no\n' >"$units/$target.target"
done
printf 'Wants=systemd-journald.service\n' >>"$units/multi-user.target"

ip link set lo up
cd "$root"
pivot_root . mnt
umount -l /mnt
exec env -i container=netmonitor-tests PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=multi-user.target --log-target=journal </dev/null
