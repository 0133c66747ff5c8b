#!/bin/sh
# `images.sh others` makes images that stand in for those which cannot be had without a registry.
# They have the names of compose.yaml, the entry points, users and folders of the real ones, and in
# them Debian's programs; but for Grafana, of which there is none: a web server with its port, its
# user and a file for a database. `images.sh ours` builds ours on them, by the shipped Dockerfiles,
# with the programs in target/containers/programs.
set -eu

work=target/containers/images
here=$(dirname "$0")
newer=target/newer-prometheus/usr

# A folder as the root of an image: BusyBox, users, /tmp.
begin() { # NAME
  root=$work/$1
  rm -rf "$root"
  mkdir -p "$root/bin" "$root/etc" "$root/lib64" "$root/tmp"
  chmod 1777 "$root/tmp"
  cp "$(command -v busybox)" "$root/bin/busybox"
  for applet in $(busybox --list); do
    [ -e "$root/bin/$applet" ] || ln -s busybox "$root/bin/$applet"
  done
  printf '%s\n' 'root:x:0:0::/:/bin/sh' 'nginx:x:101:101::/:/bin/sh' 'grafana:x:472:0::/:/bin/sh' \
    'nobody:x:65534:65534::/:/bin/sh' >"$root/etc/passwd"
  printf '%s\n' 'root:x:0:' 'nginx:x:101:' 'nogroup:x:65534:' >"$root/etc/group"
}

# put PROGRAM PATH: with the libraries that it asks for, and those for names.
put() {
  mkdir -p "$(dirname "$root$2")"
  rm -f "$root$2"
  cp -L "$1" "$root$2"
  # A static one asks for none, and says so with an error.
  { ldd "$1" 2>/dev/null || true; } | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -Ln "$library" "$root$library"
  done
}

# The first that is there.
first() {
  for program; do
    ! command -v "$program" || return 0
  done
}

build() { # NAME TAG, and a Dockerfile's other lines from stdin
  { echo 'FROM scratch' && echo 'COPY . /' && cat; } >"$work/$1.Dockerfile"
  docker build -q -t "$2" -f "$work/$1.Dockerfile" "$work/$1" >/dev/null
}

tag_of() { # REPOSITORY, in compose.yaml and the Dockerfiles
  sed -En "s,^ *(image:|FROM) ($1:[^ ]*).*,\2,p" compose/compose.yaml grafana/Dockerfile \
    compose/proxy/Dockerfile | head -n 1
}

others() {
  begin prometheus
  put "$(first "$newer/bin/prometheus" prometheus)" /bin/prometheus
  build prometheus "$(tag_of prom/prometheus)" <<'D'
COPY --chown=65534:65534 tmp/ /prometheus/
USER nobody
VOLUME /prometheus
ENTRYPOINT ["/bin/prometheus"]
D

  begin alertmanager
  put "$(first "$newer/bin/prometheus-alertmanager" prometheus-alertmanager)" /bin/alertmanager
  # Debian's reads its templates there.
  templates=usr/share/prometheus/alertmanager
  mkdir -p "$root/$templates"
  [ -d "$newer/share/prometheus/alertmanager" ] || newer=/usr
  cp "$newer/share/prometheus/alertmanager"/*.tmpl "$root/$templates/"
  build alertmanager "$(tag_of prom/alertmanager)" <<'D'
COPY --chown=65534:65534 tmp/ /alertmanager/
USER nobody
VOLUME /alertmanager
ENTRYPOINT ["/bin/alertmanager"]
D

  begin grafana
  cp "$here/grafana/run.sh" "$root/run.sh"
  mkdir -p "$root/usr/share/grafana/bin" "$root/www/api" "$root/etc/grafana"
  cp "$here/grafana/grafana" "$root/bin/grafana"
  echo '{"database": "ok", "version": "none: a web server in its place"}' >"$root/www/api/health"
  build grafana "$(tag_of grafana/grafana)" <<'D'
COPY --chown=472:0 tmp/ /var/lib/grafana/
USER 472
ENTRYPOINT ["/run.sh"]
D

  begin nginx
  put "$(command -v nginx)" /usr/sbin/nginx
  put "$(command -v openssl)" /usr/bin/openssl
  put "$(command -v curl)" /usr/bin/curl
  put "$(command -v install)" /usr/bin/install
  mkdir -p "$root/etc/nginx" "$root/usr/lib/ssl" "$root/var/log/nginx" "$root/var/lib/nginx"
  cp /etc/nginx/mime.types "$root/etc/nginx/"
  cp /etc/ssl/openssl.cnf "$root/usr/lib/ssl/"
  build nginx "$(tag_of nginx)" <<'D'
ENTRYPOINT ["/bin/sh"]
D

}

ours() {
  rm -rf "$work/programs"
  mkdir -p "$work/programs/out/data"
  cp target/containers/programs/* "$work/programs/out/"
  cp -r /usr/share/zoneinfo "$work/programs/out/zoneinfo"
  build programs netmonitor-programs </dev/null

  BUILD_REVISION=$(git describe --always --dirty --abbrev=12)
  export BUILD_REVISION ROUTER_IP=none
  docker compose --project-directory compose -f compose/compose.yaml --profile tls --profile demo build -q \
    --build-arg PROGRAMS=netmonitor-programs --build-arg DEMO_PROGRAMS=netmonitor-programs
  docker build -q -t netmonitor-exporter -f compose/Dockerfile --target exporter \
    --build-arg PROGRAMS=netmonitor-programs . >/dev/null
}

mkdir -p "$work"
# The legacy builder would take seconds for each line.
export DOCKER_BUILDKIT=1
"$1"
