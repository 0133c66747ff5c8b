#!/bin/sh
# Installs netmonitor on an OpenWrt or iStoreOS router, or brings it up to date.
#
#   ./install.sh [--yes]
#
# Run it as root in the folder that the bundle was unpacked to. It may be run again at any
# time: settings are kept, and what an interrupted run has left is mended. --yes asks nothing.
#
# In four parts: look (nothing is changed), stage (new files beside the old ones), switch
# (old programs stop, new ones start), verify (one request). What fails is undone, and said.
set -u

here=$(cd "$(dirname "$0")" && pwd) || exit 1
settings=/etc/netmonitor.conf
# Settings of /etc/config/netmonitor, as the service writes them when it starts.
uci_settings=/var/run/netmonitor.conf
service=/etc/init.d/netmonitor
program=/usr/bin/netmonitor-exporter
uninstaller=/usr/sbin/netmonitor-uninstall
# What is ours on this router, for the uninstaller; and for sysupgrade, which keeps what stands
# here, so that netmonitor outlives a new firmware.
ours=/lib/upgrade/keep.d/netmonitor-installed
new=.netmonitor-new
# What ran before, in RAM.
undo=/tmp/netmonitor-undo

# 5 MB under load, and as much again for its children and what they read.
ram_kb=10240
# Beside the program: the other files, and what a journal needs.
flash_reserve_kb=128
# To end, to start.
patience_seconds=10

ask=yes
# What there is to undo: nothing, staged, switched.
reached=nothing

# shellcheck source=openwrt/shell-version.sh
. "$here/shell-version.sh" || exit 1

say() {
    echo "$*"
}

warn() {
    echo "warning: $*" >&2
}

# Says what is wrong and what to do, takes back what was done, and ends.
fail() {
    echo "install.sh: $*" >&2
    # Nobody interrupts the undoing.
    trap '' HUP INT TERM
    take_back
    exit 1
}

usage() {
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
}

confirm() {
    [ "$ask" = yes ] || return 0
    printf '%s. Go on? [Y/n] ' "$1"
    # The end of the input is no consent.
    read -r answer || answer=n
    case $answer in
        '' | [yY]*) ;;
        *) fail "stopped as you wished; nothing was changed" ;;
    esac
}

# Waits until the command is true, and says whether it was.
wait_for() {
    left=$patience_seconds
    until "$@"; do
        [ "$left" -gt 0 ] || return 1
        left=$((left - 1))
        sleep 1
    done
}

# Replaces a file by the output of a command, in one step.
replace() {
    replaced=$1
    shift
    # The copy has the owner and the mode.
    cp -p "$replaced" "$replaced$new" && "$@" >"$replaced$new" && mv "$replaced$new" "$replaced"
}

# Calls a function with path, mode and kind of everything that is laid down.
each_file() {
    while read -r path mode kind; do
        case $path in
            '' | '#'*) ;;
            *) "$@" "/$path" "$mode" "$kind" || return 1 ;;
        esac
    done <"$here/contents"
    "$@" "$uninstaller" 755 ''
}

# Runs a subcommand of the program with all the settings there are.
with_settings() {
    if [ -e "$uci_settings" ]; then
        "$1" "$3" --config "$2" --config "$uci_settings"
    else
        "$1" "$3" --config "$2"
    fi
}

# --- look ------------------------------------------------------------------------------------

find_release() {
    [ -r /etc/openwrt_release ] ||
        fail "this is no OpenWrt or iStoreOS: there is no /etc/openwrt_release"
    # A file of assignments, which OpenWrt's own scripts read in the same way.
    # shellcheck source=/dev/null
    release=$(. /etc/openwrt_release && echo "$DISTRIB_RELEASE")
    # shellcheck source=/dev/null
    arch=$(. /etc/openwrt_release && echo "$DISTRIB_ARCH")
    case $release in
        1[0-9].*) fail "OpenWrt $release is too old: the service needs the procd of 21.02 or later" ;;
    esac
}

find_target() {
    target=$(awk -v arch="$arch" '$1 == arch { print $2; exit }' "$here/architectures")
    case $target in
        '') fail "architecture \"$arch\" is not known: see \"Other CPUs\" in docs/openwrt.md" ;;
        refused) fail "there is no program for $arch: $(awk -v arch="$arch" \
            '$1 == arch { sub(/^[^ ]+ +refused +/, ""); print; exit }' "$here/architectures")" ;;
    esac
    [ -r "$here/bin/$target.gz" ] ||
        fail "this bundle has no program for $arch ($target): take one that has it"
    (cd "$here/bin" && grep " $target.gz\$" SHA256SUMS | sha256sum -c) >/dev/null 2>&1 ||
        fail "bin/$target.gz is damaged: copy the bundle to the router again"
}

# Its files belong to the package manager, which would undo ours.
refuse_package() {
    for manager in /usr/lib/opkg/info/netmonitor-exporter.control:'opkg remove' \
        /lib/apk/packages/netmonitor-exporter.list:'apk del'; do
        [ ! -e "${manager%%:*}" ] ||
            fail "netmonitor-exporter is installed as a package: bring that up to date, or run \"${manager#*:} netmonitor-exporter\" first (settings are kept)"
    done
}

check_room() {
    available=$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)
    [ "${available:-0}" -ge "$ram_kb" ] ||
        fail "${available:-0} kB of memory are available, $ram_kb kB are needed: stop something, or remove files from /tmp"
    needed=$(($(zcat "$here/bin/$target.gz" | wc -c) / 1024 + flash_reserve_kb))
    # Counted from the end: a long device name has a line of its own.
    free=$(df -k "${program%/*}" | awk 'END { print $(NF - 2) }')
    case $free in
        '' | *[!0-9]*) warn "df does not say how much flash is free; $needed kB are needed" ;;
        *) [ "$free" -ge "$needed" ] ||
            fail "$free kB of flash are free, $needed kB are needed: remove packages that you do not use (df -h /overlay)" ;;
    esac
}

# Root's right to write says nothing about a file system that is read-only.
check_writable() {
    for folder in "$@"; do
        (: >"$folder/$new") 2>/dev/null ||
            fail "$folder cannot be written: its file system is full or read-only (df -h, mount)"
        rm -f "$folder/$new"
    done
}

look() {
    [ "$(id -u)" = 0 ] || fail "only root may install: log in as root"
    for name in architectures contents bin/SHA256SUMS files uninstall.sh; do
        [ -e "$here/$name" ] || fail "$here/$name is missing: unpack the whole bundle"
    done
    find_release
    find_target
    refuse_package
    check_room
    check_writable /etc "${program%/*}" "${uninstaller%/*}" /tmp
    say "OpenWrt $release for $arch: the program for $target fits"
    if find_old; then
        say "The shell version is here:"
        # shellcheck disable=SC2086
        printf '    %s\n' $old $old_shared
        confirm "It will be saved to /etc, stopped and removed"
    fi
}

# --- stage -----------------------------------------------------------------------------------

stage_file() {
    mkdir -p "${1%/*}" || return 1
    case $1 in
        "$program") zcat "$here/bin/$target.gz" ;;
        "$uninstaller") cat "$here/uninstall.sh" ;;
        *) cat "$here/files$1" ;;
    esac >"$1$new" && chmod "$2" "$1$new"
}

remove_staged() {
    rm -f "$1$new"
}

# Offers the lines that netifd knows, and writes the chosen one into the staged settings.
choose_line() {
    "$program$new" interfaces >"$undo/lines" 2>/dev/null
    read -r wan proto device state <"$undo/lines" || {
        warn "netifd knows no line to the internet: see WAN_IFACE and PPPOE_IFACE in $settings"
        return 0
    }
    if [ "$ask" = yes ]; then
        say "Lines to the internet:"
        sed 's/^/    /' "$undo/lines"
        printf 'Which one shall be watched? [%s] ' "$wan"
        read -r answer || answer=''
        if [ -n "$answer" ] && [ "$answer" != "$wan" ]; then
            awk -v name="$answer" '$1 == name' "$undo/lines" >"$undo/line"
            read -r wan proto device state <"$undo/line" ||
                fail "\"$answer\" is none of these: start again, or write it into $settings later"
        fi
    fi
    say "watching $wan ($proto on $device, $state)"
    [ "$proto" = pppoe ] || device=''
    sed -e "s/^WAN_IFACE=.*/WAN_IFACE=\"$wan\"/" -e "s/^PPPOE_IFACE=.*/PPPOE_IFACE=\"$device\"/" \
        "$here/files$settings" >"$settings$new"
}

stage() {
    reached=staged
    rm -rf "$undo"
    mkdir "$undo" || fail "$undo cannot be made"
    each_file stage_file || fail "a file could not be written: is the flash full? (df -h /overlay)"
    "$program$new" --version >/dev/null 2>"$undo/error" ||
        fail "the program does not run on this CPU ($arch): $(cat "$undo/error")"
    if [ -e "$settings" ]; then
        say "settings are kept: $settings"
        rm "$settings$new"
        staged_settings=$settings
    else
        choose_line || fail "the settings could not be written"
        staged_settings=$settings$new
    fi
    if ! with_settings "$program$new" "$staged_settings" check-config >"$undo/settings" 2>"$undo/error"; then
        sed 's/^/    /' "$undo/error" >&2
        fail "the settings are not good: mend these lines and start again"
    fi
    sed 's/^/    /' "$undo/error" >&2
    # After a power cut a name must not lead to half a file.
    sync
}

# --- switch ----------------------------------------------------------------------------------

# Nobody listens on our port. By the kernel's table, since any answer may be another's.
is_port_free() {
    ! grep -qs ":$(printf %04X "$port") [0-9A-F]*:0000 0A " /proc/net/tcp /proc/net/tcp6
}

save_file() {
    [ ! -e "$1" ] || { mkdir -p "$undo/files${1%/*}" && cp -p "$1" "$undo/files$1"; }
}

put_in_place() {
    [ ! -e "$1$new" ] || mv "$1$new" "$1"
}

# Settings have a list of their own, which the package has, too.
name_file() {
    [ "$3" = settings ] || echo "$1"
}

# What "enable" will make.
name_links() {
    for word in START:S STOP:K; do
        number=$(sed -n "s/^${word%:*}=//p" "$service$new")
        echo "/etc/rc.d/${word#*:}$number${service##*/}"
    done
}

# Before anything else changes: whatever is cut off from here on, the uninstaller knows of it.
list_ours() {
    {
        echo "# Laid down by netmonitor's install.sh; sysupgrade keeps it, ${uninstaller##*/} removes it."
        if [ -e "$settings$new" ]; then
            echo "# settings as installed: $(sha256sum <"$settings$new")"
        else
            grep -s '^# settings as installed: ' "$ours"
        fi
        each_file name_file
        name_links
        echo "$ours"
    } >"$ours$new" && mv "$ours$new" "$ours"
}

switch() {
    { each_file save_file && save_file "$ours"; } || fail "/tmp has no room for a copy of what runs now"
    was_running=no
    if with_settings "$program$new" "$staged_settings" healthcheck >/dev/null 2>&1; then
        was_running=yes
    fi
    if [ -n "$old$old_shared" ]; then
        save_old
    fi

    reached=switched
    list_ours || fail "$ours could not be written"
    if [ -x "$service" ]; then
        "$service" stop >/dev/null 2>&1
    fi
    if [ -n "$old$old_shared" ]; then
        remove_old
    fi
    port=$(sed -n 's/^API_PORT="\([0-9]*\)".*/\1/p' "$undo/settings")
    wait_for is_port_free ||
        fail "another program holds port $port (netstat -ltnp): stop it, or choose another API_PORT in $settings"
    each_file put_in_place || fail "a file could not be put in place"
    sync
    "$service" enable || fail "$service enable failed"
    "$service" start || fail "$service start failed: see logread -e netmonitor"
}

# --- verify ----------------------------------------------------------------------------------

# What the program says of a setting.
setting() {
    with_settings "$program" "$settings" check-config 2>/dev/null | sed -n "s/^$1=\"\([^\"]*\)\".*/\1/p"
}

is_healthy() {
    with_settings "$program" "$settings" healthcheck >/dev/null 2>"$undo/error"
}

verify() {
    state="is installed and answers"
    if [ "$(setting ENABLED)" = 0 ]; then
        state="is installed, and not started: ENABLED=0"
    elif ! wait_for is_healthy; then
        fail "the program was started and does not answer: $(cat "$undo/error"); see logread -e netmonitor"
    fi
}

finish() {
    reached=nothing
    rm -rf "$undo"
    # One address or several, with or without the length of its network.
    host=$(uci -q get network.lan.ipaddr | sed 's|[ /].*||')
    address=${host:-router}:$(setting API_PORT)
    say "$("$program" --version) $state."
    say "    look:       http://$address/"
    say "    JSON:       http://$address/net/status"
    say "    Prometheus: static_configs: [{targets: [\"$address\"]}]"
    if [ -n "$(setting TOKEN)$(setting TOKEN_FILE)" ]; then
        say "    requests need the token of the settings"
    fi
    say "    settings:   $settings, then $service reload"
    say "    trouble:    netmonitor-exporter doctor"
    say "    remove:     ${uninstaller##*/}"
}

# --- undo ------------------------------------------------------------------------------------

put_back() {
    if [ -e "$undo/files$1" ]; then
        cp -p "$undo/files$1" "$1$new" && mv "$1$new" "$1"
    else
        rm -f "$1"
    fi
}

take_back() {
    was=$reached
    reached=nothing
    if [ "$was" = switched ] && [ -x "$service" ]; then
        "$service" stop >/dev/null 2>&1
        "$service" disable >/dev/null 2>&1
    fi
    if [ "$was" = switched ]; then
        each_file put_back
        put_back "$ours"
        say "undone: the files are as they were" >&2
        if [ -n "$old$old_shared" ]; then
            bring_back_old
        fi
        if [ "$was_running" = yes ]; then
            "$service" enable
            "$service" start
            say "undone: the version from before runs again" >&2
        fi
    fi
    if [ "$was" != nothing ]; then
        each_file remove_staged
        rm -rf "$undo" "$ours$new"
        # The only folder of ours, unless another package has a file there.
        rmdir /etc/capabilities 2>/dev/null
        say "undone: nothing of this run is left" >&2
    fi
}

main() {
    for argument in "$@"; do
        case $argument in
            --yes | -y) ask=no ;;
            --help | -h)
                usage
                exit 0
                ;;
            *)
                echo "install.sh: unknown argument \"$argument\": see install.sh --help" >&2
                exit 2
                ;;
        esac
    done
    trap 'fail "interrupted"' HUP INT TERM
    look
    stage
    switch
    verify
    finish
}

main "$@"
