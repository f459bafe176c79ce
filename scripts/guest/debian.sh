#!/bin/bash
# Builds the Debian that tests boot where usher is to run under systemd.
#
# apt fetches and verifies Debian's essential packages, systemd and passwd as if
# nothing were installed (docs/decisions/0020-a-base-debian-unpacked.md); they
# are unpacked, with the QEMU of this machine and a guest for it. Needs root,
# apt, the micro guest (build.sh) and e2fsprogs, and leaves in .cache/debian/
# (or in the folder given):
#   disk.raw   the root file system, to be booted as a snapshot
#   initrd     what mounts it and becomes its systemd
# Its one door is the virtio port: see debian_shell. Running it again when
# nothing changed does nothing.
#
# usage: scripts/guest/debian.sh [FOLDER]
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
micro=$here/../../.cache/guest
out=${1:-$here/../../.cache/debian}
packages=('?essential' systemd systemd-sysv passwd)
qemu=$(command -v qemu-system-x86_64)

die() {
  echo "debian.sh: $1" >&2
  exit 1
}

"$here/build.sh" >/dev/null
mkdir -p "$out"
out=$(cd "$out" && pwd)
codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
kernel=$(cut -d' ' -f1 "$micro/stamp")
modules=/lib/modules/${kernel#/boot/vmlinuz-}/kernel

# What it is made of; the same again means there is nothing to do.
stamp="$codename ${packages[*]} $(stat -c '%s %Y' "$qemu" | tr '\n' ' ')$(cat "$micro/stamp" "$here"/debian* | cksum)"
up_to_date() { [ -f "$out/stamp" ] && [ "$(cat "$out/stamp")" = "$stamp" ]; }
if up_to_date; then exit 0; fi
exec 9>"$out/lock"
flock 9
if up_to_date; then exit 0; fi

work=$out/work.$$
trap 'rm -rf "$work"' EXIT
root=$work/root
# shellcheck source=scripts/guest/debian_root.sh
. "$here/debian_root.sh"

# For scripts of packages alone, which are not run.
without_scripts() {
  local package
  for package in "$archives"/*.deb; do
    case ${package##*/} in perl-modules*|libperl*|perl_*|gcc-*) continue ;; esac
    printf '%s\n' "$package"
  done
}

unpack_all() {
  local files
  mapfile -t files < <(without_scripts)
  unpack_packages "$root" "${files[@]}"
  add_accounts "$root"
  mkdir -p "$root/usr/local/bin" "$root/usr/local/sbin"
  chroot "$root" systemd-sysusers >/dev/null 2>&1
}

# The QEMU that this machine has, with what it is loaded with.
add_qemu() {
  local library module modules_of_qemu
  cp "$qemu" "$root/usr/bin/"
  cp "$(command -v qemu-img)" "$root/usr/bin/"
  { ldd "$qemu"; ldd "$(command -v qemu-img)"; } | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' | sort -u |
    while read -r library; do
      # The root's own libraries stay: they are what usher itself is to run with.
      [ -e "$root/usr/lib/x86_64-linux-gnu/${library##*/}" ] ||
        cp "$library" "$root/usr/lib/x86_64-linux-gnu/"
    done
  # What runs guests without KVM is a module of its own, which it looks for there.
  modules_of_qemu=/usr/lib/x86_64-linux-gnu/qemu
  mkdir -p "$root$modules_of_qemu"
  for module in "$modules_of_qemu"/accel-tcg-*.so; do
    if [ -e "$module" ]; then cp "$module" "$root$modules_of_qemu/"; fi
  done
  cp -r /usr/share/seabios "$root/usr/share/"
  cp -r /usr/share/qemu "$root/usr/share/"
  cp "$(command -v busybox)" "$root/usr/bin/"
  mkdir -p "$root/srv/guest"
  cp "$micro/boot.raw" "$root/srv/guest/"
}

settle() {
  chroot "$root" /sbin/ldconfig
  # One that is there already: its first boot was before.
  echo 5f1e6a0d2b7c4e59a1c3d8f04b6e7a92 >"$root/etc/machine-id"
  echo node1 >"$root/etc/hostname"
  echo '127.0.0.1 localhost node1' >"$root/etc/hosts"
  install -m 755 "$here/debian_shell" "$root/usr/local/sbin/test-shell"
  install -m 644 "$here/debian_shell.service" "$root/etc/systemd/system/test-shell.service"
  local unit
  mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
  ln -s ../test-shell.service "$root/etc/systemd/system/multi-user.target.wants/"
  ln -s /usr/lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
  # What a guest of one test has no use for, and would wait for.
  for unit in getty.target systemd-networkd systemd-resolved systemd-timesyncd \
    systemd-logind systemd-user-sessions systemd-hwdb-update \
    systemd-pstore e2scrub_reap apt-daily.timer apt-daily-upgrade.timer \
    dpkg-db-backup.timer fstrim.timer e2scrub_all.timer motd-news.timer; do
    case $unit in *.*) ;; *) unit=$unit.service ;; esac
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
  done
}

make_disk() {
  rm -f "$out/disk.raw.new"
  truncate -s 1536M "$out/disk.raw.new"
  mke2fs -q -t ext4 -O ^has_journal -E lazy_itable_init=1 -d "$root" "$out/disk.raw.new"
  mv "$out/disk.raw.new" "$out/disk.raw"
}

make_initrd() {
  mkdir -p "$work/first"
  install -m 755 "$here/debian_init" "$work/first/boot"
  cp "$modules/drivers/char/virtio_console.ko" "$work/first/"
  # The kernel unpacks one archive after another into the same root.
  cp "$micro/initrd" "$out/initrd.new"
  (cd "$work/first" && find . | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet) >>"$out/initrd.new"
  mv "$out/initrd.new" "$out/initrd"
}

prepare_apt
fetch_packages "${packages[@]}" 2>/dev/null || {
  renew_lists
  fetch_packages "${packages[@]}"
}
unpack_all
add_qemu
settle
make_disk
make_initrd
echo "$stamp" >"$out/stamp.new"
mv "$out/stamp.new" "$out/stamp"
echo "debian.sh: Debian $codename is in $out"
