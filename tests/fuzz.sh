#!/bin/sh
# Feeds the parsers of outside input with bytes that libFuzzer makes up, each for FUZZ_SECONDS,
# JOBS of them at a time: all, or those that ONLY names. Prints a table; 1: something was found.
#
# A target is a program in exporter/fuzz or event-bridge/fuzz. It begins with what is in
# corpus/TARGET there, with the fixtures named below, and with what earlier runs have kept in
# target/fuzz/corpus/TARGET; words of its format are in tokens/TARGET.dict. What it finds is
# put into target/fuzz/found/TARGET: give such a file to its program to see it again.
set -eu

place=$PWD/target/fuzz
host=$(rustc -vV | sed -n 's/^host: //p')
seconds=${FUZZ_SECONDS:-600}
jobs=${JOBS:-$(nproc)}
# Else both crates would be compiled anew after each commit.
export BUILD_REVISION=fuzzed

# What libFuzzer needs from the compiler; the switch that means all this is not for stable
# releases. Only for the target: build scripts and macros are not looked at.
flags='-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
  -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares
  -Ccodegen-units=1 -Cdebug-assertions -Coverflow-checks'

# Its versions are those of the other crates; what only the fuzzer needs is added. In a shell of
# its own, which tidies up however it ends.
build() (
  trap 'rm -f "$1/fuzz/Cargo.lock"' EXIT
  trap 'exit 1' INT TERM
  cp Cargo.lock "$1/fuzz/"
  RUSTFLAGS="$flags" cargo build --release --manifest-path "$1/fuzz/Cargo.toml" \
    --target-dir "$place" --target "$host"
)

all() {
  for program in exporter/fuzz/src/bin/*.rs event-bridge/fuzz/src/bin/*.rs; do
    basename "$program" .rs
  done
}

folder_of() {
  for folder in exporter/fuzz event-bridge/fuzz; do
    [ ! -e "$folder/src/bin/$1.rs" ] || echo "$folder"
  done
}

# Fixtures that are such an input.
fixtures_of() {
  case $1 in
    config) echo openwrt/files/etc/netmonitor.conf ;;
    log-lines) find tests/fixtures/logs -name '*.log' ;;
    device-texts)
      find tests/fixtures -type f -size -32 -path '*/proc/*' -o -type f -size -32 -path '*/sys/*' \
        -o -type f -path '*/etc/TZ' -o -type f -name 'resolv.conf*'
      ;;
    status-answer) find tests/fixtures/wire -name '*-status*.json' ;;
    events-answer) find tests/fixtures/wire -name '*-events*.json' ;;
  esac
}

# Into the folder $2, under numbers.
seed() {
  rm -rf "$2"
  mkdir -p "$2"
  number=0
  fixtures_of "$1" | while read -r file; do
    number=$((number + 1))
    cp "$file" "$2/fixture-$number"
  done
  if [ "$1" = eeprom ]; then
    # Both pages of a stick, one behind the other.
    for page in tests/fixtures/prx-stick/sys/class/pon_mbox/*/device/eeprom50; do
      { head -c 128 "$page"; head -c 128 "${page%50}51"; } >"$2/fixture-1"
    done
  fi
}

run() {
  folder=$(folder_of "$1")
  mkdir -p "$place/corpus/$1" "$place/found/$1" "$place/log" "$folder/corpus/$1"
  seed "$1" "$place/seeds/$1"
  set -- "$1" -max_total_time="$seconds" -max_len=16384 -timeout=20 -print_final_stats=1 \
    -artifact_prefix="$place/found/$1/" "$place/corpus/$1" "$folder/corpus/$1" "$place/seeds/$1"
  target=$1
  shift
  [ ! -e "$folder/tokens/$target.dict" ] || set -- -dict="$folder/tokens/$target.dict" "$@"
  # For those that write files: memory, where there is such a place.
  TMPDIR=$(mktemp -d "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)/netmonitor-fuzz.XXXXXX")
  export TMPDIR
  trap 'rm -rf "$TMPDIR"' EXIT
  trap 'exit 1' INT TERM
  status=0
  "$place/$host/release/$target" "$@" >"$place/log/$target" 2>&1 || status=$?
  echo "exit status: $status" >>"$place/log/$target"
  echo "$target: ended with $status"
}

# The last number behind these words in the log of a target.
figure() {
  sed -n "s/.*$2 *\([0-9][0-9]*\).*/\1/p" "$place/log/$1" | tail -n 1
}

row() {
  printf '%-16s %10s %10s %8s %8s %9s\n' "$@"
}

table() {
  found=0
  row target runs runs/s cov corpus findings
  for target in "$@"; do
    findings=$(grep -ac 'Test unit written to' "$place/log/$target" || true)
    if [ "$findings" -eq 0 ] && ! grep -aq '^exit status: 0$' "$place/log/$target"; then
      findings='?'
    fi
    [ "$findings" = 0 ] || found=1
    corpus=$(find "$place/corpus/$target" -type f | wc -l)
    row "$target" "$(figure "$target" 'stat::number_of_executed_units:')" \
      "$(figure "$target" 'stat::average_exec_per_sec:')" "$(figure "$target" 'cov:')" \
      "$corpus" "$findings"
  done
  [ "$found" = 0 ] || echo "what was found: $place/found, with its story: $place/log" >&2
  return "$found"
}

if [ "${1:-}" = run ]; then
  run "$2"
  exit
fi

targets=${ONLY:-$(all)}
for target in $targets; do
  [ -n "$(folder_of "$target")" ] || {
    echo "fuzz.sh: there is no target $target; there are:" "$(all | tr '\n' ' ')" >&2
    exit 2
  }
done
build exporter
build event-bridge
echo "$targets" | tr -s ' ' '\n' | xargs -P "$jobs" -n 1 "$0" run
# The names are ours and hold no spaces.
# shellcheck disable=SC2086
table $targets
