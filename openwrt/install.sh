#!/bin/sh
# Installs netmonitor on an OpenWrt or iStoreOS router, or brings it up to date.
#
#   ./install.sh [--yes]
#
# Run it as root in the folder that the bundle was unpacked to. It may be run again at any
# time: settings are kept, and what an interrupted run has left is mended. --yes asks nothing.
#
# In four parts: look (nothing is changed), stage (new files beside the old ones), switch (the
# new ones take their places, the old programs stop, the new one starts), verify (one request).
# What fails is undone, and said.
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
# Beside each file: the next one, and the one from before.
new=.netmonitor-new
kept=.netmonitor-kept
# What is of use to this run only.
scratch=/tmp/netmonitor-install
lock=/tmp/netmonitor-install.lock

# 5 MB under load, and as much again for its children and what they read.
ram_kb=10240
# Beside the program: the other files, and what a journal needs.
flash_reserve_kb=128
# To end, to start.
patience_seconds=10

ask=yes
# What there is to undo: nothing, staged, switched.
reached=nothing
old_is_off=no

# shellcheck source=openwrt/shell-version.sh
. "$here/shell-version.sh" || exit 1

say() {
    echo "$*"
}

warn() {
    echo "warning: $*" >&2
}

# A service's own words are of no use to anybody here; nor is it to hold our lock.
quiet() {
    "$@" >/dev/null 2>&1 9>&-
}

# Says what is wrong and what to do, takes back what was done, and ends.
fail() {
    echo "install.sh: $*" >&2
    # Nobody interrupts the undoing. Not "ignore", which every service started here would inherit.
    trap : HUP INT TERM
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
    ! grep -q '^overlayfs:/tmp/root ' /proc/mounts ||
        fail "the flash is not mounted: what is written now is gone after a reboot (failsafe mode? mount_root)"
    available=$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)
    [ "${available:-0}" -ge "$ram_kb" ] ||
        fail "${available:-0} kB of memory are available, $ram_kb kB are needed: stop something, or remove files from /tmp"
    if grep -qE ' /overlay (jffs2|ubifs) ' /proc/mounts; then
        # They compress, less than gzip does.
        needed=$(($(wc -c <"$here/bin/$target.gz") * 5 / 4 / 1024 + flash_reserve_kb))
    else
        needed=$(($(zcat "$here/bin/$target.gz" | wc -c) / 1024 + flash_reserve_kb))
    fi
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
    check_writable /etc "${program%/*}" "${uninstaller%/*}" /tmp
    # A run that was cut off has left them, and they take room.
    remove_leftovers
    check_room
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
    rm -f "$1$new" "$1$kept"
}

remove_leftovers() {
    each_file remove_staged
    remove_staged "$ours"
    # The only folder of ours; it stays if anything is in it.
    rmdir /etc/capabilities 2>/dev/null
    rm -rf "$scratch"
}

# Offers the lines that netifd knows, and writes the chosen one into the staged settings.
choose_line() {
    "$program$new" interfaces >"$scratch/lines" 2>/dev/null
    read -r wan proto device state <"$scratch/lines" || {
        warn "netifd knows no line to the internet: see WAN_IFACE and PPPOE_IFACE in $settings"
        return 0
    }
    if [ "$ask" = yes ]; then
        say "Lines to the internet:"
        sed 's/^/    /' "$scratch/lines"
        printf 'Which one shall be watched? [%s] ' "$wan"
        read -r answer || fail "nobody answers: --yes takes the first"
        if [ -n "$answer" ] && [ "$answer" != "$wan" ]; then
            awk -v name="$answer" '$1 == name' "$scratch/lines" >"$scratch/line"
            read -r wan proto device state <"$scratch/line" ||
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
    (umask 077 && mkdir "$scratch") || fail "$scratch cannot be made"
    each_file stage_file || fail "a file could not be written: is the flash full? (df -h /overlay)"
    "$program$new" --version >/dev/null 2>"$scratch/error" ||
        fail "the program does not run on this CPU ($arch): $(cat "$scratch/error")"
    if [ -e "$settings" ]; then
        say "settings are kept: $settings"
        rm "$settings$new"
        staged_settings=$settings
    else
        choose_line || fail "the settings could not be written"
        staged_settings=$settings$new
    fi
    if ! "$program$new" check-config --config "$staged_settings" >/dev/null 2>"$scratch/error"; then
        sed 's/^/    /' "$scratch/error" >&2
        fail "the settings are not good: mend these lines and start again"
    fi
    sed 's/^/    /' "$scratch/error" >&2
    # After a power cut a name must not lead to half a file.
    sync
}

# --- the program that is in place ------------------------------------------------------------

# Runs a subcommand with all the settings there are.
ask_program() {
    if [ -e "$uci_settings" ]; then
        "$program" "$1" --config "$settings" --config "$uci_settings"
    else
        "$program" "$1" --config "$settings"
    fi
}

# What it says of a setting.
setting() {
    ask_program check-config 2>/dev/null | sed -n "s/^$1=\"\([^\"]*\)\".*/\1/p"
}

is_healthy() {
    ask_program healthcheck >/dev/null 2>"$scratch/error"
}

# --- switch ----------------------------------------------------------------------------------

# Nobody listens on our port. By the kernel's table, since any answer may be another's.
is_port_free() {
    ! grep -qs ":$(printf %04X "$port") [0-9A-F]*:0000 0A " /proc/net/tcp /proc/net/tcp6
}

# A second name takes no room and cannot be cut off half way.
keep_file() {
    [ ! -e "$1" ] || ln "$1" "$1$kept" 2>/dev/null || cp -p "$1" "$1$kept"
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
        number=$(sed -n "s/^${word%:*}=//p" "$here/files$service")
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
    } >"$ours$new" && sync && mv "$ours$new" "$ours"
}

switch() {
    { each_file keep_file && keep_file "$ours"; } || fail "what is here could not be kept: is the flash full? (df -h /overlay)"
    was_enabled=no
    if [ -x "$service" ] && quiet "$service" enabled; then
        was_enabled=yes
    fi
    was_running=no
    if pidof "${program##*/}" >/dev/null; then
        was_running=yes
    fi
    if [ -n "$old$old_shared" ]; then
        save_old
    fi

    reached=switched
    list_ours || fail "$ours could not be written"
    # The one before is stopped by its own script, whose place ours takes.
    if [ -x "$service" ]; then
        quiet "$service" stop
    fi
    each_file put_in_place || fail "a file could not be put in place"
    sync
    quiet "$service" enable || fail "$service enable failed"
    # From here on there is something after a reboot, whatever happens to the old one.
    if [ -n "$old$old_shared" ]; then
        old_is_off=yes
        switch_old_off
    fi
    "$service" take >/dev/null 9>&- || fail "the settings are not good: mend these lines and start again"
    if [ "$(setting ENABLED)" != 0 ]; then
        port=$(setting API_PORT)
        wait_for is_port_free ||
            fail "another program holds port $port (netstat -ltnp): stop it, or choose another API_PORT in $settings"
    fi
    "$service" start 9>&- || fail "$service start failed: see logread -e netmonitor"
}

# --- verify ----------------------------------------------------------------------------------

verify() {
    state="is installed and answers"
    if [ "$(setting ENABLED)" = 0 ]; then
        state="is installed, and not started: ENABLED=0"
    elif ! wait_for is_healthy; then
        fail "the program was started and does not answer: $(cat "$scratch/error"); see logread -e netmonitor"
    fi
}

# What an older version has laid down and this one does not.
remove_orphans() {
    [ -e "$ours$kept" ] || return 0
    grep -v '^#' "$ours$kept" | grep -vxF -f "$ours" | while read -r path; do
        rm -f "$path"
    done
}

finish() {
    reached=nothing
    if [ -n "$old$old_shared" ]; then
        remove_old
    fi
    remove_orphans
    remove_leftovers
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

# Goes on after a file that resists: the others are worth having.
put_back() {
    if [ "$3" = settings ] && [ "$staged_settings" = "$settings" ]; then
        return 0
    fi
    if [ -e "$1$kept" ]; then
        mv "$1$kept" "$1"
    else
        rm -f "$1"
    fi || {
        warn "$1 could not be put back; what it was is in $1$kept"
        resisted=yes
    }
}

take_back() {
    was=$reached
    reached=nothing
    if [ "$was" = switched ]; then
        if [ -x "$service" ]; then
            quiet "$service" stop
            quiet "$service" disable
        fi
        resisted=no
        each_file put_back
        put_back "$ours" 644 ''
        if [ "$resisted" = no ]; then
            say "undone: the files are as they were" >&2
        fi
        if [ "$old_is_off" = yes ]; then
            bring_back_old
        elif [ -n "$old$old_shared" ]; then
            rm -f "$old_backup"
        fi
        if [ "$was_enabled" = yes ]; then
            quiet "$service" enable
        fi
        if [ "$was_running" = yes ]; then
            quiet "$service" start
            say "undone: the version from before was started again" >&2
        fi
        [ "$resisted" = no ] || return
    fi
    if [ "$was" != nothing ]; then
        remove_leftovers
        say "undone: nothing of this run is left" >&2
    fi
}

# Two at once would take each other's way back.
take_lock() {
    exec 9>"$lock"
    flock -n 9 || {
        echo "install.sh: it runs already" >&2
        exit 1
    }
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
    take_lock
    trap 'fail "interrupted"' HUP INT TERM
    look
    stage
    switch
    verify
    finish
    rm -f "$lock"
}

main "$@"
