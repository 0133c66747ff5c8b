#!/bin/sh
# Builds the exporter as one small static file that runs on any router of its CPU family.
#
#   openwrt/build-static.sh [TARGET]
#
# TARGET: aarch64-unknown-linux-musl, armv7-unknown-linux-musleabihf or
# x86_64-unknown-linux-musl; without it, the one of this machine's CPU.
#
# Where rustup has the target and cargo-zigbuild is on PATH, they do the work. Elsewhere the
# standard library is compiled from Debian's sources by Debian's rustc, and zig (a Python wheel)
# links and supplies musl. Nothing of that is installed into the system: it stays in target/cross
# (about 1.5 GB). Remove that folder to take newer Debian packages.
set -eu

package=netmonitor-exporter
zig_version=0.17.1
zigbuild_version=0.24.0
# The smallest routers have 16 MB of flash, half of it taken by OpenWrt; what a release adds must
# not go unnoticed. A library that pulls in much (regex: 1 MB) does not fit.
max_bytes=2200000
# The program ends at a panic and never unwinds; it still says where it was.
# Sharing ends of functions that save less than 20 bytes costs a compressed file more.
size_flags='-C force-unwind-tables=no -C llvm-args=-outliner-benefit-threshold=20'

die() {
    echo "build-static.sh: $*" >&2
    exit 1
}

# To stderr, so that stdout holds the result alone.
say() {
    echo "build-static.sh: $*" >&2
}

case $(uname -m) in
    x86_64) native=x86_64-unknown-linux-musl ;;
    aarch64 | arm64) native=aarch64-unknown-linux-musl ;;
    armv7l | armv8l) native=armv7-unknown-linux-musleabihf ;;
    *) native='' ;;
esac
target=${1:-$native}
case $target in
    aarch64-unknown-linux-musl | armv7-unknown-linux-musleabihf | x86_64-unknown-linux-musl) ;;
    *) die "unknown target '$target': see the head of this file for the list" ;;
esac

cd "$(dirname "$0")/.."
root=$PWD
cross=$root/target/cross
static=$root/target/static
binary=$static/$target/release/$package

# An apt of our own: fresh package lists without root, without waiting for whoever holds the
# system's locks, and without the hooks by which container images empty the common package cache
# on each update, which breaks an installation that runs at the same time.
prepare_apt() {
    mkdir -p "$cross/apt/lists/partial" "$cross/apt/cache/archives/partial"
    cat >"$cross/apt/apt.conf" <<CONF
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
Dir::State::lists "$cross/apt/lists";
Dir::Cache "$cross/apt/cache";
Dir::Cache::archives "$cross/apt/cache/archives";
DPkg::Lock::Timeout "500";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Sandbox::User "root";
CONF
    if [ -z "${apt_updated:-}" ]; then
        say "reading Debian's package lists"
        # A stale mirror of one suite still leaves usable lists of the others.
        own_apt get update -qq || say "some package lists are missing, trying without them"
        apt_updated=yes
    fi
}

own_apt() {
    apt_tool=$1
    shift
    # -c and not APT_CONFIG: that one is read before the system's files and could not clear hooks.
    "apt-$apt_tool" -c "$cross/apt/apt.conf" "$@"
}

# Debian's rustc, the standard library for this machine's own build scripts and macros, and the
# library's sources for the router. Versions are not pinned: old ones vanish from the mirrors.
# Prebuilt libraries of another rustc version cannot be mixed in (error E0514).
provide_sysroot() {
    # The name appears only when everything is unpacked, so it is its own mark of completeness.
    [ ! -d "$cross/sysroot" ] || return 0
    prepare_apt
    libraries=$(own_apt cache depends --recurse --no-recommends --no-suggests --no-conflicts \
        --no-breaks --no-replaces --no-enhances rustc-web |
        grep -E '^(libstd-rust-web-[0-9.]+|libllvm[0-9]+)$' | sort -u)
    [ -n "$libraries" ] || die "apt knows no package rustc-web (Debian 12 has it in its security suite)"
    say "downloading Debian's rustc (about 140 MB)"
    mkdir -p "$cross/debs"
    # apt keeps what is there in full size and completes the rest.
    # shellcheck disable=SC2086 # one word per package
    (cd "$cross/debs" && own_apt get download -qq rustc-web libstd-rust-web-dev rust-web-src $libraries)
    say "unpacking it"
    rm -rf "$cross/sysroot.new"
    for name in rustc-web libstd-rust-web-dev rust-web-src $libraries; do
        # The newest only: an interrupted earlier run may have left another version.
        # shellcheck disable=SC2012 # Debian's file names hold no odd characters
        deb=$(ls -t "$cross/debs/${name}_"*.deb | head -n 1)
        dpkg -x "$deb" "$cross/sysroot.new" || {
            # Of a file in full size apt would not notice that it is damaged.
            rm -f "$deb"
            die "a damaged download was removed, start again: ${deb##*/}"
        }
    done
    mv "$cross/sysroot.new" "$cross/sysroot"
    rm -rf "$cross/debs"
}

# Paths are found at run time, so that a CI cache may restore target/cross anywhere.
provide_rustc() {
    mkdir -p "$cross/bin"
    cat >"$cross/bin/rustc-cross.new" <<'RUSTC'
#!/bin/sh
usr=${0%/*}/../sysroot/usr
for folder in "$usr"/lib/*-linux-gnu*; do
    LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
done
export LD_LIBRARY_PATH
exec "$usr/bin/rustc" "$@"
RUSTC
    chmod +x "$cross/bin/rustc-cross.new"
    # cargo takes a compiler with a new time stamp for a new compiler and builds everything again.
    if cmp -s "$cross/bin/rustc-cross.new" "$cross/bin/rustc-cross"; then
        rm "$cross/bin/rustc-cross.new"
    else
        mv "$cross/bin/rustc-cross.new" "$cross/bin/rustc-cross"
    fi
    rustc_version=$("$cross/bin/rustc-cross" -V) ||
        die "the compiler in target/cross does not start: remove target/cross and try again"
}

zig_is_ready() {
    [ "$("$cross/venv/bin/python3" -m ziglang version 2>/dev/null)" = "$zig_version" ] &&
        [ "$("$cross/venv/bin/cargo-zigbuild" --version 2>/dev/null)" = "cargo-zigbuild $zigbuild_version" ]
}

new_venv() {
    rm -rf "$cross/venv"
    "$1" -m venv "$cross/venv" >/dev/null 2>&1
}

provide_zig() {
    # Asked to run rather than to exist: a half installation and an old version are both renewed.
    ! zig_is_ready || return 0
    if ! new_venv python3; then
        [ "$(id -u)" = 0 ] || die "python3 cannot make a virtual environment. Run this first, as root:
    apt-get update && apt-get install python3 python3-venv"
        prepare_apt
        say "installing python3-venv"
        DEBIAN_FRONTEND=noninteractive own_apt get install -qq -y --no-install-recommends \
            python3 python3-venv >/dev/null
        # By path: the python3 that failed may be another one, earlier on PATH.
        new_venv /usr/bin/python3 || die "python3 -m venv fails even with python3-venv installed"
    fi
    say "installing zig $zig_version and cargo-zigbuild $zigbuild_version into target/cross (about 100 MB)"
    "$cross/venv/bin/python3" -m pip install -q --disable-pip-version-check --only-binary :all: \
        "ziglang==$zig_version" "cargo-zigbuild==$zigbuild_version"
    zig_is_ready || die "zig or cargo-zigbuild does not start: look into target/cross/venv/bin"
}

has_target() {
    command -v cargo-zigbuild >/dev/null && [ -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ]
}

# zigbuild's own wrappers and zig's compiled musl would otherwise go to the home folder.
# Size before speed, unlike the ordinary build: also std and what the bridge uses as well.
build() {
    CARGO_PROFILE_RELEASE_OPT_LEVEL=z \
        CARGO_ZIGBUILD_CACHE_DIR=$cross/zigbuild-cache ZIG_GLOBAL_CACHE_DIR=$cross/zig-cache \
        cargo zigbuild --release --locked -p "$package" --target-dir "$static" --target "$target" "$@"
}

mkdir -p "$cross"
if has_target; then
    say "building for $target with $(rustc -V)"
    RUSTFLAGS="${RUSTFLAGS:-} $size_flags"
    export RUSTFLAGS
    build
else
    [ -d "$cross/sysroot" ] || command -v apt-get >/dev/null ||
        die "no apt-get here. With internet access this is enough:
    rustup target add $target
    cargo install cargo-zigbuild && pip install ziglang"
    # Two targets may be built at the same time, their tools are fetched once.
    exec 9>"$cross/lock"
    flock 9
    provide_sysroot
    provide_rustc
    provide_zig
    exec 9>&-

    say "building for $target with $rustc_version"
    PATH=$cross/venv/bin:$PATH
    RUSTC=$cross/bin/rustc-cross
    # Permits cargo's -Z options below; the program itself stays within stable Rust.
    RUSTC_BOOTSTRAP=1
    # Debian has no musl start files (crt1.o): zig brings its own. Set, not appended, because a
    # CI's "-D warnings" would reach the standard library too.
    RUSTFLAGS="-C link-self-contained=no $size_flags"
    unset CARGO_ENCODED_RUSTFLAGS
    export PATH RUSTC RUSTC_BOOTSTRAP RUSTFLAGS
    # Messages name a library's file without the folders of the machine that builds.
    CARGO_PROFILE_RELEASE_TRIM_PATHS=object
    export CARGO_PROFILE_RELEASE_TRIM_PATHS
    # panic_abort fits the release profile; optimize_for_size takes another 15 % off the file.
    build -Zbuild-std=std,panic_abort -Zbuild-std-features=optimize_for_size -Ztrim-paths
fi

echo "binary: ${binary#"$root"/}"
bytes=$(wc -c <"$binary")
echo "bytes:  $bytes"
[ "$bytes" -le "$max_bytes" ] ||
    die "the binary has more than $max_bytes bytes: see the head of this file for the reason"
# A program that asks for a loader or a library would not start on the router, and the linker
# does not call that an error. By Python, since binutils are often missing.
if ! command -v python3 >/dev/null; then
    echo "static: not checked, python3 is missing"
    exit 0
fi
python3 - "$binary" <<'ELF'
import struct
import sys

PT_DYNAMIC, PT_INTERP, DT_NEEDED = 2, 3, 1
MACHINES = {40: "ARM", 62: "x86-64", 183: "AArch64"}

with open(sys.argv[1], "rb") as file:
    data = file.read()
if data[:4] != b"\x7fELF" or data[5] != 1:
    sys.exit("static: NO, not a little-endian ELF file")
wide = data[4] == 2
machine = struct.unpack_from("<H", data, 18)[0]
if wide:
    table = struct.unpack_from("<Q", data, 32)[0]
    size, count = struct.unpack_from("<HH", data, 54)
else:
    table = struct.unpack_from("<I", data, 28)[0]
    size, count = struct.unpack_from("<HH", data, 42)
interpreter = False
needed = 0
for place in range(table, table + size * count, size):
    kind = struct.unpack_from("<I", data, place)[0]
    if kind == PT_INTERP:
        interpreter = True
    if kind == PT_DYNAMIC:
        if wide:
            start, length = struct.unpack_from("<Q16xQ", data, place + 8)
        else:
            start, length = struct.unpack_from("<I8xI", data, place + 4)
        entries = struct.iter_unpack("<qQ" if wide else "<iI", data[start : start + length])
        needed += sum(tag == DT_NEEDED for tag, _ in entries)
about = f"ELF {64 if wide else 32}-bit {MACHINES.get(machine, machine)}"
if interpreter or needed:
    sys.exit(f"static: NO, {about}, loader: {interpreter}, shared libraries: {needed}")
print(f"static: yes, {about}, no loader, no shared libraries")
ELF
