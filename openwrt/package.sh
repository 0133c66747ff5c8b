#!/bin/sh
# Makes what a router installs, from built programs and without an SDK; the same bytes from the
# same input, wherever and whenever it runs.
#
#   openwrt/package.sh packages [OPTION ...] [ARCHITECTURE ...]
#       .ipk (opkg, OpenWrt 21.02 to 24.10) of each architecture, or of each one whose program
#       is built, and of the page for LuCI, which is for all; .apk (25.12) too, where an apk with
#       `mkpkg` is on PATH
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

program=netmonitor-exporter
# Routers with 16 MB of flash have about 1 MB left for an overlay that keeps it compressed.
package_limit=1000000
# What most routers take leaves room for its settings. The other CPUs' code is larger, and apk
# has a compressor of its own.
aarch64_ipk_limit=900000
page_limit=50000

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

# Lists without comments and blank lines; `folder` is that of the package.
contents() {
    sed '/^#/d; /^ *$/d' "$folder/contents"
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
        found=$root/target/static/$1/release/$program
        [ ! -f "$found" ] || echo "$found"
    fi
}

# The tree's [workspace.package] has the one version of everything.
manifest=$root/Cargo.toml
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$manifest")
licence=$(sed -n '/^\[workspace.package\]/,/^\[/s/^license = "\(.*\)"/\1/p' "$manifest")
maintainer='netmonitor contributors'
[ -n "$version" ] || die "Cargo.toml has no version in [workspace.package]"

# about_to_make PACKAGE: sets what differs between the two.
about_to_make() {
    package=$1
    case $package in
        "$program")
            # No dependencies: the program is static, and procd is the system.
            folder=$here section=net depends=''
            description=$(sed -n 's/^description = "\(.*\)"/\1/p' "$root/exporter/Cargo.toml")
            ;;
        luci-app-netmonitor)
            folder=$here/luci section=luci depends="luci-base $program"
            description=$(sed -n 's/^LUCI_TITLE:=//p' "$folder/Makefile")
            ;;
    esac
    release=$(sed -n 's/^PKG_RELEASE:=//p' "$folder/Makefile")
    [ -n "$release" ] || die "$folder/Makefile has no PKG_RELEASE"
}

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
    contents | while read -r path mode of; do
        case $path:$of in
            "usr/bin/$program:"*) from=$1 ;;
            www/*:htdocs) from=$folder/htdocs/${path#www/} ;;
            *:root) from=$folder/root/$path ;;
            *.lmo:*.po) from=$work/translation ;;
            *) from=$folder/files/$path ;;
        esac
        case $of in
            *.po) python3 "$folder/po2lmo.py" "$folder/$of" "$from" || die "$of cannot be converted" ;;
        esac
        [ -f "$from" ] || die "$folder/contents names $path, but there is no $from"
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

# ipk ARCHITECTURE DATA FILE: a compressed tar of three members, in the order of OpenWrt's own.
ipk() {
    rm -rf "$work/ipk" "$work/control"
    mkdir "$work/ipk" "$work/control"
    echo 2.0 >"$work/ipk/debian-binary"
    cp "$2" "$work/ipk/data.tar.gz"

    cat >"$work/control/control" <<CONTROL
Package: $package
Version: $version-r$release
${depends:+Depends: $(echo "$depends" | sed 's/ /, /g')
}License: $licence
Section: $section
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
    for script in preinst:preinst postinst:postinst-pkg postrm:postrm; do
        [ ! -f "$folder/scripts/${script%:*}" ] ||
            cp "$folder/scripts/${script%:*}" "$work/control/${script#*:}"
    done
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
    if [ -f "$folder/scripts/preinst" ]; then
        cp "$folder/scripts/preinst" "$scripts/pre-install"
        cp "$folder/scripts/preinst" "$scripts/pre-upgrade"
    fi
    apk_script default_postinst "$folder/scripts/postinst" >"$scripts/post-install"
    apk_script default_postinst "$folder/scripts/postinst" PKG_UPGRADE=1 >"$scripts/post-upgrade"
    apk_script default_prerm /dev/null >"$scripts/pre-deinstall"
    cp "$folder/scripts/postrm" "$scripts/post-deinstall"
    for script in "$scripts/"*; do
        set -- "$@" --script "${script##*/}:$script"
    done
    architecture=$1 file=$2
    shift 2
    [ -z "$depends" ] || set -- "$@" --info "depends:$depends"
    apk mkpkg --info "name:$package" --info "version:$version-r$release" \
        --info "description:$description" --info "arch:$architecture" --info "license:$licence" \
        --info "origin:$package" --info "maintainer:$maintainer" \
        --files "$work/apk" --output "$file" "$@"
}

# apk_of ARCHITECTURE LIMIT, of what was laid down in $work/data. Its name does not tell the
# architecture, and apk wants it as it is.
apk_of() {
    mkdir -p "$out/packages/$1"
    file=$out/packages/$1/$package-$version-r$release.apk
    apk_package "$1" "$file"
    small_enough "$file" "$2"
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
    make_page
    about_to_make "$program"
    for name in "$@"; do
        target=$(architectures | awk -v name="$name" '$1 == name { print $2 }')
        rm -rf "$work/data"
        lay_down "$(binary_of "$target")" "$work/data"
        file=$out/packages/${package}_$version-r${release}_$name.ipk
        if [ ! -f "$work/$target.tar.gz" ]; then
            archive "$work/data" . >"$work/data.tar"
            squeeze "$work/data.tar" >"$work/$target.tar.gz"
        fi
        ipk "$name" "$work/$target.tar.gz" "$file"
        case $target in
            aarch64-*) small_enough "$file" "$aarch64_ipk_limit" ;;
            *) small_enough "$file" "$package_limit" ;;
        esac
        [ "$apk" = no ] || apk_of "$name" "$package_limit"
    done
}

# The page for LuCI: files for every CPU.
make_page() {
    about_to_make luci-app-netmonitor
    command -v python3 >/dev/null || die "python3 is missing, which makes LuCI's translations"
    rm -rf "$work/data"
    lay_down '' "$work/data"
    archive "$work/data" . >"$work/data.tar"
    squeeze "$work/data.tar" >"$work/page.tar.gz"
    file=$out/packages/${package}_$version-r${release}_all.ipk
    ipk all "$work/page.tar.gz" "$file"
    small_enough "$file" "$page_limit"
    [ "$apk" = no ] || apk_of noarch "$page_limit"
}

make_bundle() {
    [ $# -eq 0 ] || die "a bundle is for all architectures: nothing to name"
    about_to_make "$program"
    name=netmonitor-$version
    # Without the version: README's commands name it.
    bundle=$work/bundle/netmonitor
    mkdir -p "$bundle/bin" "$bundle/files"
    for script in install.sh uninstall.sh shell-version.sh; do
        [ -f "$here/$script" ] || die "there is no openwrt/$script"
        install -m 755 "$here/$script" "$bundle/$script"
    done
    for list in architectures contents; do
        install -m 644 "$here/$list" "$bundle/$list"
    done
    install -m 644 "$root/LICENSE" "$bundle/LICENSE"
    contents | while read -r path mode _; do
        [ "$path" != "usr/bin/$program" ] || continue
        [ -f "$here/files/$path" ] ||
            die "openwrt/contents names $path, but there is no openwrt/files/$path"
        mkdir -p "$bundle/files/$(dirname "$path")"
        install -m "$mode" "$here/files/$path" "$bundle/files/$path"
    done
    for target in $(targets); do
        binary=$(binary_of "$target")
        [ -z "$binary" ] || squeeze "$binary" >"$bundle/bin/$target.gz"
    done
    ls "$bundle/bin/"*.gz >/dev/null 2>&1 ||
        die "no program is built yet: openwrt/build-static.sh TARGET makes one"
    (cd "$bundle/bin" && sha256sum ./*.gz | sed 's| \./| |' >SHA256SUMS)
    archive "$work/bundle" netmonitor | gzip -9n >"$out/$name-openwrt.tar.gz"
    echo "$(wc -c <"$out/$name-openwrt.tar.gz") $name-openwrt.tar.gz"
}

"make_$what" "$@"
