#!/bin/sh
# Starts the PPPoE laboratory: a machine that QEMU emulates, with Debian's kernel, a real pppd, a
# real access server and the exporter, in which a script breaks the line and mends it.
#
#   tests/pppoe-lab/run.sh x86_64|aarch64 [SCENARIO...]
#
# What was done and what the exporter said of it comes to target/lab-vm/CPU/results, to be judged
# by the program lab-check. Kernel and programs are unpacked into target/lab-vm and never
# installed (90 MB of downloads for each CPU; remove that folder to take newer ones). The
# machine has no network card and no disk: nothing that is sent leaves it.
set -eu

# It takes two minutes, and a quarter of an hour where the cores are busy with something else.
longest=2400

die() {
  echo "run.sh: $*" >&2
  exit 1
}

cpu=${1:-}
[ $# -eq 0 ] || shift
root=$(realpath "$(dirname "$0")/../..")
here=$root/tests/pppoe-lab
place=$root/target/lab-vm/$cpu
debian=$place/debian
disk=$place/root
results=$place/results
# A list for the kernel's command line.
first_boot=boot,padt,lcp_terminate,server_silent,no_pado,redial,wrong_password,cable,cable_wiggle
first_boot=$first_boot,beyond,loss,clock,clock_forward_within,clock_back_within
case $cpu in
  x86_64)
    architecture=amd64
    serial=ttyS
    ;;
  # Another processor's kernel, programs and instructions, not another line.
  aarch64)
    architecture=arm64
    serial=ttyAMA
    first_boot=boot,padt,cable
    ;;
  *) die "x86_64 or aarch64?" ;;
esac
if [ $# -gt 0 ]; then
  first_boot=boot$(printf ',%s' "$@")
fi
binary=$root/target/static/$cpu-unknown-linux-musl/release/netmonitor-exporter
[ -f "$binary" ] \
  || die "there is no $binary; run this first: openwrt/build-static.sh $cpu-unknown-linux-musl"
for tool in "qemu-system-$cpu" depmod modprobe readelf cpio promtool; do
  command -v "$tool" >/dev/null || die "$tool is missing: tests/install-tools.sh lab installs it"
done

libraries_of() {
  readelf --dynamic "$1" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
}

# A file of Debian's to where it was, with the libraries it wants: its name.
install_file() {
  found=$(find "$debian" -path "*$1" ! -type l | head -n 1)
  [ -n "$found" ] || die "Debian's packages hold no $1: remove $debian"
  case $1 in
    pppd/*) to=usr/lib/pppd/$(basename "$(dirname "$found")") ;;
    *bin/*) to=usr/sbin ;;
    *) to=usr/lib ;;
  esac
  [ ! -e "$disk/$to/${1##*/}" ] || return 0
  mkdir -p "$disk/$to"
  cp "$found" "$disk/$to/${1##*/}"
  for library in $(libraries_of "$found"); do
    install_library "$library"
  done
}

# One that is a link goes by the name that programs ask for.
install_library() {
  [ ! -e "$disk/usr/lib/$1" ] || return 0
  found=$(find "$debian" -path "*lib*/$1" | head -n 1)
  [ -n "$found" ] || die "Debian's packages hold no $1: remove $debian"
  cp -L "$found" "$disk/usr/lib/$1"
  set -- "$disk/usr/lib/$1"
  for library in $(libraries_of "$1"); do
    install_library "$library"
  done
}

# With those that they want before them.
install_modules() {
  version=$(ls "$debian/lib/modules")
  depmod -b "$debian" "$version"
  mkdir -p "$disk/lib/modules"
  for module in "$@"; do
    modprobe -d "$debian" -S "$version" --show-depends "$module" | sed -n 's/^insmod \([^ ]*\).*/\1/p'
  done | awk '!seen[$0]++' | while read -r file; do
    cp "$file" "$disk/lib/modules/"
    echo "${file##*/}"
  done >"$place/in-order"
  mv "$place/in-order" "$disk/lib/modules/in-order"
}

# The kernel unpacks it into memory and starts its /init.
make_initrd() {
  rm -rf "$disk"
  mkdir -p "$disk/usr/bin" "$disk/usr/sbin" "$disk/usr/lib" "$disk/dev" "$disk/proc" "$disk/sys" \
    "$disk/tmp" "$disk/run" "$disk/var" "$disk/etc/ppp" "$disk/lab"
  for name in bin sbin lib; do
    ln -s "usr/$name" "$disk/$name"
  done
  ln -s usr/lib "$disk/lib64"
  cp "$(find "$debian" -path '*/bin/busybox')" "$disk/usr/bin/busybox"
  for file in bin/ip bin/tc bin/pppd bin/pppoe bin/pppoe-server 'pppd/*/pppoe.so'; do
    install_file "$file"
  done
  install_modules crc32c_generic af_packet ppp_generic pppox pppoe ppp_async veth bridge 8021q \
    sch_netem
  cp "$binary" "$disk/usr/sbin/netmonitor-exporter"
  cp "$here"/inside/* "$disk/lab/"
  mv "$disk/lab/init" "$disk/init"
  chmod 755 "$disk"/usr/*bin/* "$disk/init" "$disk"/lab/*
  echo 'UTC0' >"$disk/etc/TZ"
  echo 'root:x:0:0:root:/tmp:/bin/sh' >"$disk/etc/passwd"
  echo 'alice * s3cret *' >"$disk/etc/ppp/pap-secrets"
  : >"$disk/etc/ppp/options"
  # It never ends a session because of echoes: three of them are soon lost where 30 % are.
  printf '%s\n' require-pap 'lcp-echo-interval 10' 'lcp-echo-failure 0' nodefaultroute \
    >"$disk/etc/ppp/pppoe-server-options"
  chmod 600 "$disk/etc/ppp/pap-secrets"
  (cd "$disk" && find . | cpio --quiet --create --format=newc --owner=0:0) >"$place/initrd"
}

# One start of the machine: its number, its scenarios, what its clock begins with.
start_machine() {
  number=$1
  scenarios=$2
  console=$place/console-$number.log
  output=$place/output-$number
  rm -f "$output" "$console"
  # Time in the machine goes by its own instructions: where it waits, no time passes here, and a
  # host that is busy elsewhere makes it slow and not late.
  common="-smp 1 -m 512 -accel tcg,thread=single -icount shift=2,sleep=off -nodefaults"
  common="$common -nic none -display none -no-reboot"
  append="quiet panic=-1 console=${serial}0 lab.scenarios=$scenarios"
  # In half a minute the machine is at work.
  append="$append lab.now=$(($(date +%s) + 30))"
  case $cpu in
    x86_64)
      set -- qemu-system-x86_64 -machine q35 -cpu max -serial "file:$console" \
        -serial "file:$output"
      append="$append lab.results=ttyS1"
      ;;
    aarch64)
      set -- qemu-system-aarch64 -machine virt -cpu cortex-a53 -serial "file:$console" \
        -chardev "file,id=results,path=$output" -device pci-serial,chardev=results
      append="$append lab.results=ttyS0"
      ;;
  esac
  # shellcheck disable=SC2086 # a list
  timeout "$longest" "$@" $common -rtc "base=$clock,clock=vm" -kernel "$debian"/boot/vmlinuz-* \
    -initrd "$place/initrd" -append "$append" </dev/null \
    || die "the machine did not come to its end; see $console"
  mkdir -p "$results/$number"
  tr -d '\r' <"$output" | sed -n '/^end$/q; p' | base64 -d | tar -xzm -C "$results/$number" \
    || die "the machine left no results; see $console"
  for scenario in $(echo "$scenarios" | tr , ' '); do
    [ -d "$results/$number/$scenario" ] || die "scenario $scenario was not played; see $console"
  done
  for metrics in "$results/$number"/*/metrics; do
    promtool check metrics <"$metrics" || die "promtool does not like $metrics"
  done
}

"$root/tests/machine/debian.sh" "$architecture" "$debian" kernel busybox-static ppp pppoe iproute2
make_initrd
rm -rf "$results"
clock=utc
start_machine 1 "$first_boot"
# After a power cut, on a router whose clock has no battery.
clock=2024-05-01T12:00:00
start_machine 2 early_boot,padt
