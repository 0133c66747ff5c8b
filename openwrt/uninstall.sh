#!/bin/sh
# Removes what netmonitor's install.sh has laid down on an OpenWrt or iStoreOS router.
#
#   netmonitor-uninstall [--purge]
#
# Settings that somebody has changed stay, and so does the backup of the shell version; with
# --purge they go, too. It may be run again, also after a power cut.
set -u

settings=/etc/netmonitor.conf
uci_settings=/etc/config/netmonitor
# Written from these by the service.
uci_in_ram=/var/run/netmonitor.conf
service=/etc/init.d/netmonitor
program=/usr/bin/netmonitor-exporter
# Written by install.sh.
ours=/lib/upgrade/keep.d/netmonitor-installed

purge=no

say() {
    echo "$*"
}

fail() {
    echo "uninstall.sh: $*" >&2
    exit 1
}

usage() {
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
}

refuse_package() {
    for manager in /usr/lib/opkg/info/netmonitor-exporter.control:'opkg remove' \
        /lib/apk/packages/netmonitor-exporter.list:'apk del'; do
        [ ! -e "${manager%%:*}" ] ||
            fail "netmonitor-exporter is installed as a package: run \"${manager#*:} netmonitor-exporter\""
    done
}

# The program writes its events where QUEUE_FILE says. In RAM they would go with the next reboot;
# elsewhere somebody wants them.
remove_queue() {
    queue=$(ask_for_queue)
    queue=${queue:-/tmp/net_events.json}
    case $queue in
        /tmp/* | /var/*) ;;
        *)
            if [ "$purge" = no ]; then
                [ -e "$queue" ] && say "kept: $queue (uninstall with --purge removes it)"
                return
            fi
            ;;
    esac
    rm -f "$queue" "$queue.new" "$queue.state" "$queue.state.new"
}

ask_for_queue() {
    [ -x "$program" ] || return
    set -- --config "$settings"
    [ ! -e "$uci_in_ram" ] || set -- "$@" --config "$uci_in_ram"
    "$program" check-config "$@" 2>/dev/null | sed -n 's/^QUEUE_FILE="\([^"]*\)".*/\1/p'
}

# Stopping returns at once; the program writes its events once more before it ends.
wait_for_end() {
    left=10
    while pidof "${program##*/}" >/dev/null && [ "$left" -gt 0 ]; do
        left=$((left - 1))
        sleep 1
    done
}

remove_files() {
    grep -qv '^#' "$ours" ||
        fail "$ours is damaged: run install.sh once more, then uninstall"
    # The list itself goes last: what is cut off before can be run again.
    grep -v '^#' "$ours" | grep -vxF "$ours" | while read -r path; do
        rm -f "$path" || exit 1
    done || fail "not everything could be removed: is the file system read-only? (mount)"
    rmdir /etc/capabilities 2>/dev/null
}

# As installed, or as somebody has made them?
are_settings_ours() {
    installed=$(sed -n "s/^# settings as installed: //p" "$ours")
    [ -n "$installed" ] && [ "$(sha256sum <"$settings")" = "$installed" ]
}

remove_settings() {
    if [ -e "$settings" ] && { [ "$purge" = yes ] || are_settings_ours; }; then
        rm -f "$settings"
    fi
    if [ "$purge" = yes ]; then
        rm -f "$uci_settings" /etc/netmonitor-old.tar.gz /etc/netmonitor-old-*.tar.gz
    fi
    for path in "$settings" "$uci_settings" /etc/netmonitor-old*.tar.gz; do
        [ -e "$path" ] && say "kept: $path (uninstall with --purge removes it)"
    done
}

main() {
    for argument in "$@"; do
        case $argument in
            --purge) purge=yes ;;
            --help | -h)
                usage
                exit 0
                ;;
            *)
                echo "uninstall.sh: unknown argument \"$argument\": see uninstall.sh --help" >&2
                exit 2
                ;;
        esac
    done
    [ "$(id -u)" = 0 ] || fail "only root may uninstall: log in as root"
    refuse_package
    if [ ! -e "$ours" ]; then
        if [ "$purge" = yes ]; then
            remove_settings
        fi
        say "netmonitor is not installed: there is no $ours"
        exit 0
    fi
    if [ -x "$service" ]; then
        "$service" stop >/dev/null 2>&1
        "$service" disable >/dev/null 2>&1
        wait_for_end
    fi
    remove_queue
    rm -f "$uci_in_ram" "$uci_in_ram.new"
    remove_files
    remove_settings
    rm -f "$ours" || fail "$ours could not be removed"
    sync
    say "netmonitor is removed."
}

main "$@"
