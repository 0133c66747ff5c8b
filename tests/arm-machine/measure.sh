#!/bin/sh
# Starts an ARM64 machine that QEMU emulates, runs the static exporter in it under a real ARM
# kernel, and prints what was measured there.
#
#   tests/arm-machine/measure.sh minutes|day [BINARY]
#
# minutes: the start, idle, and storms of log lines; the machine goes as fast as it can.
# day: 24 hours of a router, or HOURS, an even number. Time in the machine goes by its instructions and jumps where
# it only waits, so a busy host changes nothing but how long it takes here.
#
# The kernel and BusyBox are Debian's, unpacked into target/vm and never installed (about 70 MB
# are downloaded; remove that folder to take newer ones). The machine has no network card and
# no disk: all that is sent stays on its loopback. Fails when the exporter does not do its work;
# a goal that is missed is only marked, because emulated time says little of a router's. What grows
# in a day fails.
set -eu

die() {
  echo "measure.sh: $*" >&2
  exit 1
}

measured=${1:-}
case $measured in
  minutes)
    # It takes two; a machine that shares its cores with others takes longer.
    longest=900
    inside='longest=800'
    speed='-smp 2 -accel tcg,thread=multi'
    ;;
  day)
    hours=${HOURS:-24}
    case $hours in
      '' | *[!0-9]* | *[13579] | 0*) die "HOURS=$hours: an even number from 2 on is wanted" ;;
    esac
    # A minute and a half for an hour, and a busy host.
    longest=$((600 + 450 * hours))
    inside="longest=$((4000 * hours)) hours=$hours"
    speed='-smp 1 -accel tcg,thread=single -icount shift=1,sleep=off -rtc clock=vm'
    ;;
  *) die "minutes or day?" ;;
esac
root=$(realpath "$(dirname "$0")/../..")
binary=$(realpath -m "${2:-$root/target/static/aarch64-unknown-linux-musl/release/netmonitor-exporter}")
[ -f "$binary" ] \
  || die "there is no $binary; run this first: openwrt/build-static.sh aarch64-unknown-linux-musl"
place=$root/target/vm
debian=$place/debian

# The kernel unpacks it into memory and starts its /init.
make_initrd() {
  disk=$place/root
  rm -rf "$disk"
  mkdir -p "$disk/bin" "$disk/dev" "$disk/proc" "$disk/sys" "$disk/tmp" "$disk/etc" "$disk/var"
  # Debian 12 has it in /bin, later ones in /usr/bin.
  cp "$(find "$debian" -path '*/bin/busybox')" "$disk/bin/busybox"
  cp "$binary" "$disk/bin/netmonitor-exporter"
  cp "$root"/tests/arm-machine/inside/*.sh "$disk/bin/"
  cp "$root/tests/arm-machine/inside/init" "$disk/"
  echo 'UTC0' >"$disk/etc/TZ"
  chmod 755 "$disk"/bin/* "$disk/init"
  (cd "$disk" && find . | cpio --quiet --create --format=newc --owner=0:0) >"$place/initrd"
}

# Without huge pages, as routers' kernels are: they would count as memory of the program.
run_machine() {
  rm -f "$place/console.log" "$place/results"
  # shellcheck disable=SC2086 # lists
  timeout "$longest" qemu-system-aarch64 -machine virt -cpu cortex-a53 -m 256 $speed \
    -nodefaults -nic none -display none -no-reboot \
    -kernel "$debian"/boot/vmlinuz-* -initrd "$place/initrd" \
    -append "console=ttyAMA0 quiet panic=-1 transparent_hugepage=never script=$measured.sh $inside" \
    -serial "file:$place/console.log" \
    -chardev "file,id=results,path=$place/results" -device pci-serial,chardev=results \
    </dev/null || die "the machine did not come to its end; see target/vm/console.log"
}

# Lines of four fields with | between them; the last one says how many things do not work.
show_results() {
  tr -d '\r' <"$place/results" | awk -F '|' '
    function show() { printf "%-52s %16s  %-10s  %s\n", $1, $2, $3, $4 }
    BEGIN { $0 = "what|result|goal|"; show() }
    NF == 4 { show() }
    $1 == "end" { ended = 1; failed = $2 }
    END {
      if (!ended) { print "the machine stopped before the end"; exit 1 }
      if (failed) { print failed " of these do not work"; exit 1 }
    }' || die "see target/vm/console.log"
}

"$root/tests/machine/debian.sh" arm64 "$debian" kernel busybox-static
make_initrd
run_machine
show_results
