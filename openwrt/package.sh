#!/bin/sh
# Makes what a router installs, from built programs and without an SDK; the same bytes from the
# same input, wherever and whenever it runs.
#
#   openwrt/package.sh packages [OPTION ...] [ARCHITECTURE ...]
#       .ipk (opkg, OpenWrt 21.02 to 24.10) of each architecture, or of each one whose program
#       is built; .apk (25.12) too, where an apk with `mkpkg` is on PATH
#   openwrt/package.sh bundle [OPTION ...]
#       one archive with install.sh and the programs that are built
#   openwrt/package.sh targets
#       prints for which CPUs there are to be programs
#
#   --binary TARGET=FILE   this program and no others; may be repeated. Without it: those that
#                          build-static.sh has left in target/static
#   --out FOLDER           default: target/dist
#   --fast                 gzip in place of zopfli: no seconds for each program, 4 % larger
#
# SOURCE_DATE_EPOCH is the time in the files; without it, the commit's.
set -eu

package=netmonitor-exporter
# Routers with 16 MB of flash have about 1 MB left for an overlay that keeps it compressed.
package_limit=1000000
# What most routers take leaves room for its settings. The other CPUs' code is larger, and apk
# has a compressor of its own.
aarch64_ipk_limit=900000

die() {
    echo "package.sh: $*" >&2
    exit 1
}

# To stderr, so that stdout holds the result alone.
say() {
    echo "package.sh: $*" >&2
}

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")

what=${1:-}
case $what in
    packages | bundle | targets) shift ;;
    *) die "say what is wanted, 'packages' or 'bundle': see the head of this file" ;;
esac
binaries=''
out=$root/target/dist
fast=''
while [ $# -gt 0 ]; do
    case $1 in
        --binary)
            case ${2:-} in
                *=*) ;;
                *) die "--binary wants TARGET=FILE, not '${2:-}'" ;;
            esac
            [ -f "${2#*=}" ] || die "--binary $2: there is no such file"
            # One a line: file names may hold spaces.
            binaries="$binaries${2%%=*} $(realpath "${2#*=}")
"
            shift 2
            ;;
        --out)
            [ -n "${2:-}" ] || die "--out wants a folder"
            out=$2
            shift 2
            ;;
        --fast)
            fast=yes
            shift
            ;;
        -*) die "unknown option '$1': see the head of this file" ;;
        *) break ;;
    esac
done

[ -n "$fast" ] || command -v zopfli >/dev/null ||
    die "zopfli is missing: apt-get install zopfli, or say --fast"

# Lists without comments and blank lines.
contents() {
    sed '/^#/d; /^ *$/d' "$here/contents"
}
architectures() {
    sed '/^#/d; /^ *$/d' "$here/architectures"
}
targets() {
    architectures | awk '$2 != "refused" { print $2 }' | sort -u
}

if [ "$what" = targets ]; then
    targets
    exit
fi

# The program for a target; nothing if there is none.
binary_of() {
    if [ -n "$binaries" ]; then
        printf '%s' "$binaries" | sed -n "s/^$1 //p" | tail -n 1
    else
        found=$root/target/static/$1/release/$package
        [ ! -f "$found" ] || echo "$found"
    fi
}

# The tree's [workspace.package] has the one version of everything.
manifest=$root/Cargo.toml
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$manifest")
licence=$(sed -n '/^\[workspace.package\]/,/^\[/s/^license = "\(.*\)"/\1/p' "$manifest")
release=$(sed -n 's/^PKG_RELEASE:=//p' "$here/Makefile")
description=$(sed -n 's/^description = "\(.*\)"/\1/p' "$root/exporter/Cargo.toml")
maintainer='netmonitor contributors'
[ -n "$version" ] || die "Cargo.toml has no version in [workspace.package]"
[ -n "$release" ] || die "openwrt/Makefile has no PKG_RELEASE"

# An archive of the tree has no commit, but files with the commit's time.
: "${SOURCE_DATE_EPOCH:=$(git -C "$root" log -1 --format=%ct 2>/dev/null || stat -c %Y "$root/Cargo.lock")}"
export SOURCE_DATE_EPOCH LC_ALL=C
umask 022

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$out"
out=$(cd "$out" && pwd)

# archive FOLDER MEMBER ...: a tar to stdout, with nothing of this machine in it.
archive() {
    archived=$1
    shift
    tar -C "$archived" --format=gnu --sort=name --numeric-owner --owner=0 --group=0 \
        --mtime="@$SOURCE_DATE_EPOCH" -cf - "$@"
}

# Flash is scarce, and what takes time is done once for each program.
squeeze() {
    if [ -n "$fast" ]; then
        gzip -9nc "$1"
    else
        zopfli -c "$1"
    fi
}

# lay_down PROGRAM FOLDER: everything in `contents`, as it is to be on the router.
lay_down() {
    contents | while read -r path mode _; do
        from=$here/files/$path
        [ "$path" != "usr/bin/$package" ] || from=$1
        [ -f "$from" ] || die "openwrt/contents names $path, but there is no openwrt/files/$path"
        mkdir -p "$2/$(dirname "$path")"
        install -m "$mode" "$from" "$2/$path"
    done
}

# What opkg and apk have the system do. Names of OpenWrt's own functions, in /lib/functions.sh:
# default_postinst enables and starts the service, default_prerm stops and disables it, both
# with regard to PKG_UPGRADE and to a root that is not the running one (IPKG_INSTROOT).
call_default() {
    cat <<SCRIPT
functions=\$IPKG_INSTROOT/lib/functions.sh
if [ "\$IPKG_NO_SCRIPT" != 1 ] && [ -s "\$functions" ]; then
    . "\$functions"
    $1 "\$0" "\$@"
fi
SCRIPT
}

opkg_script() {
    echo '#!/bin/sh'
    call_default "$1"
}

settings() {
    contents | awk '$3 == "settings" { print "/" $1 }'
}

# ipk ARCHITECTURE TARGET FILE: a compressed tar of three members, in the order of OpenWrt's own.
ipk() {
    rm -rf "$work/ipk" "$work/control"
    mkdir "$work/ipk" "$work/control"
    echo 2.0 >"$work/ipk/debian-binary"
    cp "$work/$2.tar.gz" "$work/ipk/data.tar.gz"

    # No dependencies: the program is static, and procd is the system.
    cat >"$work/control/control" <<CONTROL
Package: $package
Version: $version-r$release
License: $licence
Section: net
Priority: optional
Maintainer: $maintainer
Architecture: $1
Installed-Size: $(zcat "$work/ipk/data.tar.gz" | wc -c)
SourceDateEpoch: $SOURCE_DATE_EPOCH
Description: $description
CONTROL
    settings >"$work/control/conffiles"
    opkg_script default_postinst >"$work/control/postinst"
    opkg_script default_prerm >"$work/control/prerm"
    cp "$here/scripts/preinst" "$work/control/preinst"
    cp "$here/scripts/postinst" "$work/control/postinst-pkg"
    cp "$here/scripts/postrm" "$work/control/postrm"
    chmod 644 "$work/control/control" "$work/control/conffiles"
    chmod 755 "$work/control/"p*
    archive "$work/control" . | gzip -9n >"$work/ipk/control.tar.gz"

    archive "$work/ipk" ./debian-binary ./data.tar.gz ./control.tar.gz | gzip -9n >"$3"
}

# apk-tools 2 has no mkpkg; 3 makes packages since OpenWrt 25.12 uses it.
has_mkpkg() {
    command -v apk >/dev/null && apk mkpkg --help 2>&1 | grep -q -- --info
}

# apk_script DEFAULT FILE [VARIABLE=VALUE]
apk_script() {
    # shellcheck disable=SC2016 # the router's variable
    printf '#!/bin/sh\nexport root="$IPKG_INSTROOT" pkgname=%s%s\n' "$package" "${3:+ $3}"
    call_default "$1"
    sed '/^#!/d' "$2"
}

# apk_package ARCHITECTURE FILE. apk has no notion of a package's own list of settings and files that
# OpenWrt's functions and sysupgrade read: OpenWrt keeps them in lib/apk/packages.
apk_package() {
    rm -rf "$work/apk" "$work/apk-scripts"
    mkdir "$work/apk-scripts"
    cp -a "$work/data" "$work/apk"
    lists=$work/apk/lib/apk/packages
    laid_down=$(contents | awk '{ print "/" $1 }' | sort)
    mkdir -p "$lists"
    echo "$laid_down" >"$lists/$package.list"
    settings >"$lists/$package.conffiles"
    while read -r path; do
        echo "$path $(sha256sum <"$work/apk$path" | cut -d ' ' -f 1)"
    done <"$lists/$package.conffiles" >"$lists/$package.conffiles_static"
    chmod 644 "$lists/"*

    find "$work/apk" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +

    # apk tells its scripts neither which package they are of nor that it updates.
    scripts=$work/apk-scripts
    cp "$here/scripts/preinst" "$scripts/pre-install"
    cp "$here/scripts/preinst" "$scripts/pre-upgrade"
    apk_script default_postinst "$here/scripts/postinst" >"$scripts/post-install"
    apk_script default_postinst "$here/scripts/postinst" PKG_UPGRADE=1 >"$scripts/post-upgrade"
    apk_script default_prerm /dev/null >"$scripts/pre-deinstall"
    cp "$here/scripts/postrm" "$scripts/post-deinstall"
    for script in pre-install pre-upgrade post-install post-upgrade pre-deinstall post-deinstall; do
        set -- "$@" --script "$script:$scripts/$script"
    done
    architecture=$1 file=$2
    shift 2
    apk mkpkg --info "name:$package" --info "version:$version-r$release" \
        --info "description:$description" --info "arch:$architecture" --info "license:$licence" \
        --info "origin:$package" --info "maintainer:$maintainer" \
        --files "$work/apk" --output "$file" "$@"
}

# small_enough FILE LIMIT
small_enough() {
    size=$(wc -c <"$1")
    [ "$size" -le "$2" ] ||
        die "${1##*/} has $size bytes, more than $2: routers with little flash could not install it"
    echo "$size ${1#"$out"/}"
}

make_packages() {
    if [ $# -eq 0 ]; then
        for target in $(targets); do
            [ -z "$(binary_of "$target")" ] || set -- "$@" "$(architectures |
                awk -v target="$target" '$2 == target { print $1 }')"
        done
        [ $# -gt 0 ] || die "no program is built yet: openwrt/build-static.sh TARGET makes one"
        # shellcheck disable=SC2086,SC2048 # names are single words, one or more in each argument
        set -- $*
    fi
    for name in "$@"; do
        row=$(architectures | awk -v name="$name" '$1 == name')
        case $row in
            '') die "OpenWrt has no package architecture '$name': see openwrt/architectures" ;;
            *' refused '*)
                die "$name: ${row#* refused }. openwrt/Makefile builds for this very CPU if Rust can: docs/openwrt-build.md"
                ;;
        esac
        [ -n "$(binary_of "${row#* }")" ] ||
            die "$name: the program is not built; run openwrt/build-static.sh ${row#* }"
    done

    apk=yes
    if ! has_mkpkg; then
        apk=no
        say "no .apk: that takes apk-tools 3 (apk mkpkg) on PATH"
    elif [ "$(id -u)" != 0 ]; then
        apk=no
        say "no .apk: it records whose the files are, so making it takes root (or fakeroot)"
    fi
    mkdir -p "$out/packages"
    for name in "$@"; do
        target=$(architectures | awk -v name="$name" '$1 == name { print $2 }')
        rm -rf "$work/data"
        lay_down "$(binary_of "$target")" "$work/data"
        file=$out/packages/${package}_$version-r${release}_$name.ipk
        if [ ! -f "$work/$target.tar.gz" ]; then
            archive "$work/data" . >"$work/data.tar"
            squeeze "$work/data.tar" >"$work/$target.tar.gz"
        fi
        ipk "$name" "$target" "$file"
        case $target in
            aarch64-*) small_enough "$file" "$aarch64_ipk_limit" ;;
            *) small_enough "$file" "$package_limit" ;;
        esac
        if [ "$apk" = yes ]; then
            # Its name does not tell the architecture, and apk wants it as it is.
            mkdir -p "$out/packages/$name"
            file=$out/packages/$name/$package-$version-r$release.apk
            apk_package "$name" "$file"
            small_enough "$file" "$package_limit"
        fi
    done
}

make_bundle() {
    [ $# -eq 0 ] || die "a bundle is for all architectures: nothing to name"
    name=netmonitor-$version
    # Without the version: README's commands name it.
    folder=$work/bundle/netmonitor
    mkdir -p "$folder/bin" "$folder/files"
    for script in install.sh uninstall.sh shell-version.sh; do
        [ -f "$here/$script" ] || die "there is no openwrt/$script"
        install -m 755 "$here/$script" "$folder/$script"
    done
    for list in architectures contents; do
        install -m 644 "$here/$list" "$folder/$list"
    done
    install -m 644 "$root/LICENSE" "$folder/LICENSE"
    contents | while read -r path mode _; do
        [ "$path" != "usr/bin/$package" ] || continue
        [ -f "$here/files/$path" ] ||
            die "openwrt/contents names $path, but there is no openwrt/files/$path"
        mkdir -p "$folder/files/$(dirname "$path")"
        install -m "$mode" "$here/files/$path" "$folder/files/$path"
    done
    for target in $(targets); do
        binary=$(binary_of "$target")
        [ -z "$binary" ] || squeeze "$binary" >"$folder/bin/$target.gz"
    done
    ls "$folder/bin/"*.gz >/dev/null 2>&1 ||
        die "no program is built yet: openwrt/build-static.sh TARGET makes one"
    (cd "$folder/bin" && sha256sum ./*.gz | sed 's| \./| |' >SHA256SUMS)
    archive "$work/bundle" netmonitor | gzip -9n >"$out/$name-openwrt.tar.gz"
    echo "$(wc -c <"$out/$name-openwrt.tar.gz") $name-openwrt.tar.gz"
}

"make_$what" "$@"
