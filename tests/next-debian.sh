#!/bin/sh
# Unpacks packages of another release of Debian's into a folder, without installing anything:
# next-debian.sh SUITE FOLDER PACKAGE ... The packages they depend on are not among them. Where
# they cannot be had (no Debian, no network), it says so and ends with 1.
set -eu

give_up() {
  echo "next-debian.sh: $1" >&2
  exit 1
}

suite=$1
place=$2
shift 2
case $place in
  /*) ;;
  *) place=$PWD/$place ;;
esac

command -v apt-get >/dev/null 2>&1 || give_up 'there is no apt-get'
keys=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r "$keys" ] || give_up 'this is not Debian'

# Where this machine's own packages come from, in the new form or the old one.
mirror=$(awk '/^URIs:/ { print $2; exit }' /etc/apt/sources.list.d/debian.sources 2>/dev/null) \
  || mirror=''
[ -n "$mirror" ] || mirror=$(awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) {
  print $i; exit } }' /etc/apt/sources.list 2>/dev/null) || mirror=''
[ -n "$mirror" ] || give_up 'no source of packages is known'

work=$place.part
rm -rf "$work"
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/debs" "$work/root"
: >"$work/status"
echo "deb [signed-by=$keys] $mirror $suite main" >"$work/sources.list"
cat >"$work/apt.conf" <<CONF
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State::lists "$work/lists";
Dir::State::status "$work/status";
Dir::Cache "$work/cache";
APT::Sandbox::User "root";
Acquire::Languages "none";
CONF
export APT_CONFIG="$work/apt.conf"
if ! { apt-get -qq update && cd "$work/debs" && apt-get -qq download "$@"; } >"$work/log" 2>&1; then
  give_up "not to be had ($(tail -n 1 "$work/log"))"
fi
for package in "$work"/debs/*.deb; do
  dpkg-deb -x "$package" "$work/root"
done
rm -rf "$place"
mv "$work/root" "$place"
rm -rf "$work"
