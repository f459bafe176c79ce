#!/usr/bin/env bash
# Makes a Debian machine ready to build, test and try usher: says what it is
# about to install, installs only what is missing, and does nothing when there
# is nothing to do. Needs Node, npm and apt, and root or sudo for apt.
#
#   scripts/setup.sh [--quiet | --to-try]
#
# --quiet says nothing when all is there; --to-try leaves out what only the
# tests need.
set -euo pipefail
root="$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)"
cd "$root"

case "${1:-}" in
  '' | --quiet | --to-try) ;;
  *)
    echo "setup: Unknown argument \"$1\": there are --quiet and --to-try" >&2
    exit 64
    ;;
esac

# QEMU runs the guests; kernel, busybox and cpio become the micro guest; git
# names the commit.
packages=(
  qemu-system-x86 qemu-utils linux-image-cloud-amd64 busybox-static cpio
  git ca-certificates
)
# syslinux and mtools make a disk that boots, e2fsprogs one with a Debian;
# iproute2 makes bridges and nftables breaks links; faketime sets the clock of a
# process; curl runs the examples of the documentation; openssl judges
# certificates; in zsh and fish the tests press Tab; chromium shows the page of
# the API; libvirt runs guests of its own; then what plugins speak to; then what
# makes a client in Perl of the OpenAPI document; the last line builds the Xen lab.
if [ "${1:-}" != --to-try ]; then
  packages+=(syslinux mtools e2fsprogs iproute2 nftables faketime openssl)
  packages+=(curl zsh fish chromium)
  packages+=(libvirt-daemon-system libvirt-clients)
  packages+=(bind9 bind9-dnsutils slapd ldap-utils postgresql)
  packages+=(libopenapi-client-perl libio-socket-ssl-perl)
  packages+=(binutils kmod lz4 xz-utils)
fi
# Tests start servers of their own: those that come with these packages are to
# run neither now nor after the next boot.
services=(named slapd postgresql libvirtd)

die() {
  echo "setup: $1" >&2
  shift
  if [ $# -gt 0 ]; then printf '  %s\n' "$@" >&2; fi
  exit 1
}

missing_packages() {
  local package status
  for package in "${packages[@]}"; do
    status="$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)"
    [ "$status" = installed ] || echo "$package"
  done
}

# The packages of node_modules are those of this deno.lock, whole: the copy is
# made when all is there.
have_npm_packages() { cmp -s deno.lock node_modules/.deno.lock; }

# Says all that is missing before any of it is installed.
announce() {
  local lines=()
  if [ ${#missing[@]} -gt 0 ]; then lines+=("from Debian, with apt: ${missing[*]}"); fi
  if ! scripts/deno --have; then lines+=('from npm, into .tools: Deno'); fi
  if ! have_npm_packages; then
    lines+=('from npm, into node_modules: what deno.lock names')
  fi
  if [ ! -f .cache/guest/initrd ]; then
    lines+=('made of the kernel and busybox, into .cache: a micro guest')
  fi
  if [ ${#lines[@]} -gt 0 ]; then
    echo 'This is about to install'
    printf '  %s\n' "${lines[@]}"
  fi
}

# Root's rights, once it is sure that they can be had.
as_root=()
require_root() {
  if [ "$(id -u)" = 0 ]; then return; fi
  local by_hand="apt-get install --no-install-recommends ${missing[*]}"
  command -v sudo >/dev/null ||
    die 'Cannot install from Debian: you are not root, and there is no sudo' \
      'As root, run:' "  $by_hand" 'then this again.'
  # On a terminal sudo may ask for the password, here and not half way.
  local ask=(sudo -n true)
  if [ -t 0 ] && [ -t 2 ]; then ask=(sudo -v); fi
  "${ask[@]}" || die 'Cannot install from Debian: sudo refuses' \
    'As root, run:' "  $by_hand" 'then this again.'
  as_root=(sudo -n)
}

# Debian starts what it installs, unless this says no. Where a machine has such
# a policy already, it stays as it is.
policy=/usr/sbin/policy-rc.d
policy_mark='# of usher, while its setup runs'
may_write_policy() { [ ! -e "$policy" ] || grep -qsF "$policy_mark" "$policy"; }
forbid_services() {
  if ! may_write_policy; then return; fi
  printf '#!/bin/sh\n%s\nexit 101\n' "$policy_mark" |
    "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
}
allow_services() {
  if ! grep -qsF "$policy_mark" "$policy"; then return; fi
  "${as_root[@]}" rm -f "$policy"
}

# Whether service $1 comes with a package that is missing now.
is_new_service() {
  case "$1" in
    named) [[ " ${missing[*]} " == *' bind9 '* ]] ;;
    libvirtd) [[ " ${missing[*]} " == *' libvirt-daemon-system '* ]] ;;
    *) [[ " ${missing[*]} " == *" $1 "* ]] ;;
  esac
}
disable_services() {
  # No init, no services.
  [ -d /run/systemd/system ] || return 0
  local service
  for service in "${services[@]}"; do
    if is_new_service "$service"; then
      "${as_root[@]}" systemctl disable --quiet "$service" || true
    fi
  done
}

install_packages() {
  command -v apt-get >/dev/null ||
    die "This is no Debian; install what is like: ${missing[*]}"
  require_root
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive)
  local options=(
    -qq -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -o Acquire::Retries=3
  )
  trap allow_services EXIT
  forbid_services
  # An installation that was interrupted is ended first.
  scripts/progress 600 'dpkg settles what was left' \
    "${apt[@]}" dpkg --configure -a
  scripts/progress 600 'apt reads what Debian has' \
    "${apt[@]}" apt-get "${options[@]}" update
  scripts/progress 1200 "apt installs ${#missing[@]} packages and what they need" \
    "${apt[@]}" apt-get "${options[@]}" install --no-install-recommends \
    "${missing[@]}" ||
    die "Cannot install from Debian: ${missing[*]}"
  disable_services
  allow_services
}

# Two of these at once: the second waits, then finds everything there.
mkdir -p .tools .cache
exec 8>.tools/setup.lock
flock 8

command -v npm >/dev/null || die 'Node and npm are needed, and npm is not here' \
  'On Debian: apt-get install npm'
mapfile -t missing < <(missing_packages)
announce
if [ ${#missing[@]} -gt 0 ]; then install_packages; fi
scripts/deno --path >/dev/null
if ! have_npm_packages; then
  scripts/progress 600 'npm packages come into node_modules' \
    scripts/deno install --quiet --frozen
  cp deno.lock node_modules/.deno.lock
fi
if [ -f .cache/guest/initrd ]; then
  scripts/guest/build.sh >/dev/null
else
  scripts/progress 300 'the micro guest is made' scripts/guest/build.sh
fi

[ "${1:-}" = --quiet ] || echo 'ready: QEMU, a micro guest and Deno are here'
