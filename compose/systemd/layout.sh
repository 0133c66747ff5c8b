# shellcheck shell=sh
# Names here are read there, and $here is theirs.
# shellcheck disable=SC2034,SC2154
# What bridge and exporter lay down, for install.sh and uninstall.sh, which read this file.

# $1: bridge or exporter. Sets the names of its files.
choose() {
    part=$1
    name=netmonitor-$part
    service=$name.service
    program=/usr/local/bin/$name
    drop_ins=/etc/systemd/system/$service.d
    case $part in
        bridge)
            user=netmonitor
            settings=/etc/netmonitor/bridge.env
            data=/var/lib/netmonitor
            ;;
        exporter)
            user=netmonitor-exporter
            settings=/etc/netmonitor.conf
            # In RAM.
            data=/run/netmonitor-exporter
            ;;
    esac
}

# Calls a function with path, mode and source of each file, but for the settings. The program is
# the first.
each_file() {
    "$@" "$program" 755 "${given_program-}" || return 1
    "$@" "/etc/systemd/system/$service" 644 "$here/$service" || return 1
    "$@" "/etc/sysusers.d/$name.conf" 644 "$here/$name.sysusers" || return 1
    [ "$part" = exporter ] ||
        "$@" "/usr/local/bin/netmonitor-bridge-ctl" 755 "$here/netmonitor-bridge-ctl"
}

say() {
    echo "$*"
}

fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

usage() {
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
}

misused() {
    echo "${0##*/}: $*: see ${0##*/} --help" >&2
    exit 2
}

# Nothing of this is asked where files are only put into a folder.
need_system() {
    [ "$(id -u)" = 0 ] || fail "only root may do this: sudo $0 $*"
    command -v systemctl >/dev/null 2>&1 ||
        fail "this computer has no systemd (there is no systemctl): take the containers, or start $name by what starts services here"
    [ -d /run/systemd/system ] ||
        fail "systemd does not run here (a container?): DESTDIR=/folder puts the files into a folder"
}
