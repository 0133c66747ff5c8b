#!/bin/sh
# Unpacks Debian's packages of any architecture into a folder; nothing of them is installed.
#
#   tests/machine/debian.sh ARCHITECTURE FOLDER PACKAGE...
#
# ARCHITECTURE is Debian's word, such as arm64. `kernel` among the packages is the newest kernel,
# alone; all others come with what they depend on. FOLDER appears only when it is complete, so a
# folder that is there is left as it is: remove it to take newer packages. Wants apt and dpkg,
# no root.
set -eu

architecture=$1
folder=$(realpath -m "$2")
shift 2

die() {
  echo "debian.sh: $*" >&2
  exit 1
}

[ ! -d "$folder" ] || exit 0
command -v apt-get >/dev/null || die "no apt-get here: the machine is made of Debian's packages"

# An apt that thinks this machine is another one, with lists of its own and nothing installed.
place=$folder.new
rm -rf "$place"
mkdir -p "$place/apt/lists/partial" "$place/apt/cache/archives/partial" "$place/unpacked"
cat >"$place/apt/apt.conf" <<CONF
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Install-Pkgs;
#clear DPkg::Post-Invoke;
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
Dir::State::lists "$place/apt/lists";
Dir::State::status "/dev/null";
Dir::State::extended_states "$place/apt/extended_states";
Dir::Cache "$place/apt/cache";
Dir::Cache::archives "$place/apt/cache/archives";
Dir::Log "$place/apt";
Debug::NoLocking "true";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Sandbox::User "root";
CONF

apt() {
  tool=$1
  shift
  # -c and not APT_CONFIG: that one is read before the system's files and could not clear hooks.
  "apt-$tool" -c "$place/apt/apt.conf" "$@"
}

# What the package that always names the newest kernel depends on.
newest_kernel() {
  apt cache depends "linux-image-$architecture" 2>/dev/null \
    | sed -n 's/^ *Depends: \(linux-image-.*\)/\1/p' | head -n 1
}

echo "debian.sh: downloading for $architecture: $*" >&2
# A stale mirror of one suite still leaves usable lists of the others.
apt get update -qq || echo "debian.sh: some package lists are missing" >&2
packages=''
for package in "$@"; do
  if [ "$package" = kernel ]; then
    kernel=$(newest_kernel)
    [ -n "$kernel" ] \
      || die "apt knows no linux-image-$architecture; Debian's package sources have it"
    # What a kernel depends on would make an initial file system on the disk.
    (cd "$place/apt/cache/archives" && apt get download -qq "$kernel")
  else
    packages="$packages $package"
  fi
done
# shellcheck disable=SC2086 # a list
apt get install -qq -y --download-only --no-install-recommends $packages >/dev/null
for deb in "$place"/apt/cache/archives/*.deb; do
  dpkg -x "$deb" "$place/unpacked"
done
mv "$place/unpacked" "$folder"
rm -rf "$place"
