# shellcheck shell=busybox
# The shell version of netmonitor on a router: what it has left, saved, removed, brought back.
#
# Read by install.sh, which offers say, warn, fail, replace and $new. It went by two names:
# init scripts and programs of their own, and entries in files that others use, too.

old_names='netmonitor-listener|netmonitor-api'
# Only lines and blocks with these names are taken out of them.
old_shared_files='/etc/xinetd.conf /etc/inetd.conf /etc/services /etc/rc.local /etc/crontabs/root'

# Sets $old to the files of its own, $old_shared to those that it has entries in; one word
# each, since none of these names has a space.
find_old() {
    old=''
    for path in /etc/init.d/* /etc/rc.d/* /etc/xinetd.d/* /usr/bin/* /usr/sbin/*; do
        if echo "${path##*/}" | grep -qE "^([SK][0-9][0-9])?($old_names)"; then
            old="$old $path"
        fi
    done
    old_shared=''
    for path in $old_shared_files; do
        if grep -qsE "$old_names" "$path"; then
            old_shared="$old_shared $path"
        fi
    done
    if [ -n "$(old_socat_sections)" ]; then
        old_shared="$old_shared /etc/config/socat"
    fi
    [ -n "$old$old_shared" ]
}

# Sections of /etc/config/socat that start one of its programs.
old_socat_sections() {
    [ -e /etc/config/socat ] || return 0
    uci -q show socat | grep -E "$old_names" | cut -d. -f2 | cut -d= -f1 | sort -u
}

# Sets $old_backup. What was there once is worth a look later, and is the way back.
save_old() {
    old_backup=/etc/netmonitor-old.tar.gz
    number=1
    # One of an interrupted run holds what this one does not see any more.
    while [ -e "$old_backup" ]; do
        number=$((number + 1))
        old_backup=/etc/netmonitor-old-$number.tar.gz
    done
    # shellcheck disable=SC2046,SC2086,SC2154 # one word each; $new is of install.sh
    if ! (cd / && tar -czf "$old_backup$new" $(printf '%s\n' $old $old_shared | cut -c 2-)) 2>/dev/null; then
        rm -f "$old_backup$new"
        fail "the shell version could not be saved to $old_backup: is the flash full? (df -h /overlay)"
    fi
    sync
    mv "$old_backup$new" "$old_backup"
    say "saved the shell version to $old_backup"
}

remove_old() {
    each_old_service stop
    each_old_service disable
    for section in $(old_socat_sections); do
        uci -q delete "socat.$section"
        uci -q commit socat
    done
    for path in $old_shared; do
        case $path in
            /etc/config/socat) ;;
            /etc/xinetd.conf) remove_old_blocks "$path" ;;
            *) replace "$path" sed -E "/$old_names/d" "$path" ;;
        esac || fail "$path could not be changed: is the flash full? (df -h /overlay)"
    done
    for path in $old; do
        # A service script goes after what it starts, so that a second run knows it still.
        rm -f "$path"
    done
    restart_old_daemons
    say "removed the shell version"
}

# `service netmonitor-api` up to the closing brace.
remove_old_blocks() {
    # shellcheck disable=SC2016
    replace "$1" awk -v names="^($old_names)" \
        '$1 == "service" && $2 ~ names { skip = 1 } !skip { print } /^[ \t]*}/ { skip = 0 }' "$1"
}

bring_back_old() {
    if ! (cd / && tar -xzf "$old_backup"); then
        warn "the shell version could not be brought back; do it by hand: tar -xzf $old_backup -C /"
        return
    fi
    restart_old_daemons
    each_old_service start
    rm -f "$old_backup"
    say "undone: the shell version is back" >&2
}

each_old_service() {
    for path in $old; do
        case $path in
            # What it says is of no use to anybody any more, and a service that is stopped
            # already may call that a failure.
            /etc/init.d/*) "$path" "$1" >/dev/null 2>&1 ;;
        esac
    done
}

# Those whose entries have changed.
restart_old_daemons() {
    for daemon in socat xinetd cron; do
        case "$old $old_shared" in
            *"$daemon"*)
                if [ -x "/etc/init.d/$daemon" ]; then
                    "/etc/init.d/$daemon" restart >/dev/null 2>&1 ||
                        warn "/etc/init.d/$daemon restart: exit code $?"
                fi
                ;;
        esac
    done
}
