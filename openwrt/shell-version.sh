# shellcheck shell=sh
# The shell version of netmonitor on a router: found, saved, switched off, removed, and switched
# on again if its successor does not run.
#
# Read by install.sh, which offers say, warn, fail, quiet, replace, $service and $new. It went by
# two names: services and programs of its own, and entries in files that others use, too.

old_names='netmonitor-listener|netmonitor-api'
# Only lines and blocks with these names are taken out of them.
old_shared_files='/etc/xinetd.conf /etc/services /etc/rc.local /etc/crontabs/root'

# Sets $old to the files of its own, $old_shared to those that it has entries in; one word each,
# since none of these names has a space. $old_enabled: the services that start with the router.
find_old() {
    old=''
    old_enabled=''
    for path in /etc/init.d/* /etc/rc.d/* /etc/xinetd.d/* /usr/bin/* /usr/sbin/*; do
        if echo "${path##*/}" | grep -qE "^([SK][0-9][0-9])?($old_names)"; then
            old="$old $path"
        fi
    done
    for path in $old; do
        case $path in
            /etc/rc.d/S*) old_enabled="$old_enabled /etc/init.d/${path#/etc/rc.d/S??}" ;;
        esac
    done
    # A service of our name that does not know our program can only be an older one.
    # shellcheck disable=SC2154 # of install.sh
    if [ -e "$service" ] && ! grep -q netmonitor-exporter "$service"; then
        old="$old $service"
    fi
    old_shared=''
    for path in $old_shared_files /etc/xinetd.d/*; do
        case " $old " in
            *" $path "*) continue ;;
        esac
        if grep -qsE "$old_names" "$path"; then
            old_shared="$old_shared $path"
        fi
    done
    if [ -n "$(old_socat_section)" ]; then
        old_shared="$old_shared /etc/config/socat"
    fi
    [ -n "$old$old_shared" ]
}

# The first section of /etc/config/socat that starts one of its programs. One at a time: those
# without a name are numbered anew when one goes.
old_socat_section() {
    [ -e /etc/config/socat ] || return 0
    uci -q show socat | grep -E "$old_names" | sed -n '1{s/^socat\.//;s/[.=].*//;p;}'
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
    # It holds files that only root may read.
    # shellcheck disable=SC2046,SC2086,SC2154 # one word each; $new is of install.sh
    if ! (umask 077 && cd / && tar -czf "$old_backup$new" $(printf '%s\n' $old $old_shared | cut -c 2-)) 2>/dev/null; then
        rm -f "$old_backup$new"
        fail "the shell version could not be saved to $old_backup: is the flash full? (df -h /overlay)"
    fi
    sync
    mv "$old_backup$new" "$old_backup"
    say "saved the shell version to $old_backup"
}

# Nothing of it runs from here on, now and after a reboot; its own files are still there.
switch_old_off() {
    for path in $old; do
        case $path in
            /etc/init.d/*)
                # One that is stopped already may call that a failure.
                quiet "$path" stop
                quiet "$path" disable
                ;;
        esac
    done
    left=100
    while [ "$left" -gt 0 ] && section=$(old_socat_section) && [ -n "$section" ]; do
        left=$((left - 1))
        uci -q delete "socat.$section" || break
        uci -q commit socat
    done
    for path in $old_shared; do
        case $path in
            /etc/config/socat) ;;
            /etc/xinetd*) replace "$path" without_old_blocks "$path" ;;
            /etc/rc.local) drop_from_rc_local ;;
            *) replace "$path" sed -E "/$old_names/d" "$path" ;;
        esac || fail "$path could not be changed: is the flash full? (df -h /overlay)"
    done
    restart_old_daemons
}

# Every line of it is run at boot: what is no script any more would cost all that follows.
drop_from_rc_local() {
    sed -E "/$old_names/d" /etc/rc.local >"/etc/rc.local$new" || return 1
    if sh -n "/etc/rc.local$new" 2>/dev/null; then
        rm -f "/etc/rc.local$new"
        replace /etc/rc.local sed -E "/$old_names/d" /etc/rc.local
    else
        rm -f "/etc/rc.local$new"
        warn "/etc/rc.local starts the shell version and was left alone: take these lines out of it"
        grep -nE "$old_names" /etc/rc.local | sed 's/^/    /' >&2
    fi
}

# Blocks `service … { … }` that name it, by whatever name they go.
without_old_blocks() {
    # shellcheck disable=SC2016
    awk -v names="$old_names" '
        $1 == "service" { inside = 1; block = "" }
        inside { block = block $0 "\n" }
        inside && /^[ \t]*}/ { if (block !~ names) printf "%s", block; inside = 0; next }
        !inside
        END { if (inside) printf "%s", block }' "$1"
}

remove_old() {
    for path in $old; do
        # Ours is there by now.
        [ "$path" = "$service" ] || rm -f "$path"
    done
    say "removed the shell version"
}

bring_back_old() {
    if ! (cd / && tar -xzf "$old_backup"); then
        warn "the shell version could not be brought back; do it by hand: tar -xzf $old_backup -C /"
        return
    fi
    restart_old_daemons
    for path in $old_enabled; do
        quiet "$path" start
    done
    rm -f "$old_backup"
    say "undone: the shell version is back" >&2
}

# Those that run and whose entries have changed.
restart_old_daemons() {
    for daemon in socat:socat xinetd:xinetd cron:crond; do
        case "$old $old_shared" in
            *"${daemon%:*}"*)
                if pidof "${daemon#*:}" >/dev/null && [ -x "/etc/init.d/${daemon%:*}" ]; then
                    quiet "/etc/init.d/${daemon%:*}" restart || warn "/etc/init.d/${daemon%:*} restart failed"
                fi
                ;;
        esac
    done
}
