# Stand-in for OpenWrt's: what scripts call of its reader of /etc/config. A package in the
# form of `uci export` is a script that calls `config`, `option` and `list`.

list_contains() {
	eval "case \" \$$1 \" in *\" \$2 \"*) return 0 ;; esac"
	return 1
}

append() {
	eval "$1=\"\${$1:+\$$1\${3:- }}\$2\""
}

reset_cb() {
	config_cb() { :; }
	option_cb() { :; }
	list_cb() { :; }
}
reset_cb

package() { :; }

config() {
	CONFIG_COUNT=$((CONFIG_COUNT + 1))
	CONFIG_SECTION=${2:-cfg$CONFIG_COUNT}
	append CONFIG_SECTIONS "$CONFIG_SECTION"
	config_set "$CONFIG_SECTION" TYPE "$1"
	config_cb "$1" "$CONFIG_SECTION"
}

option() {
	config_set "$CONFIG_SECTION" "$1" "$2"
	option_cb "$1" "$2"
}

list() {
	append "CONFIG_${CONFIG_SECTION}_$1" "$2"
	list_cb "$1" "$2"
}

config_set() {
	eval "CONFIG_$1_$2=\$3"
}

config_get() {
	eval "$1=\${CONFIG_$2_$3:-\$4}"
}

config_get_bool() {
	config_get "$@"
	eval "case \$$1 in
		1 | on | true | yes | enabled) $1=1 ;;
		0 | off | false | no | disabled) $1=0 ;;
		*) $1=\$4 ;;
	esac"
}

config_foreach() {
	local visit=$1 type=$2 section of
	shift 2
	# shellcheck disable=SC2153 # `append` sets it
	for section in $CONFIG_SECTIONS; do
		config_get of "$section" TYPE
		if [ -z "$type" ] || [ "$of" = "$type" ]; then
			"$visit" "$section" "$@"
		fi
	done
}

# The real one asks `uci export`, which says nothing and fails where there is no package.
config_load() {
	local variable
	for variable in $(set | sed -n 's/^\(CONFIG_[A-Za-z0-9_]*\)=.*/\1/p'); do
		unset "$variable"
	done
	[ -f "/etc/config/$1" ] || return 1
	# shellcheck disable=SC1090
	. "/etc/config/$1"
	# As the end of the last section is told.
	[ -z "$CONFIG_SECTION" ] || config_cb
}
