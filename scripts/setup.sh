#!/usr/bin/env bash
# Makes a Debian machine ready to build, test and try usher: says what it is
# about to install, installs only what is missing, and does nothing when there
# is nothing to do. Needs Node, npm and apt, and root or sudo for apt.
#
#   scripts/setup.sh [--quiet]     --quiet: say nothing when all is there
set -euo pipefail
root="$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)"
cd "$root"

# QEMU runs the guests; kernel, busybox and cpio become the micro guest, and
# syslinux and mtools a disk that boots it; iproute2 makes bridges for a test;
# debootstrap makes the bare root of the end-to-end test; git names the commit.
packages=(
  qemu-system-x86 qemu-utils linux-image-cloud-amd64 busybox-static cpio
  syslinux mtools iproute2 debootstrap git ca-certificates
)

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

missing=()
for package in "${packages[@]}"; do
  status="$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)"
  [ "$status" = installed ] || missing+=("$package")
done

if [ ${#missing[@]} -gt 0 ]; then
  echo "installing from Debian: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  log="$(mktemp)"
  trap 'rm -f "$log"' EXIT
  {
    as_root apt-get -o DPkg::Lock::Timeout=300 -qq update &&
      as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
        -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
        install --no-install-recommends "${missing[@]}"
  } >"$log" 2>&1 </dev/null || {
    cat "$log" >&2
    echo "setup: apt could not install ${missing[*]}" >&2
    exit 1
  }
fi

scripts/deno --path >/dev/null

# The packages the program imports, as deno.lock pins them.
if [ ! -d node_modules ] || [ deno.lock -nt node_modules ]; then
  echo "installing npm packages into node_modules, as deno.lock pins them"
  scripts/deno install --quiet --frozen
  touch node_modules
fi

if [ -x scripts/guest/build.sh ]; then
  if [ ! -f .cache/guest/initrd ]; then
    echo "building the micro guest in .cache/guest"
  fi
  scripts/guest/build.sh >/dev/null
fi

[ "${1:-}" = --quiet ] || echo "ready: QEMU, a micro guest and Deno are here"
