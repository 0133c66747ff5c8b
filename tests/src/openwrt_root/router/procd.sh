# Stand-in for procd and its shell functions: writes down what it is asked, one call a line,
# and starts, signals and stops programs. It starts none again that ends by itself.
#
# Of a service there is in /.test/procd/NAME/INSTANCE/: `wanted` (its parameters), `pid`,
# `output`; and `stopping` instead of `pid` from SIGTERM on.

_busybox=/.test/busybox
_procd=/.test/procd

_asked() {
	local line=$1 word
	shift
	for word; do
		case $word in
			'' | *[!A-Za-z0-9_/.,:=@%+-]*) line="$line '$word'" ;;
			*) line="$line $word" ;;
		esac
	done
	printf '%s\n' "$line" >>/.test/asked
}

procd_lock() { :; }

procd_open_service() {
	_asked open_service "$@"
	_service=$1
	_instances=
}

procd_open_instance() {
	_asked open_instance "$@"
	_instance=${1:-instance1}
	_command='' _term_timeout=5 _respawn=''
	rm -rf "$_procd/new"
	mkdir -p "$_procd/new"
}

procd_set_param() {
	local type=$1 word
	_asked set_param "$@"
	case $type in
		command | env | data | limits | netdev | file | respawn | watch | watchdog | error) ;;
		nice | term_timeout | reload_signal | pidfile | user | group | seccomp | capabilities) ;;
		facility | stdout | stderr | no_new_privs | extroot | overlaydir | tmpoverlaysize) ;;
		*) echo "procd_set_param: unknown type $type" >&2 ;;
	esac
	shift
	case $type in
		command)
			for word; do
				printf '%s\n' "$word"
			done >"$_procd/new/command"
			;;
		env)
			for word; do
				printf '%s\n' "$word"
			done >"$_procd/new/env"
			;;
		term_timeout) echo "$1" >"$_procd/new/term_timeout" ;;
	esac
	printf '%s' "$type $*" >>"$_procd/new/wanted"
}

procd_append_param() { procd_set_param "$@"; }
procd_add_jail() { _asked add_jail "$@"; }
procd_add_jail_mount() { _asked add_jail_mount "$@"; }
procd_add_jail_mount_rw() { _asked add_jail_mount_rw "$@"; }
procd_add_reload_trigger() { _asked reload_trigger "$@"; }
procd_add_interface_trigger() { _asked interface_trigger "$@"; }
procd_add_reload_interface_trigger() { _asked reload_interface_trigger "$@"; }

procd_close_instance() {
	_asked close_instance
	_instances="$_instances $_instance"
	local place=$_procd/$_service/$_instance
	mkdir -p "$place"
	rm -rf "$place/new"
	mv "$_procd/new" "$place/new"
}

# Like procd: what runs as it is wanted is left alone, what is not wanted any more is ended.
procd_close_service() {
	_asked close_service "$@"
	service_triggers
	local place
	mkdir -p "$_procd/$_service"
	for place in "$_procd/$_service"/*; do
		[ -d "$place" ] || continue
		list_contains _instances "${place##*/}" || _end "$place"
	done
	for place in $_instances; do
		place=$_procd/$_service/$place
		if _runs "$place" && cmp -s "$place/wanted" "$place/new/wanted"; then
			rm -r "$place/new"
			continue
		fi
		_end "$place"
		mv "$place/new"/* "$place"
		rmdir "$place/new"
		_begin "$place"
	done
	_service=
}

_runs() {
	[ -s "$1/pid" ] && kill -0 "$(cat "$1/pid")" 2>/dev/null
}

# Sends SIGTERM and does not wait.
_end() {
	[ -s "$1/pid" ] || return 0
	kill "$(cat "$1/pid")" 2>/dev/null
	mv "$1/pid" "$1/stopping"
}

# Only when its predecessor is gone, which gets SIGKILL when it takes too long.
_begin() {
	local place=$1 old left word
	if [ -s "$place/stopping" ]; then
		old=$(cat "$place/stopping")
		left=$(($(cat "$place/term_timeout" 2>/dev/null || echo 5) * 20))
		while kill -0 "$old" 2>/dev/null; do
			[ "$left" -gt 0 ] || kill -9 "$old"
			left=$((left - 1))
			$_busybox sleep 0.05
		done
		rm "$place/stopping"
	fi
	set --
	while read -r word; do
		set -- "$@" "$word"
	done <"$place/command"
	[ ! -f "$place/env" ] || while read -r word; do
		export "${word?}"
	done <"$place/env"
	(
		trap - TERM
		# shellcheck disable=SC2016 # for that shell
		$_busybox setsid "$_busybox" sh -c 'echo $$ >"$0/pid.new"; mv "$0/pid.new" "$0/pid"; exec "$@"' \
			"$place" "$@" </dev/null >>"$place/output" 2>&1 &
	)
	while [ ! -s "$place/pid" ]; do
		$_busybox sleep 0.02
	done
}

_places() {
	local instance=${2:-*}
	# shellcheck disable=SC2086 # a pattern
	ls -d "$_procd/$1"/$instance 2>/dev/null
}

procd_running() {
	local place
	for place in $(_places "$1" "$2"); do
		! _runs "$place" || return 0
	done
	return 1
}

procd_kill() {
	local place
	_asked kill "$@"
	for place in $(_places "$1" "$2"); do
		_end "$place"
	done
}

procd_send_signal() {
	local place
	_asked signal "$@"
	for place in $(_places "$1" "$2"); do
		! _runs "$place" || kill -s "${3:-HUP}" "$(cat "$place/pid")"
	done
}
