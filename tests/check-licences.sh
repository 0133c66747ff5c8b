#!/bin/sh
# Every dependency has a licence that goes with MIT.
set -eu

# A dependency passes when one of its alternatives ("A OR B") is made of these alone.
allowed='MIT|Apache-2.0|Apache-2.0 WITH LLVM-exception|BSD-2-Clause|BSD-3-Clause|ISC|Zlib|Unlicense|Unicode-3.0|CC0-1.0|BSL-1.0'

bad=$(cargo metadata --locked --format-version 1 | jq -r --arg allowed "$allowed" '
  ($allowed | split("|")) as $good
  | .packages[]
  | (.license // "none") as $licence
  | ($licence | gsub("[()]"; "") | gsub("/"; " OR ") | split(" OR ")
     | map(split(" AND ") | all(. as $one | $good | index($one)))
     | any) as $fits
  | select($fits | not)
  | "\(.name) \(.version): \($licence)"')

if [ -n "$bad" ]; then
  echo "dependencies whose licence does not go with MIT:" >&2
  echo "$bad" >&2
  exit 1
fi
