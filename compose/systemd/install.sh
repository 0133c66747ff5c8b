#!/bin/sh
# Installs netmonitor's bridge or exporter as a service of systemd, or brings it up to date.
#
#   install.sh bridge|exporter [PROGRAM] [--router ADDRESS] [--old FOLDER]
#
#   PROGRAM           the program; else the one that `make build` made
#   --router ADDRESS  of the router that the bridge asks, for the first settings; also ROUTER_IP
#   --old FOLDER      where the old Flask client ran; else the current folder is looked at
#   DESTDIR=FOLDER    in the environment: files are put below it, and no service is touched
#
# As root. It may be run again at any time: settings are kept, and the service is restarted only
# if something changed.
set -u

here=$(cd "$(dirname "$0")" && pwd) || exit 1
destdir=${DESTDIR-}
router=${ROUTER_IP-}
# The old client's folder; whether somebody named it.
old=.
is_old_named=no
changed=no
# To start and to open the database.
patience_seconds=20
# The first poll comes at once; a router that is busy takes some tries.
poll_patience_seconds=30

# shellcheck source=compose/systemd/layout.sh
. "$here/layout.sh" || exit 1

is_terminal() {
    [ -t 0 ] && [ -t 1 ]
}

# Waits until the command is true, and says whether it was.
wait_for() {
    left=$1
    shift
    until "$@"; do
        [ "$left" -gt 0 ] || return 1
        left=$((left - 1))
        sleep 1
    done
}

# --- look ------------------------------------------------------------------------------------

find_program() {
    if [ -z "$given_program" ]; then
        given_program=$here/../../target/release/$name
        [ -e "$given_program" ] || given_program=$here/$name
        [ -e "$given_program" ] ||
            fail "$name is not built: run \"make build\" first, or name the program: install.sh $part PROGRAM"
    fi
    [ -f "$given_program" ] || fail "$given_program: there is no such file"
    # A packager's program may be for another CPU.
    [ -z "$destdir" ] || return 0
    [ -x "$given_program" ] || fail "$given_program is not executable: chmod +x $given_program"
    version=$("$given_program" --version 2>&1) ||
        fail "$given_program does not run on this computer: $version"
    case $version in
        "$name "*) ;;
        *) fail "$given_program is \"$version\", and not $name" ;;
    esac
}

ask_for_router() {
    if [ -z "$router" ] && is_terminal; then
        printf 'Address of your router, for example 192.168.1.1: '
        read -r router
    fi
    case $router in
        '')
            # Somebody will write them.
            [ -n "$destdir" ] ||
                fail "which router? install.sh bridge --router 192.168.1.1, or ROUTER_IP=192.168.1.1 (several: write ROUTERS_FILE=… into $settings first)"
            ;;
        *[!A-Za-z0-9.:_-]*) fail "--router \"$router\": expected an address or a name" ;;
    esac
}

# --- lay down --------------------------------------------------------------------------------

is_same() {
    [ -e "$1" ] && cmp -s "$1" "$3" && [ "$(stat -c %a "$1")" = "$2" ]
}

# In one step: what runs keeps its file, and a cut off copy takes nobody's place.
lay_down() {
    placed=$destdir$1
    if is_same "$placed" "$2" "$3"; then
        return 0
    fi
    if ! { mkdir -p "${placed%/*}" && cp "$3" "$placed.new" && chmod "$2" "$placed.new" &&
        mv "$placed.new" "$placed"; }; then
        rm -f "$placed.new"
        fail "$placed could not be written: is the disk full or read-only? (df -h, mount)"
    fi
    changed=yes
}

lay_down_all_but_program() {
    [ "$1" = "$program" ] || lay_down "$@"
}

# The device of the default route, if PPPoE made it; a router's is called pppoe-wan, as in the
# settings.
ppp_device() {
    [ -n "$destdir" ] || awk '$2 == "00000000" && $1 ~ /^ppp/ { print $1; exit }' /proc/net/route
}

# The first ones; nobody's are ever written over.
print_settings() {
    case $part in
        bridge) sed ${router:+-e "s/^# ROUTER_IP=\$/ROUTER_IP=$router/"} -e '' "$here/bridge.env" ;;
        exporter)
            # Those of a router, but for how a service is reloaded, and RAM that is its own.
            ppp=$(ppp_device)
            sed ${ppp:+-e "s/^PPPOE_IFACE=.*/PPPOE_IFACE=\"$ppp\"/"} -e "s|/etc/init.d/netmonitor reload.*|systemctl reload $name.|" \
                -e 's/^# file, win over this one\. /# /' \
                -e 's/^# File that keeps the events.*/# File that keeps the events over a restart, in RAM: it is written often./' \
                -e "s|^# QUEUE_FILE=.*|QUEUE_FILE=\"$data/events.json\"|" \
                "$here/../../openwrt/files/etc/netmonitor.conf"
            ;;
    esac
}

lay_down_settings() {
    placed=$destdir$settings
    if [ -e "$placed" ]; then
        say "settings are kept: $placed"
        [ -z "$router" ] || say "(--router and ROUTER_IP are for the first ones only)"
        return 0
    fi
    [ "$part" = exporter ] || ask_for_router
    folder=${placed%/*}
    if [ "$part" = bridge ] && [ ! -d "$folder" ]; then
        { mkdir -p "$folder" && chmod 750 "$folder"; } || fail "$folder could not be made"
    fi
    mkdir -p "$folder"
    # Tokens will stand in it.
    if ! { (umask 077 && print_settings >"$placed.new") && chmod 640 "$placed.new" &&
        mv "$placed.new" "$placed"; }; then
        rm -f "$placed.new"
        fail "$placed could not be written: is the disk full or read-only? (df -h, mount)"
    fi
}

make_user() {
    systemd-sysusers "/etc/sysusers.d/$name.conf" || fail "user $user could not be made"
    # For root and the service only.
    chgrp "$user" "$settings" || fail "$settings could not be given to group $user"
    [ "$part" = exporter ] || chgrp "$user" "${settings%/*}"
}

# With the new program, before the old one is touched.
check_settings() {
    case $part in
        bridge)
            NETMONITOR_PROGRAM=$(realpath "$given_program") netmonitor_ctl check-settings >/dev/null
            ;;
        exporter) "$given_program" check-config --config "$settings" >/dev/null ;;
    esac || fail "the settings are not good, and nothing was started: mend $settings and start again"
}

netmonitor_ctl() {
    /usr/local/bin/netmonitor-bridge-ctl "$@"
}

# --- start -----------------------------------------------------------------------------------

is_healthy() {
    case $part in
        bridge) netmonitor_ctl healthcheck ;;
        exporter) "$program" healthcheck ;;
    esac >/dev/null 2>&1
}

# What has ended waits to be started again, and will end again.
is_healthy_or_ended() {
    is_healthy || [ "$(systemctl show --value --property SubState "$service")" = auto-restart ]
}

# What the program takes a setting for.
setting() {
    "$program" check-config 2>/dev/null | sed -n "s/^$1=\"\([^\"]*\)\".*/\1/p"
}

show_log() {
    say "The last lines of its log:" >&2
    journalctl --unit "$service" --lines 15 --no-pager --output cat 2>&1 | sed 's/^/    /' >&2
}

start() {
    systemctl daemon-reload || fail "systemctl daemon-reload failed: see journalctl -b"
    systemctl --quiet enable "$service" || fail "$service could not be enabled"
    if ! systemctl --quiet is-active "$service"; then
        action=start
    elif [ "$changed" = yes ]; then
        action=restart
    else
        say "$service runs, and nothing has changed"
        return 0
    fi
    systemctl "$action" "$service" || {
        show_log
        fail "$service could not be started: mend what the log says, then run this again"
    }
}

verify() {
    if [ "$part" = exporter ] && [ "$(setting ENABLED)" = 0 ]; then
        say "$name is installed, and does nothing: ENABLED=0"
        exit 0
    fi
    wait_for "$patience_seconds" is_healthy_or_ended
    is_healthy && return
    show_log
    fail "$service was started and does not answer: mend what the log says (a port in use? another in $settings), then systemctl restart $service"
}

# What bridge.env says; $2: the default.
env_setting() {
    value=$(netmonitor_ctl setting "$1")
    say "${value:-$2}"
}

tell_bridge() {
    port=$(env_setting BRIDGE_PORT "$(env_setting FLASK_PORT 5000)")
    say "$version answers."
    case $(env_setting BRIDGE_HOST "$(env_setting FLASK_HOST 0.0.0.0)") in
        127.*) say "    look:     http://localhost:$port/ (BRIDGE_HOST: this computer only)" ;;
        *) say "    look:     http://$(uname -n):$port/, here http://localhost:$port/" ;;
    esac
    say "    settings: $settings, then systemctl restart $name"
    say "    database: $(env_setting SQLITE_DB "$data/netmonitor.db")"
    say "    by hand:  netmonitor-bridge-ctl check (backup, restore, import-legacy)"
}

tell_exporter() {
    port=$(setting API_PORT)
    say "$version answers."
    say "    look:     http://$(uname -n):$port/, here http://localhost:$port/"
    say "    settings: $settings, then systemctl reload $name"
    say "    trouble:  $name doctor"
    case $(setting QUEUE_FILE) in
        /tmp/*) say "    QUEUE_FILE is in /tmp, which the service has to itself and loses when it stops: set it to $data/events.json" ;;
    esac
}

tell() {
    "tell_$part"
    say "    log:      journalctl -u $name"
    say "    remove:   $here/uninstall.sh $part"
}

# --- the old client --------------------------------------------------------------------------

# The bridge itself knows such a file: `check` refuses it with what to do.
is_old_database() {
    [ -f "$1" ] && "$given_program" check --sqlite-db "$1" 2>&1 | grep -q 'run `netmonitor-bridge import-legacy'
}

# Sets old_database, if there is one.
find_old() {
    old_database=''
    for file in "$old/data/netmonitor.db" "$old/netmonitor.db"; do
        if is_old_database "$file"; then
            old_database=$(realpath "$file")
            return
        fi
    done
    [ "$is_old_named" = no ] ||
        fail "--old $old: neither data/netmonitor.db nor netmonitor.db in it is a database of the old client"
}

has_polled() {
    samples=$(netmonitor_ctl check 2>/dev/null | awk '$1 == "samples" { print $2 }')
    [ "${samples:-0}" -gt 0 ]
}

# For a shell, whatever a folder is called.
quoted() {
    printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"
}

offer_import() {
    [ -n "$old_database" ] || return 0
    say "The database of the old Flask client is here: $old_database"
    say "It is left as it is. Stop the old client; then this takes its history over:"
    which=''
    [ -z "$(env_setting ROUTERS_FILE '')" ] || which=' --router NAME'
    say "    netmonitor-bridge-ctl import-legacy $(quoted "$old_database")$which"
    say "(--zone Europe/Berlin, if the old client's clock was not that of this computer)"
    if [ -d "$old/logs" ]; then
        say "No longer used: $(realpath "$old/logs"); the log is journalctl -u $name"
    fi
    if [ -n "$which" ] || ! is_terminal; then
        return 0
    fi
    printf 'Do it now? [y/N] '
    read -r answer || answer=n
    case $answer in
        [yY]*) ;;
        *) return 0 ;;
    esac
    # What the router itself still tells is then not stored a second time.
    wait_for "$poll_patience_seconds" has_polled ||
        fail "the router has not answered yet: run that command when http://localhost:$port/ shows it"
    netmonitor_ctl import-legacy "$old_database" || fail "not all was taken over; the command may be run again"
}

# --- main ------------------------------------------------------------------------------------

parse() {
    given_program=''
    chosen=''
    while [ $# -gt 0 ]; do
        case $1 in
            --help | -h)
                usage
                exit 0
                ;;
            --router | --old)
                [ $# -gt 1 ] || misused "$1 lacks its value"
                case $1 in
                    --router) router=$2 ;;
                    --old)
                        old=$2
                        is_old_named=yes
                        ;;
                esac
                shift
                ;;
            -*) misused "unknown argument \"$1\"" ;;
            *)
                if [ -z "$chosen" ]; then
                    chosen=$1
                elif [ -z "$given_program" ]; then
                    given_program=$1
                else
                    misused "one argument too many: \"$1\""
                fi
                ;;
        esac
        shift
    done
    case $chosen in
        bridge | exporter) choose "$chosen" ;;
        '') misused "what is to be installed? bridge or exporter" ;;
        *) misused "unknown word \"$chosen\", expected bridge or exporter" ;;
    esac
}

main() {
    parse "$@"
    umask 022
    if [ -n "$destdir" ]; then
        find_program
        lay_down_settings
        each_file lay_down || exit 1
        say "$name is in $destdir"
        exit 0
    fi
    need_system "$@"
    find_program
    [ "$part" = exporter ] || find_old
    lay_down_settings
    each_file lay_down_all_but_program || exit 1
    make_user
    check_settings
    lay_down "$program" 755 "$given_program"
    start
    verify
    tell
    [ "$part" = exporter ] || offer_import
}

main "$@"
