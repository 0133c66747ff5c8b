#!/bin/sh
# Removes netmonitor's bridge or exporter, which install.sh has laid down as a service of systemd.
#
#   uninstall.sh bridge|exporter [--purge]
#
#   --purge         settings, tokens, drop-ins, the database and the user go, too
#   DESTDIR=FOLDER  in the environment: files below it are removed, and no service is touched
#
# As root. It may be run again, also after it was cut off.
set -u

here=$(cd "$(dirname "$0")" && pwd) || exit 1
destdir=${DESTDIR-}
purge=no
found=no

# shellcheck source=compose/systemd/layout.sh
. "$here/layout.sh" || exit 1

remove() {
    [ -e "$destdir$1" ] || return 0
    found=yes
    rm -f "$destdir$1" || fail "$destdir$1 could not be removed: is its file system read-only? (mount)"
}

# A folder, or a file.
keep_or_purge() {
    [ -e "$destdir$1" ] || return 0
    if [ "$purge" = no ]; then
        say "kept: $destdir$1 (--purge removes it)"
    else
        found=yes
        rm -rf "$destdir$1" || fail "$destdir$1 could not be removed"
    fi
}

# The bridge's tokens and lists are there, too.
settings_place() {
    case $part in
        bridge) say "${settings%/*}" ;;
        exporter) say "$settings" ;;
    esac
}

stop_service() {
    systemctl --quiet is-active "$service" && found=yes
    systemctl --quiet disable --now "$service" 2>/dev/null
    if systemctl --quiet is-active "$service"; then
        fail "$service could not be stopped: see systemctl status $service"
    fi
}

remove_user() {
    id "$user" >/dev/null 2>&1 || return 0
    if [ "$purge" = no ]; then
        say "kept: user $user, to whom they belong"
    elif [ "$(getent passwd "$user" | cut -d : -f 5)" != "netmonitor $part" ]; then
        # Not made by systemd-sysusers for us.
        say "kept: user $user, who was there before"
    else
        userdel "$user" || fail "user $user could not be removed"
        # Where userdel leaves it.
        ! getent group "$user" >/dev/null || groupdel "$user"
    fi
}

# Where SQLITE_DB has put it, somebody else looks after it.
tell_of_other_database() {
    [ "$part" = bridge ] && [ -r "$destdir$settings" ] || return 0
    other=$(NETMONITOR_SETTINGS=$destdir$settings "$here/netmonitor-bridge-ctl" setting SQLITE_DB 2>/dev/null)
    case $other in
        '' | "$data"/*) ;;
        *) say "kept: the database $other, which SQLITE_DB names" ;;
    esac
}

main() {
    chosen=''
    for argument in "$@"; do
        case $argument in
            --purge) purge=yes ;;
            --help | -h)
                usage
                exit 0
                ;;
            -*) misused "unknown argument \"$argument\"" ;;
            *)
                [ -z "$chosen" ] || misused "one argument too many: \"$argument\""
                chosen=$argument
                ;;
        esac
    done
    case $chosen in
        bridge | exporter) choose "$chosen" ;;
        '') misused "what is to be removed? bridge or exporter" ;;
        *) misused "unknown word \"$chosen\", expected bridge or exporter" ;;
    esac
    if [ -z "$destdir" ]; then
        need_system "$@"
        stop_service
    fi
    tell_of_other_database
    each_file remove || exit 1
    if [ -z "$destdir" ]; then
        systemctl daemon-reload
        systemctl reset-failed "$service" 2>/dev/null
    fi
    keep_or_purge "$(settings_place)"
    keep_or_purge "$drop_ins"
    case $data in
        # RAM: it would go with the next start of the computer.
        /run/*) rm -rf "$destdir$data" ;;
        *) keep_or_purge "$data" ;;
    esac
    [ -n "$destdir" ] || remove_user
    if [ "$found" = no ]; then
        say "$name is not installed"
    else
        say "$name is removed."
    fi
}

main "$@"
