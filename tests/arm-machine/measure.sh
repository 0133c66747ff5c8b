#!/bin/sh
# Starts an ARM64 machine that QEMU emulates, runs the static exporter in it under a real ARM
# kernel, and prints what was measured there.
#
#   tests/arm-machine/measure.sh [BINARY]
#
# The kernel and BusyBox are Debian's, unpacked into target/vm and never installed (about 70 MB
# are downloaded; remove that folder to take newer ones). The machine has no network card and
# no disk: all that is sent stays on its loopback. Fails when the exporter does not do its work;
# a goal that is missed is only marked, because emulated time says little of a router's.
set -eu

# The measurement takes two minutes; a machine that shares its cores with others takes longer.
longest=900

die() {
  echo "measure.sh: $*" >&2
  exit 1
}

root=$(realpath "$(dirname "$0")/../..")
binary=$(realpath -m "${1:-$root/target/static/aarch64-unknown-linux-musl/release/netmonitor-exporter}")
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
  cp "$root/tests/arm-machine/init" "$disk/"
  cp "$root/tests/arm-machine/inside.sh" "$disk/bin/"
  echo 'UTC0' >"$disk/etc/TZ"
  chmod 755 "$disk"/bin/* "$disk/init"
  (cd "$disk" && find . | cpio --quiet --create --format=newc --owner=0:0) >"$place/initrd"
}

# Without huge pages, as routers' kernels are: they would count as memory of the program.
run_machine() {
  rm -f "$place/console.log" "$place/results"
  timeout "$longest" qemu-system-aarch64 -machine virt -cpu cortex-a53 -smp 2 -m 256 \
    -accel tcg,thread=multi -nodefaults -nic none -display none -no-reboot \
    -kernel "$debian"/boot/vmlinuz-* -initrd "$place/initrd" \
    -append 'console=ttyAMA0 quiet panic=-1 transparent_hugepage=never' \
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
