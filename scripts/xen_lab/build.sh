#!/bin/bash
# Builds the lab in which usher's Xen driver is tested: the real hypervisor, a
# dom0 of Debian's packages and a guest for it, to be booted inside QEMU.
#
# Which Xen and which kernels is asked of apt: the newest that the mirror has.
# Packages are fetched and verified by apt as if nothing were installed, and
# unpacked (docs/decisions/0020-a-base-debian-unpacked.md). Needs root, apt,
# binutils, e2fsprogs, kmod, lz4, xz-utils and the micro guest (../guest/build.sh),
# and leaves in .cache/xen_lab/ (or in the folder given):
#   xen, vmlinux, initrd   the hypervisor, and the kernel of a dom0
#   disk.raw               its root file system, to be booted by overlays
#   versions               what all of it was made of
# Running it again when nothing changed does nothing.
#
# usage: scripts/xen_lab/build.sh [FOLDER]
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
guest=$here/../guest
micro=$here/../../.cache/guest
out=${1:-$here/../../.cache/xen_lab}
asked=(xen-system-amd64 qemu-system-xen linux-image-amd64 linux-image-cloud-amd64)

die() {
  echo "build.sh: $1" >&2
  exit 1
}

for tool in apt-get mke2fs depmod modprobe lz4 xz cpio as ld; do
  command -v "$tool" >/dev/null || PATH=$PATH:/usr/sbin:/sbin command -v "$tool" >/dev/null ||
    die "no $tool; run scripts/setup.sh"
done
PATH=$PATH:/usr/sbin:/sbin

"$guest/build.sh" >/dev/null
mkdir -p "$out"
out=$(cd "$out" && pwd)
codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)

# What it is made of; the same again means there is nothing to do.
known=$(apt-cache policy "${asked[@]}" 2>/dev/null | grep Candidate | tr -d '\n' || true)
stamp="$codename $known $(cat "$micro/stamp" "$here"/* "$guest"/debian* | cksum)"
up_to_date() { [ -f "$out/stamp" ] && [ "$(cat "$out/stamp")" = "$stamp" ]; }
if up_to_date; then exit 0; fi
exec 9>"$out/lock"
flock 9
if up_to_date; then exit 0; fi

work=$out/work.$$
trap 'rm -rf "$work"' EXIT
root=$work/root
# Kept, so that a change of the lab fetches nothing again.
archives=$out/archives
# shellcheck source=scripts/guest/debian_root.sh
. "$guest/debian_root.sh"

# What package $1 needs whose name begins with $2.
needed() {
  apt-cache "${apt_options[@]}" depends "$1" | sed -n "s/^ *Depends: \($2[^ ]*\)$/\1/p" | head -n 1
}

# The file of package $1, as apt names it.
archive_of() {
  local file
  for file in "$archives/$1"_*.deb; do
    # The newest last.
    [ -f "$file" ] && printf '%s\n' "$file"
  done | sort -V | tail -n 1
}

# Names what apt has today, and fetches it.
fetch_all() {
  hypervisor=$(needed xen-system-amd64 xen-hypervisor-[0-9])
  utils=$(needed xen-system-amd64 xen-utils-[0-9])
  host_kernel=$(needed linux-image-amd64 linux-image-)
  guest_kernel=$(needed linux-image-cloud-amd64 linux-image-)
  [ -n "$hypervisor" ] && [ -n "$utils" ] && [ -n "$host_kernel" ] && [ -n "$guest_kernel" ] || return 1
  wanted=('?essential' "$utils" qemu-system-xen xenstore-utils mount kmod iproute2 busybox-static)
  # All of them, also those that are there already.
  mkdir -p "$work/none/partial"
  apt-get "${apt_options[@]}" -o "Dir::Cache::archives=$work/none" \
    --print-uris --no-install-recommends install "${wanted[@]}" >"$work/uris"
  fetch_packages "${wanted[@]}"
  # Without what kernels need to be installed.
  (cd "$archives" && apt-get "${apt_options[@]}" download "$hypervisor" "$host_kernel" "$guest_kernel")
}

# The files that apt named, without those of scripts that are not run and of
# what a dom0 of tests has no use for.
root_archives() {
  awk '{ print $2 }' "$work/uris" | while read -r file; do
    case $file in
      perl-modules* | libperl* | perl_* | gcc-* | python3* | libpython3* | udev_* | *-dev_* | ucf_*) ;;
      systemd* | dbus* | media-types* | tzdata* | iso-codes*) ;;
      *.deb) printf '%s\n' "$archives/$file" ;;
    esac
  done
}

# The kernel's ELF file out of the compressed image $1, into $2: unpacking it
# under emulation, at each boot of each guest, would cost seconds.
unpack_kernel() {
  local setup offset length start magic
  setup=$(od -An -tu1 -j497 -N1 "$1" | tr -d ' ')
  offset=$(od -An -tu4 -j584 -N4 "$1" | tr -d ' ')
  length=$(od -An -tu4 -j588 -N4 "$1" | tr -d ' ')
  start=$(((${setup/#0/4} + 1) * 512 + offset))
  # Behind the payload stands its unpacked size, in four bytes.
  tail -c "+$((start + 1))" "$1" | head -c "$((length - 4))" >"$work/payload" || true
  magic=$(od -An -tx1 -N4 "$work/payload" | tr -d ' ')
  case $magic in
    fd377a58) xz -dc --single-stream "$work/payload" >"$2" ;;
    02214c18) lz4 -dcq "$work/payload" >"$2" ;;
    28b52ffd) zstd -dcq "$work/payload" >"$2" ;;
    1f8b*) gzip -dcq "$work/payload" >"$2" 2>/dev/null || true ;;
    *) die "the kernel of $1 is packed in an unknown way: $magic" ;;
  esac
  [ "$(head -c 4 "$2" | tail -c 3)" = ELF ] || die "no ELF file is in $1"
}

# Modules of the kernel in $1 of release $2, with what they need, in the order of loading.
modules_of() { # modules_of TREE RELEASE NAME...
  local tree=$1 release=$2
  shift 2
  for module; do
    modprobe -d "$tree" -S "$release" --show-depends "$module" 2>/dev/null |
      sed -n 's/^insmod \([^ ]*\).*/\1/p'
  done | awk '!seen[$0]++'
}

make_root() {
  local files module release=${host_kernel#linux-image-}
  mapfile -t files < <(root_archives)
  unpack_packages "$root" "${files[@]}"
  add_accounts "$root"
  depmod -b "$work/host" "$release"
  while read -r module; do
    install -D -m 644 "$module" "$root/lib/modules/$release/${module#*/lib/modules/"$release"/}"
  done < <(modules_of "$work/host" "$release" "${dom0_modules[@]}")
  cp "$work/host/lib/modules/$release"/modules.{order,builtin,builtin.modinfo} "$root/lib/modules/$release/"
  depmod -b "$root" "$release"
}

# What a dom0 needs of its kernel: Xen's devices, back ends for guests' disks
# and interfaces, a bridge, and doors for the tests.
dom0_modules=(
  virtio_net virtio_console xenfs xen-evtchn xen-gntdev xen-gntalloc xen-privcmd
  xen-netback xen-blkback bridge loop
)

settle_root() {
  chroot "$root" /sbin/ldconfig
  echo 5f1e6a0d2b7c4e59a1c3d8f04b6e7a93 >"$root/etc/machine-id"
  echo '127.0.0.1 localhost' >"$root/etc/hosts"
  # Every line that a guest prints, for the history of its console.
  echo 'XENCONSOLED_ARGS="--log=all"' >>"$root/etc/default/xen"
  mkdir -p "$root/var/log/xen/console" "$root/usr/local/sbin" "$root/usr/local/bin" "$root/srv"
  install -m 755 "$guest/debian_shell" "$root/usr/local/sbin/test-shell"
  install -m 755 "$here/dom0_start" "$root/usr/local/sbin/lab-start"
  install -m 755 "$here/dom0_door" "$root/usr/local/sbin/lab-door"
  install -m 644 "$here/dom0_inittab" "$root/etc/inittab"
  ln -sf busybox "$root/usr/bin/init"
}

# The least guest there is; see boot_guest.S.
make_boot_guest() {
  as --32 -o "$work/boot_guest.o" "$here/boot_guest.S"
  # Where its memory may be written to is all one to it.
  ld -m elf_i386 -N --no-warn-rwx-segments -s -Ttext=0x100000 -e start \
    -o "$root/srv/guest/boot_guest" "$work/boot_guest.o"
}

# The least guest with firmware; see hvm_sector.S.
make_hvm_guest() {
  as --32 -o "$work/hvm_sector.o" "$here/hvm_sector.S"
  ld -m elf_i386 --oformat binary -Ttext=0x7c00 -e start -o "$work/hvm_sector" "$work/hvm_sector.o"
  cp "$work/hvm_sector" "$root/srv/guest/hvm.raw"
  truncate -s 1M "$root/srv/guest/hvm.raw"
}

# A whole Linux: the micro guest, its front ends, and the wish of its toolstack
# to be switched off heard.
make_guest() {
  local module release=${guest_kernel#linux-image-} more=$work/guest_more
  mkdir -p "$root/srv/guest" "$more/modules" "$more/sbin"
  unpack_kernel "$work/guest/boot/vmlinuz-$release" "$root/srv/guest/vmlinux"
  depmod -b "$work/guest" "$release"
  for module in $(modules_of "$work/guest" "$release" xen-blkfront xen-netfront); do
    cp "$module" "$more/modules/"
    echo "${module##*/}" >>"$more/modules/order"
  done
  for module in poweroff reboot; do
    install -m 755 "$here/guest_$module" "$more/sbin/$module"
  done
  # The kernel unpacks one archive after another into the same root.
  {
    cat "$micro/initrd"
    (cd "$more" && find . | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet)
  } >"$root/srv/guest/initrd"
}

make_dom0_initrd() {
  local module release=${host_kernel#linux-image-} first=$work/first at=10
  mkdir -p "$first"/{bin,dev,proc,sys,system,modules}
  cp "$root/usr/bin/busybox" "$first/bin/"
  for module in $(modules_of "$work/host" "$release" virtio_pci virtio_blk ext4); do
    # Where the processor has none, generic code does the same.
    case $module in *crc32c-intel*) continue ;; esac
    cp "$module" "$first/modules/$at-${module##*/}"
    at=$((at + 1))
  done
  install -m 755 "$here/dom0_init" "$first/init"
  (cd "$first" && find . | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet) >"$out/initrd.new"
}

make_disk() {
  rm -f "$out/disk.raw.new"
  truncate -s 2G "$out/disk.raw.new"
  mke2fs -q -t ext4 -O '^has_journal,^metadata_csum' \
    -E lazy_itable_init=1,root_owner=0:0 -d "$root" "$out/disk.raw.new"
}

mkdir -p "$root"
prepare_apt
fetch_all 2>/dev/null || {
  renew_lists
  fetch_all
}
dpkg-deb -x "$(archive_of "$hypervisor")" "$work/hypervisor"
dpkg-deb -x "$(archive_of "$host_kernel")" "$work/host"
dpkg-deb -x "$(archive_of "$guest_kernel")" "$work/guest"
# QEMU boots what is a plain ELF file.
gzip -dc "$work/hypervisor"/boot/xen-[0-9]*.gz >"$out/xen.new"
unpack_kernel "$work/host/boot/vmlinuz-${host_kernel#linux-image-}" "$out/vmlinux.new"
make_root
settle_root
make_guest
make_boot_guest
make_hvm_guest
make_dom0_initrd
make_disk
for name in xen vmlinux initrd disk.raw; do mv "$out/$name.new" "$out/$name"; done
{
  for package in "$hypervisor" qemu-system-xen "$host_kernel" "$guest_kernel"; do
    dpkg-deb -W "$(archive_of "$package")"
  done
} >"$out/versions"
echo "$stamp" >"$out/stamp.new"
mv "$out/stamp.new" "$out/stamp"
echo "build.sh: a lab with $hypervisor and $host_kernel is in $out"
