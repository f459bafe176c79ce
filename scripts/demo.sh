#!/usr/bin/env bash
# Real VMs on this machine, from nothing: installs what is missing, builds
# usher, starts a controller and two nodes, and starts three QEMU guests that
# it lists, looks at and stops. Cleans up after itself; may be run again.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

scripts/setup.sh
scripts/deno task --quiet compile

state="$(mktemp -d "${TMPDIR:-/tmp}/usher-demo.XXXXXX")"
dev=
stop() {
  trap - EXIT INT TERM
  if [ -n "$dev" ] && kill -TERM "$dev" 2>/dev/null; then
    # Without a terminal, dev powers its guests off before it ends.
    wait "$dev" || true
  fi
  rm -rf "$state"
}
trap stop EXIT
trap 'exit 130' INT TERM

say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; }

# Shows a command as a person would type it, then runs it.
show() {
  say "$@"
  "$@"
}

# In words that a person can copy: usher is the executable just built.
PATH="$PWD/dist:$PATH"
export USHERCLI_CONFIG="$state/cli.yaml"

say "usher dev --nodes 2 --driver qemu --state $state &"
usher dev --nodes 2 --driver qemu --state "$state" \
  </dev/null >"$state/dev.log" 2>&1 &
dev=$!
for _ in $(seq 1 300); do
  grep -q '^ready' "$state/dev.log" && break
  if ! kill -0 "$dev" 2>/dev/null; then
    cat "$state/dev.log" >&2
    echo "demo: usher dev ended before it was ready" >&2
    exit 1
  fi
  sleep 0.1
done
grep -m 1 '^ready' "$state/dev.log" || {
  cat "$state/dev.log" >&2
  echo "demo: usher dev was not ready within 30 s" >&2
  exit 1
}

show usher node list
show usher vm start web -n 3 --memory 128MiB \
  --kernel "$PWD/.cache/guest/vmlinuz" --initrd "$PWD/.cache/guest/initrd" \
  --cmdline 'console=ttyS0 quiet'
show usher vm list -o wide
show usher vm show web-1

say "usher vm console web-1   # what the guest has printed"
# The guest is up two seconds after its start; its last line says so.
for _ in $(seq 1 5); do
  timeout 40 usher vm console web-1 --linger 8s >"$state/console" 2>&1 </dev/null || true
  grep -q 'usher-guest ready' "$state/console" && break
  sleep 0.2
done
tail -n 5 "$state/console"

show usher vm shutdown web-1
show usher vm list
show usher vm destroy web-1 web-2 web-3

printf '\nThat was a controller, two nodes and three real VMs.\n'
