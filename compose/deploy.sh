#!/bin/sh
# netmonitor's containers: ./deploy.sh sets them up and starts them, and may be run again at any
# time. POSIX sh and curl's absence in mind: a NAS has little more than the engine.
set -eu

usage() {
  cat <<'TEXT'
usage: ./deploy.sh [COMMAND]

  (none)      settings if there are none, images, a look at the router, start
  config      asks for the router, writes .env and passwords [--router ADDRESS] [--tls] [--demo]
  check       asks each router, and says what is wrong if one does not answer
  start       takes over what was changed in .env, waits until all is well
  stop        ends the containers; nothing is lost
  restart     stop and start
  status      state, memory, addresses, routers
  logs        the newest lines, and those that come [SERVICE ...]
  backup      everything into ./backups [FOLDER]
  restore     puts a backup in the place of what is there: FOLDER [--yes]
  upgrade     a backup, new images, start [--no-pull: with the images that are here]
  import-legacy
              takes over the old Flask client's database: FILE [--router NAME] [--zone ZONE]
  uninstall   removes the containers; data too with --data [--yes]
TEXT
}

say() {
  echo "deploy: $*" >&2
}

die() { # MESSAGE [CODE]
  say "$1"
  exit "${2:-1}"
}

takes_no_more() { # COMMAND [WORD ...]
  [ $# -eq 1 ] || die "$1: \"$2\" is not known; see ./deploy.sh help" 2
}

# With CDPATH, `cd` may go elsewhere, and says where.
unset CDPATH
script=$0
[ ! -L "$script" ] || script=$(readlink -f "$script")
here=$(cd "$(dirname "$script")" && pwd)
called_from=$PWD
cd "$here"

# Containers run as users of their own, who must be able to read what is made here; what nobody
# else is to read is shut off where it is made.
umask 022

oldest_engine=20.10
oldest_compose=2.20
# The first start of all, on a slow disk; with images at hand it takes half a minute.
patience_seconds=180

# --- Engine ---

# is_older VERSION THAN: by its first two numbers.
is_older() {
  awk -v a="${1#v}" -v b="$2" 'BEGIN {
    split(a, x, "[.]"); split(b, y, "[.]")
    exit !(x[1] + 0 < y[1] + 0 || (x[1] + 0 == y[1] + 0 && x[2] + 0 < y[2] + 0))
  }'
}

# Sets $compose_command; everything that is missing is said before anything is changed.
check_engine() {
  command -v docker >/dev/null 2>&1 \
    || die "docker: there is no such program. Install Docker Engine $oldest_engine or later (Debian: apt-get install docker.io; a NAS: its package centre)"
  # Without what it warns of, such as settings of another user's that sudo cannot read.
  if ! engine=$(docker version --format '{{.Server.Version}}' 2>/dev/null); then
    cause=$(docker version --format '{{.Server.Version}}' 2>&1 || true)
    case $cause in
      *'permission denied'*)
        die "no permission to use the Docker engine. Run this with sudo, or join the group that may: sudo usermod -aG docker $(id -un), then log in again"
        ;;
    esac
    die "the Docker engine does not answer. Start it (sudo systemctl start docker), and try again. It says: $cause"
  fi
  ! is_older "$engine" "$oldest_engine" \
    || die "Docker Engine $engine is too old: $oldest_engine or later is needed"
  if compose_version=$(docker compose version --short 2>/dev/null); then
    compose_command='docker compose'
  elif compose_version=$(docker-compose version --short 2>/dev/null); then
    compose_command=docker-compose
  else
    die "Docker Compose is missing. Install its plugin, version $oldest_compose or later (the package is called docker-compose-plugin, docker-compose-v2, or from Debian 13 on docker-compose)"
  fi
  ! is_older "$compose_version" "$oldest_compose" \
    || die "Docker Compose $compose_version is too old (the one written in Python, 1.x, is no longer maintained): install its plugin, version $oldest_compose or later"
}

compose() {
  # Two words, or one.
  # shellcheck disable=SC2086
  $compose_command --project-directory "$here" -f "$here/compose.yaml" "$@"
}

# containers_of SERVICE [OPTION ...]: not those that do one thing and go, which Compose counts as well.
containers_of() {
  service_named=$1
  shift
  docker ps -q --no-trunc --filter "label=com.docker.compose.project=${COMPOSE_PROJECT_NAME:-netmonitor}" \
    --filter "label=com.docker.compose.service=$service_named" \
    --filter label=com.docker.compose.oneoff=False "$@"
}

container_of() { # SERVICE
  containers_of "$1" -a
}

environment_of() { # CONTAINER NAME
  docker inspect -f '{{range .Config.Env}}{{println .}}{{end}}' "$1" | sed -n "s/^$2=//p"
}

is_running() { # SERVICE
  running=$(containers_of "$1" --filter status=running) || die 'the Docker engine does not answer any more'
  [ -n "$running" ]
}

# A container of our own image that does one thing and goes.
run_bridge() { # [OPTION ...] -- ARGUMENT ...
  if [ "$1" = -v ]; then
    mount=$2
    shift 3
    compose run --rm --no-deps -T -v "$mount" bridge "$@"
  else
    shift
    compose run --rm --no-deps -T bridge "$@"
  fi
}

# One at a time: two would make two passwords, or copy what the other has just started again. The
# kernel forgets a lock however its holder ends; a file of ours would stay. Where there is no flock,
# nothing is locked.
lock() {
  command -v flock >/dev/null 2>&1 || return 0
  exec 9<"$here"
  # Other codes: a file system without locks.
  flock -n 9 || [ $? -ne 1 ] || die "another ./deploy.sh is at work in $here; try again when it is done"
}

# --- Settings ---

# value_in NAME: of a file of settings, its last line with that name, without quotes and what is
# noted behind it.
value_in() {
  tr -d '\r' | sed -n "
    s/^[[:blank:]]*\(export[[:blank:]][[:blank:]]*\)\{0,1\}$1[[:blank:]]*[=:][[:blank:]]*//
    t value
    d
    :value
    s/^'\([^']*\)'.*/\1/p
    t
    s/^\"\([^\"]*\)\".*/\1/p
    t
    s/^#.*//
    s/[[:blank:]]#.*//
    s/[[:blank:]]*\$//p" | tail -n 1
}

# value_of NAME [DEFAULT]: what Compose would take: the environment, also if it is empty there, or
# else the last line of .env, without quotes and what is noted behind it.
value_of() {
  value=''
  if eval "[ -n \"\${$1+set}\" ]"; then
    eval "value=\$$1"
  elif [ -f .env ]; then
    value=$(value_in "$1" <.env)
  fi
  printf '%s\n' "${value:-${2:-}}"
}

set_value() { # NAME VALUE
  changed=$(awk -v name="$1" -v value="$2" '
    $0 ~ "^[ \t]*(export[ \t]+)?" name "[ \t]*[=:]" {
      if (!done) print name "=" value
      done = 1
      next
    }
    { print }
    END { if (!done) print name "=" value }' .env)
  printf '%s\n' "$changed" | put_env
}

# What comes in becomes .env, once all of it is on the disk: BusyBox's awk does not notice that
# one is full, cat does. Owner and mode stay; a new one may hold a token.
put_env() {
  if [ -f .env ]; then
    cp -p .env .env.new
  else
    (umask 077 && true >.env.new)
  fi || die "$here cannot be written: read-only, full, or of another user"
  cat >.env.new || {
    rm -f .env.new
    die ".env cannot be written, and is as it was: is the disk full?"
  }
  mv -f .env.new .env
}

is_terminal() {
  [ -t 0 ] && [ -t 2 ]
}

ask() { # QUESTION DEFAULT
  printf '%s [%s] ' "$1" "$2" >&2
  read -r answer || answer=''
  echo "${answer:-$2}"
}

confirm() { # QUESTION
  is_terminal || die "$1 Say so with --yes" 2
  case $(ask "$1" no) in
    y | yes | Y | YES) ;;
    *) die 'nothing was changed' ;;
  esac
}

# What can be in a name or an address, and in nothing that has a meaning elsewhere.
check_router() { # ADDRESS
  case $1 in
    '' | -* | *[!A-Za-z0-9.:_-]*)
      die "router \"$1\": expected an address or a name, for example 192.168.1.1" 2
      ;;
  esac
}

# Where this computer sends what is for elsewhere: at home that is the router.
gateway() {
  ip -4 route show default 2>/dev/null | sed -n 's/^default via \([0-9.]*\).*/\1/p' | head -n 1
}

# Files that hold a password each. The engine hands them to containers as they are, and those run
# as different users: so everybody may read the file, but nobody else gets into the folder.
open_secrets() {
  [ -d secrets ] || mkdir secrets || die "$here cannot be written: read-only, full, or of another user"
  # Only who owns it may, and need not if it is so already.
  find secrets -prune ! -perm 700 -exec chmod 700 {} +
}

make_secrets() {
  open_secrets
  for pair in GRAFANA_PASSWORD_FILE:grafana_password API_TOKEN_FILE:api_token; do
    file=$(value_of "${pair%%:*}" "./secrets/${pair#*:}")
    [ ! -s "$file" ] || continue
    [ -d "$(dirname "$file")" ] || die "${pair%%:*}: the folder of $file is not there (.env)" 2
    password=$(od -An -N18 -tx1 /dev/urandom | tr -d ' \n')
    [ ${#password} -eq 36 ] || die "$file: no password could be made; is /dev/urandom there?"
    printf '%s' "$password" | cat >"$file.new" || {
      rm -f "$file.new"
      die "$file cannot be written: is the disk full?"
    }
    mv "$file.new" "$file"
    say "made $file"
  done
  # But for what was given to a container's user alone, such as a key.
  find secrets -type f ! -perm 644 \( -user 0 -o -user "$(id -u)" \) -exec chmod 644 {} + \
    || die "a file in $here/secrets belongs to another user: run this with sudo"
}

# Compose would start without what it cannot read, and a container fails on it.
check_access() {
  for name in .env secrets; do
    if [ -e "$name" ] && { [ ! -r "$name" ] || { [ -d "$name" ] && [ ! -x "$name" ]; }; }; then
      die "$here/$name belongs to another user: run this with sudo, or take it over: sudo chown -R $(id -un) .env secrets"
    fi
  done
  # From a repository that was cloned with a umask of 077.
  for folder in ../prometheus ../grafana ../tests/src/fake_router proxy; do
    [ ! -d "$folder" ] || [ -z "$(find "$folder" ! -type l ! -perm -004)" ] \
      || chmod -R a+rX "$folder" || die "containers cannot read $folder: sudo chmod -R a+rX $here/$folder"
  done
  # Files in these are the user's own: see check_readable.
  for folder in routers receivers; do
    [ ! -d "$folder" ] || [ -z "$(find "$folder" -prune ! -perm -005)" ] \
      || chmod a+rx "$folder" || die "containers cannot read $folder: sudo chmod a+rx $here/$folder"
  done
}

# Other users than the owner read it: those of the containers. Who gave it to one of them knows.
check_readable() { # NAME FILE
  [ -z "$(find -L "$2" -prune ! -perm -004 \( -user 0 -o -user "$(id -u)" \))" ] \
    || die "$1: containers cannot read $2: chmod 644 $2 (chmod 700 $here keeps other users out)" 2
}

# Their files must be there before the engine makes folders of their names.
check_files() {
  for name in ROUTER_TOKEN_FILE DATABASE_URL_FILE READ_TOKEN_FILE GRAFANA_PASSWORD_FILE API_TOKEN_FILE \
    TLS_CERTIFICATE_FILE TLS_KEY_FILE; do
    file=$(value_of "$name")
    [ -n "$file" ] || continue
    [ -f "$file" ] || die "$name: $file is not there (.env)" 2
    check_readable "$name" "$file"
  done
  for pair in ROUTERS_FILE:routers RECEIVER_FILE:receivers REMOTE_WRITE_FILE:receivers; do
    file=$(value_of "${pair%%:*}")
    [ -n "$file" ] || continue
    file=${pair#*:}/$file
    [ -f "$file" ] || die "${pair%%:*}: $file is not there; copy it into that folder" 2
    check_readable "${pair%%:*}" "$file"
  done
  [ -z "$(value_of REMOTE_WRITE_FILE)" ] || [ -n "$(value_of SITE)" ] \
    || die 'REMOTE_WRITE_FILE: name this site in SITE, too (.env)' 2
  [ -z "$(value_of DATABASE_URL_FILE)" ] || [ -z "$(value_of MAX_DB_SIZE)" ] \
    || die 'MAX_DB_SIZE: a server gives no room back when rows go; leave one of DATABASE_URL_FILE and MAX_DB_SIZE empty (.env)' 2
  [ -n "$(value_of ROUTER_IP)$(value_of ROUTERS_FILE)" ] \
    || die 'neither ROUTER_IP nor ROUTERS_FILE is set in .env' 2
}

make_env() {
  [ ! -e .env ] || [ -f .env ] || die '.env is no file'
  if [ ! -f .env ]; then
    put_env <.env.example
    zone=$(cat /etc/timezone 2>/dev/null || readlink /etc/localtime 2>/dev/null | sed -n 's|.*/zoneinfo/||p')
    [ -z "$zone" ] || set_value TZ "$zone"
    say 'made .env from .env.example'
  elif grep -q "$(printf '\r')" .env; then
    tr -d '\r' <.env | put_env
    say '.env had the line ends of Windows; they are gone'
  fi
}

config() {
  router=''
  token=''
  demo=no
  tls=no
  while [ $# -gt 0 ]; do
    case $1 in
      --router)
        [ $# -ge 2 ] || die '--router: an address or a name is missing' 2
        router=$2
        check_router "$router"
        shift
        ;;
      --demo) demo=yes ;;
      --tls) tls=yes ;;
      *) takes_no_more config "$1" ;;
    esac
    shift
  done
  check_access
  is_new=no
  [ -e .env ] || is_new=yes
  # Asked for before anything is written: who gives up leaves nothing behind.
  if [ "$demo" = yes ]; then
    [ -z "$router" ] || die 'config: --demo has routers of its own; leave --router out' 2
  elif [ -z "$router" ] && [ -n "${ROUTER_IP:-}" ]; then
    router=$ROUTER_IP
    check_router "$router"
  elif [ -z "$router" ] && [ ! -e .env ]; then
    is_terminal || die 'which router? Say it with --router ADDRESS (or ROUTER_IP), or copy .env.example to .env and set it there' 2
    ask_for_router
  fi
  make_env
  # .env has it now, and the environment would win.
  [ "$demo$router" = no ] || unset ROUTER_IP ROUTERS_FILE
  if [ "$demo" = yes ]; then
    set_value ROUTERS_FILE demo.toml
    set_value ROUTER_IP ''
    add_profile demo
  elif [ -n "$router" ]; then
    set_value ROUTER_IP "$router"
    set_value ROUTERS_FILE ''
    remove_profile demo
  fi
  if [ -n "$token" ]; then
    open_secrets
    printf '%s\n' "$token" >secrets/router_token
    set_value ROUTER_TOKEN_FILE ./secrets/router_token
  fi
  if [ "$tls" = yes ]; then
    add_profile tls
    # Passwords in clear beside HTTPS would make it useless; who has .env already decides there.
    if [ "$is_new" = yes ]; then
      set_value GRAFANA_LISTEN 127.0.0.1
      set_value BRIDGE_LISTEN 127.0.0.1
    fi
  fi
  make_secrets
  check_files
  compose config -q || die 'compose.yaml and .env do not fit together, see above' 2
}

ask_for_router() {
  found=$(gateway)
  router=$(ask 'Address or name of your router:' "${found:-192.168.1.1}")
  check_router "$router"
  # Ctrl-C must not leave a terminal that shows nothing.
  trap 'stty echo; exit 130' INT TERM HUP
  stty -echo 2>/dev/null || true
  printf 'Its TOKEN, if it has one (not shown): ' >&2
  read -r token || token=''
  stty echo 2>/dev/null || true
  trap - INT TERM HUP
  echo >&2
}

add_profile() { # NAME
  profiles=$(value_of COMPOSE_PROFILES)
  case ,$profiles, in
    *,$1,*) ;;
    *) set_value COMPOSE_PROFILES "${profiles:+$profiles,}$1" ;;
  esac
}

remove_profile() { # NAME
  set_value COMPOSE_PROFILES "$(value_of COMPOSE_PROFILES | tr , '\n' | grep -vx "$1" | tr "\n" , | sed "s|,\$||")"
}

# What a command needs that starts nothing.
need_env() {
  check_access
  [ -f .env ] || die 'there is no .env yet: run ./deploy.sh config first' 2
}

# What a command needs that is not the first one.
need_config() {
  need_env
  make_env
  make_secrets
  check_files
}

# --- Start ---

# By the kernel's table: a connection could reach something that accepts none just now.
is_taken() { # PORT
  grep -qE "^ *[0-9]+: [0-9A-F]+:$(printf %04X "$1") [0-9A-F]+:0000 0A " \
    /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# Those that our own containers hold are theirs.
check_ports() {
  taken=''
  seen=''
  for entry in bridge:BRIDGE_PORT:5000 grafana:GRAFANA_PORT:3000 prometheus:PROMETHEUS_PORT:9090 \
    alertmanager:ALERTMANAGER_PORT:9093 proxy:HTTP_PORT:80 proxy:HTTPS_PORT:443; do
    service=${entry%%:*}
    name=${entry#*:}
    port=$(value_of "${name%%:*}" "${name#*:}")
    name=${name%%:*}
    case $port in
      '' | 0* | *[!0-9]* | ??????*) die "$name \"$port\": expected a port, for example ${entry##*:}" 2 ;;
    esac
    [ "$port" -le 65535 ] || die "$name \"$port\": expected a port, for example ${entry##*:}" 2
    case $service:,$(value_of COMPOSE_PROFILES), in
      proxy:*,tls,*) ;;
      proxy:*) continue ;;
    esac
    case $seen in
      *" $port "*) die "$name: $port is another one's as well, choose another port in .env" 2 ;;
    esac
    seen="$seen $port "
    if is_taken "$port" && ! is_running "$service"; then
      taken="$taken $port ($name)"
    fi
  done
  [ -z "$taken" ] || die "taken:$taken. Stop what listens there (ss -ltnp), or choose other ports in .env"
}

build() {
  BUILD_REVISION=$(git -C "$here" describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)
  export BUILD_REVISION
  compose build "$@" || die 'the images could not be built, see above. The engine needs the internet for that, and 4 GB of disk'
}

# Those that are missing: the first time this compiles, which takes minutes, on a Pi half an hour.
provide_images() {
  images=$(compose config --images) || die 'compose.yaml and .env do not fit together, see above' 2
  is_built=no
  for image in $images; do
    docker image inspect "$image" >/dev/null 2>&1 && continue
    case $image in
      netmonitor-*)
        [ "$is_built" = no ] || continue
        say "building $image and what else is ours; the first time this takes a while"
        build
        is_built=yes
        ;;
      *) docker pull "$image" || die "$image cannot be had, see above. The engine needs the internet for it" ;;
    esac
  done
}

# 0: well, or not asked for to be.
check_routers() {
  run_bridge -- check-routers
}

look_at_routers() {
  # Those of the demo do not run yet.
  [ "$(value_of ROUTERS_FILE)" != demo.toml ] || return 0
  ! check_routers || return 0
  say 'a router does not answer (see above). What watches it goes on asking once it is started'
  ! is_terminal || case $(ask 'Start all the same?' yes) in
    n | no | N | NO) die 'not started; ./deploy.sh config --router ADDRESS names another router' ;;
  esac
}

# Prometheus and Alertmanager take copies of their files when they start: those that have changed
# since are noticed by this, which is in their environment.
note_revision() {
  revision=$(cat ../prometheus/*.yml ../prometheus/*.sh ../prometheus/rules/*.yml receivers/*.yml 2>/dev/null | sha256sum)
  revision=$(printf %.12s "$revision")
  [ "$(value_of CONFIG_REVISION)" = "$revision" ] || set_value CONFIG_REVISION "$revision"
}

start() {
  need_config
  note_revision
  check_ports
  if ! compose up -d --remove-orphans --wait --wait-timeout "$patience_seconds"; then
    report_unwell
    die 'not everything is well; ./deploy.sh logs says more, docs/containers.md what to do'
  fi
  addresses
}

# The services that are not well, with the end of what they say.
report_unwell() {
  for service in $(compose config --services); do
    id=$(container_of "$service")
    state=none
    [ -z "$id" ] || state=$(docker inspect \
      -f '{{.State.Status}}{{if .State.Health}} and {{.State.Health.Status}}{{end}}{{if .State.OOMKilled}}, out of memory{{end}}' "$id")
    case $state in
      running | 'running and healthy') continue ;;
    esac
    say "$service is ${state}; its last words:"
    [ -z "$id" ] || docker logs --tail 5 "$id" 2>&1 | sed 's/^/    /' >&2
  done
}

# As others see this computer.
own_address() {
  target=$(value_of ROUTER_IP)
  case $target in
    [0-9]*.[0-9]*) ;;
    *) target=192.0.2.1 ;;
  esac
  address=$(ip -4 route get "$target" 2>/dev/null | sed -n 's/.* src \([0-9.]*\).*/\1/p' | head -n 1)
  echo "${address:-localhost}"
}

shown_address() { # LISTEN PORT
  case $1 in
    0.0.0.0) echo "http://$(own_address):$2/" ;;
    *) echo "http://$1:$2/" ;;
  esac
}

addresses() {
  grafana=$(shown_address "$(value_of GRAFANA_LISTEN 0.0.0.0)" "$(value_of GRAFANA_PORT 3000)")
  bridge=$(shown_address "$(value_of BRIDGE_LISTEN 0.0.0.0)" "$(value_of BRIDGE_PORT 5000)")
  printf '%-14s %s\n' \
    Grafana "$grafana (user admin, password in $(value_of GRAFANA_PASSWORD_FILE ./secrets/grafana_password))" \
    bridge "$bridge" \
    Prometheus "http://127.0.0.1:$(value_of PROMETHEUS_PORT 9090)/alerts (from this computer)" \
    Alertmanager "http://127.0.0.1:$(value_of ALERTMANAGER_PORT 9093)/ (from this computer)"
  case ,$(value_of COMPOSE_PROFILES), in
    *,tls,*) printf '%-14s https://%s%s/, the bridge under /bridge/\n' TLS "$(own_address)" \
      "$([ "$(value_of HTTPS_PORT 443)" = 443 ] || echo ":$(value_of HTTPS_PORT 443)")" ;;
  esac
}

status() {
  need_env
  compose ps -a
  echo
  ids=$(compose ps -q)
  # A word each.
  # shellcheck disable=SC2086
  [ -z "$ids" ] || docker stats --no-stream --format 'table {{.Name}}\t{{.MemUsage}}\t{{.CPUPerc}}' $ids
  echo
  addresses
  echo
  ! is_running bridge || check_routers || true
}

everything() {
  config "$@"
  # Before images are built, which takes its time.
  check_ports
  offer_import
  provide_images
  look_at_routers
  start
}

# --- The old client ---

# Its folders, beside this one or where the command was given.
offer_import() {
  for folder in "$called_from" "$here" "$here/.."; do
    file=$folder/data/netmonitor.db
    if [ -f "$file" ] && is_old_database "$file"; then
      say "$file is the old client's database. Once this is started, take it over with"
      say "    ./deploy.sh import-legacy \"$file\""
      [ ! -d "$folder/logs" ] || say "$folder/logs is of the old client too, and used no more: ./deploy.sh logs has the new ones"
      return
    fi
  done
}

# A file of SQLite's with the old client's table and without the mark of ours (its application_id).
# The table is in the log beside it as long as SQLite has not taken that in.
# BusyBox's tr knows no "all but [:print:]".
is_old_database() { # FILE
  [ "$(head -c 15 "$1" 2>/dev/null)" = 'SQLite format 3' ] \
    && [ "$(head -c 72 "$1" | tail -c 4 | tr -d '\000')" != NMBr ] \
    && cat "$1" "$1-wal" 2>/dev/null | LC_ALL=C tr -c ' -~' '\n' \
    | LC_ALL=C grep -qE 'CREATE TABLE "?network_status"? ?\('
}

import_legacy() {
  [ $# -ge 1 ] || die 'import-legacy: which file? See ./deploy.sh help' 2
  case $1 in
    /*) old=$1 ;;
    *) old=$called_from/$1 ;;
  esac
  shift
  [ -f "$old" ] || die "import-legacy: $old is not there" 2
  need_config
  make_work
  # With what it has not yet taken in; readable for the bridge's user.
  mkdir "$work/old"
  for part in "$old" "$old-wal"; do
    [ ! -f "$part" ] || cp "$part" "$work/old/netmonitor.db${part#"$old"}"
  done
  chmod -R a+rX "$work/old"
  run_bridge -v "$work/old:/old" -- import-legacy /old/netmonitor.db "$@"
}

# --- Backup ---

# Those that keep something.
kept_services='bridge prometheus alertmanager grafana'

# A folder for this run, which goes with it.
make_work() {
  mkdir -p backups
  chmod 700 backups
  work=$(mktemp -d "$here/backups/work.XXXXXX")
  trap clean_up EXIT
  trap 'exit 1' INT TERM HUP
}

stopped=''
snapshot=''

clean_up() {
  code=$?
  trap - EXIT
  # Who is impatient presses Ctrl-C once more.
  trap '' INT TERM HUP
  # Whatever was stopped for a copy of its files runs again, however this ends.
  # shellcheck disable=SC2086
  [ -z "$stopped" ] || docker start $stopped >/dev/null || say 'it could not be started again: ./deploy.sh start'
  [ -z "$snapshot" ] || remove_snapshot || true
  [ -z "${work:-}" ] || rm -rf "$work"
  [ "$code" -eq 0 ] || [ -z "${work:-}" ] || [ -z "${target:-}" ] \
    || say "no backup was made, see above; nothing half is left of it"
  exit "$code"
}

# pack SERVICE FOLDER: the files of a container as an archive.
pack() {
  docker cp "$(container_of "$1"):$2/." - >"$work/$1.tar"
  gzip -1 "$work/$1.tar"
}

# Stopped for the moment of the copy: what it has in memory is written then, and nothing is half.
pack_stopped() { # SERVICE FOLDER
  stopped=$(container_of "$1")
  docker stop "$stopped" >/dev/null
  pack "$1" "$2"
  docker start "$stopped" >/dev/null
  stopped=''
}

# By the program that runs: that of a newer image would bring the database up to date first, and
# the old one could no longer open it.
pack_bridge() {
  running=$(container_of bridge)
  # Of the file, which is what a restore has: not of the environment.
  server=$(value_in DATABASE_URL_FILE <.env)
  database=$(environment_of "$running" DATABASE_URL_FILE)
  [ "${database:+server}" = "${server:+server}" ] \
    || die 'backup: .env names another database than that of the running bridge; ./deploy.sh start first'
  if [ -n "$database" ]; then
    say "the bridge's history is in a database of a server, and not in this backup: docs/databases.md says how to copy it"
    return
  fi
  mkdir "$work/bridge"
  # The bridge's user writes there; the folder above lets nobody else in.
  chmod 777 "$work/bridge"
  docker run --rm --network none --read-only --tmpfs /tmp:uid=65532,mode=700 --cap-drop ALL \
    --security-opt no-new-privileges --volumes-from "$running" -v "$work/bridge:/backup" \
    "$(docker inspect -f '{{.Image}}' "$running")" backup /backup/netmonitor.db >&2
  mv "$work/bridge/netmonitor.db" "$work/"
  rmdir "$work/bridge"
  gzip -1 "$work/netmonitor.db"
}

pack_prometheus() {
  snapshot=$(compose exec -T prometheus wget -q -O - --post-data '' \
    http://127.0.0.1:9090/api/v1/admin/tsdb/snapshot | sed -n 's/.*"name":"\([A-Za-z0-9-]*\)".*/\1/p')
  [ -n "$snapshot" ] || die 'Prometheus makes no snapshot; ./deploy.sh logs prometheus says why'
  # Links to its own blocks: they take no place, but must not stay when those go.
  pack prometheus "/prometheus/snapshots/$snapshot"
  remove_snapshot
}

remove_snapshot() {
  compose exec -T prometheus rm -r "/prometheus/snapshots/$snapshot"
  snapshot=''
}

# Tokens may have been given to a container's user alone.
check_settings_readable() {
  unreadable=$(find .env secrets routers receivers -type f -exec \
    sh -c 'for file; do [ -r "$file" ] || echo "$file"; done' sh {} +)
  [ -z "$unreadable" ] || die "backup: $(echo "$unreadable" | tr '\n' ' ')cannot be read: run this with sudo"
}

pack_settings() {
  set -- .env
  for name in secrets routers receivers; do
    [ ! -d "$name" ] || set -- "$@" "$name"
  done
  tar -cf "$work/settings.tar" "$@"
  gzip -1 "$work/settings.tar"
}

# Those of which no copy could be made now.
still_services() {
  for service in $kept_services; do
    is_running "$service" || printf '%s ' "$service"
  done
}

backup() {
  [ $# -le 1 ] || takes_no_more backup "$2"
  case ${1:-} in
    -*) takes_no_more backup "$1" ;;
  esac
  need_config
  check_settings_readable
  still=$(still_services)
  [ -z "$still" ] || die "backup: ${still}does not run; ./deploy.sh start first"
  target=${1:-$here/backups/$(date +%Y-%m-%dT%H-%M-%S)}
  case $target in
    /*) ;;
    *) target=$called_from/$target ;;
  esac
  [ ! -e "$target" ] || die "backup: $target is there already" 2
  make_work
  pack_bridge
  pack_prometheus
  pack_stopped alertmanager /alertmanager
  pack_stopped grafana /var/lib/grafana
  # Who trusts its authority goes on to.
  ! is_running proxy || pack proxy /certificates
  pack_settings
  # The list comes last: a folder without it is no backup.
  (cd "$work" && sha256sum ./*.gz >SHA256SUMS)
  mkdir -p "$(dirname "$target")"
  trap 'rm -rf "$target"; exit 1' INT TERM HUP
  mv "$work" "$target" || {
    rm -rf "$target"
    die "$target cannot be written: is that disk full?"
  }
  work=''
  say "everything is in $target ($(du -sh "$target" | cut -f 1)); passwords too, so keep it where nobody looks"
}

# unpack SERVICE FOLDER: with owners, into a volume that is new.
unpack() {
  gzip -dc "$source/$1.tar.gz" | docker cp - "$(container_of "$1"):$2"
}

has_file() { # NAME
  grep -q "^[0-9a-f]* [ *]\./$1\.gz\$" "$source/SHA256SUMS"
}

# value_in_backup NAME: as .env there has it.
value_in_backup() {
  gzip -dc "$source/settings.tar.gz" | tar -xOf - .env | value_in "$1"
}

restore() {
  sure=no
  source=''
  for word; do
    case $word in
      --yes) sure=yes ;;
      -*) takes_no_more restore "$word" ;;
      *)
        [ -z "$source" ] || takes_no_more restore "$word"
        source=$word
        ;;
    esac
  done
  [ -n "$source" ] || die "restore: which folder? ls $here/backups" 2
  set -- "$source"
  case $1 in
    /*) ;;
    *) source=$called_from/$1 ;;
  esac
  [ -f "$source/SHA256SUMS" ] || die "restore: $1 is no backup, or not a whole one: SHA256SUMS is missing" 2
  for file in prometheus.tar alertmanager.tar grafana.tar settings.tar; do
    has_file "$file" || die "restore: $1 is not whole: SHA256SUMS has no $file.gz" 2
  done
  (cd "$source" && sha256sum -c SHA256SUMS >/dev/null) || die "restore: $1 is damaged; take another one"
  # Of a server there is no file.
  has_file netmonitor.db || [ -n "$(value_in_backup DATABASE_URL_FILE)" ] \
    || die "restore: $1 is not whole: SHA256SUMS has no netmonitor.db.gz" 2
  still=$(still_services)
  hindrance=${still:+${still}does not run}
  [ -f .env ] || hindrance='.env is missing'
  [ -z "$hindrance" ] || say "no copy can be made of what is there now, if there is anything: $hindrance"
  [ "$sure" = yes ] || confirm "Everything that is there now is replaced by $1. Go on?"
  before=''
  if [ -z "$hindrance" ]; then
    say 'what is there now is kept first'
    before=$here/backups/before-restore-$(date +%Y-%m-%dT%H-%M-%S)
    (backup "$before")
  fi
  make_work
  # In subshells, so that later what is unpacked counts.
  (
    ROUTER_IP=''
    COMPOSE_PROFILES=$(value_in_backup COMPOSE_PROFILES)
    export ROUTER_IP COMPOSE_PROFILES
    # What cannot be had must not be missed when the data is gone.
    provide_images
    compose --profile tls --profile demo down --volumes --remove-orphans
  )
  [ -z "$before" ] || say "if this does not end well: ./deploy.sh restore \"$before\""
  gzip -dc "$source/settings.tar.gz" | tar -xf -
  need_config
  provide_images
  compose up --no-start
  if has_file netmonitor.db; then
    gzip -dc "$source/netmonitor.db.gz" >"$work/netmonitor.db"
    chmod 755 "$work"
    chmod 644 "$work/netmonitor.db"
    run_bridge -v "$work:/backup:ro" -- restore /backup/netmonitor.db
  else
    say "the bridge's history is in a database of a server, and stays as it is"
  fi
  unpack prometheus /prometheus
  unpack alertmanager /alertmanager
  unpack grafana /var/lib/grafana
  [ ! -f "$source/proxy.tar.gz" ] || [ -z "$(container_of proxy)" ] || unpack proxy /certificates
  start
}

# --- The rest ---

upgrade() {
  pull=yes
  if [ "${1:-}" = --no-pull ]; then
    pull=no
    shift
  fi
  takes_no_more upgrade "$@"
  backup
  if [ "$pull" = yes ]; then
    compose pull --ignore-buildable || die 'new images cannot be had, see above; nothing was changed'
    build --pull
  fi
  start
  say 'the old images can go: docker image prune'
}

uninstall() {
  data=no
  sure=no
  for word; do
    case $word in
      --data) data=yes ;;
      --yes) sure=yes ;;
      *) takes_no_more uninstall "$word" ;;
    esac
  done
  if [ "$data" = yes ]; then
    [ "$sure" = yes ] || confirm 'All data, .env and secrets go; backups, routers and receivers stay. Go on?'
    set -- --volumes
  else
    set --
  fi
  [ -f .env ] || ROUTER_IP=''
  export ROUTER_IP
  images=$(compose --profile tls --profile demo config --images | grep '^netmonitor-')
  compose --profile tls --profile demo down --remove-orphans "$@"
  for image in $images; do
    ! docker image inspect "$image" >/dev/null 2>&1 || docker image rm "$image" >/dev/null
  done
  if [ "$data" = yes ]; then
    rm -rf .env secrets
    say 'gone. Your files in ./backups, ./routers and ./receivers are still there'
  else
    say 'gone, but for data (docker volume ls), .env and secrets: ./deploy.sh brings all of it back'
  fi
}

command=${1:-everything}
[ $# -eq 0 ] || shift
case $command in
  help | -h | --help)
    usage
    exit
    ;;
  -*)
    set -- "$command" "$@"
    command=everything
    ;;
  start | stop | restart | status | check) takes_no_more "$command" "$@" ;;
esac
case $command in
  status | check | logs) ;;
  *) lock ;;
esac
case $command in
  everything | config | start | status | backup | restore | upgrade | uninstall)
    check_engine
    "$command" "$@"
    ;;
  check)
    check_engine
    need_config
    check_routers
    ;;
  stop)
    check_engine
    need_env
    compose stop
    ;;
  restart)
    check_engine
    need_config
    compose stop
    start
    ;;
  logs)
    check_engine
    need_env
    follow=''
    ! [ -t 1 ] || follow=--follow
    compose logs --tail 100 $follow "$@"
    ;;
  import-legacy)
    check_engine
    import_legacy "$@"
    ;;
  *)
    usage >&2
    die "\"$command\" is not known" 2
    ;;
esac
