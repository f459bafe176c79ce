#!/bin/sh
# Builds the micro guest that tests, the demo and the benchmarks boot.
#
# Takes Debian's cloud kernel and busybox-static, needs no network, no root and
# no loop device, and leaves in .cache/guest/ (or in the folder given):
#   vmlinuz, initrd   the kernel and the whole guest
#   disk.raw          a data disk of 16 MiB whose first line names it
#   boot.raw          a disk whose boot sector speaks on the serial line,
#                     echoes what it is sent and obeys the power button, in a
#                     tenth of a kernel's time; deaf.raw ignores the button
#   linux.raw         a disk that boots the whole guest with a boot loader of
#                     its own; made where syslinux and mtools are installed
# Running it again when nothing changed does nothing, in a few milliseconds.
#
# usage: scripts/guest/build.sh [FOLDER]
set -eu

here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/../../.cache/guest}

# In the order of loading. virtio_console and virtio-rng are not here on
# purpose: each module costs a few milliseconds of boot.
modules='
  drivers/virtio/virtio_ring.ko drivers/virtio/virtio.ko
  drivers/virtio/virtio_pci_legacy_dev.ko drivers/virtio/virtio_pci_modern_dev.ko
  drivers/virtio/virtio_pci.ko
  drivers/block/virtio_blk.ko
  net/core/failover.ko drivers/net/net_failover.ko drivers/net/virtio_net.ko
  drivers/input/evdev.ko drivers/acpi/button.ko
  drivers/misc/pvpanic/pvpanic.ko drivers/misc/pvpanic/pvpanic-pci.ko'

die() {
  echo "build.sh: $1" >&2
  exit 1
}

newest_kernel() {
  for image in /boot/vmlinuz-*-cloud-amd64 /boot/vmlinuz-*-amd64 /boot/vmlinuz-*; do
    [ -d "/lib/modules/${image#/boot/vmlinuz-}" ] && echo "$image" && return
  done
  die 'no kernel with modules in /boot; apt-get install linux-image-cloud-amd64'
}

make_initrd() { # make_initrd KERNEL_RELEASE
  root=$out/root.$$
  trap 'rm -rf "$root"' EXIT
  mkdir -p "$root/bin" "$root/modules" "$root/dev" "$root/proc" "$root/sys" "$root/tmp"
  cp "$busybox" "$root/bin/busybox"
  for applet in $("$busybox" --list); do
    [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
  done
  for module in $modules; do
    # A module that the kernel has built in is simply not there.
    [ -f "/lib/modules/$1/kernel/$module" ] || continue
    cp "/lib/modules/$1/kernel/$module" "$root/modules/"
    echo "${module##*/}" >>"$root/modules/order"
  done
  cp "$here/init" "$root/init"
  chmod 755 "$root/init"
  # Not compressed: unpacking gzip under TCG costs more than reading it.
  (cd "$root" && find . | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet) >"$out/initrd.new"
  mv "$out/initrd.new" "$out/initrd"
}

make_data_disk() {
  echo 'usher-guest data disk' >"$out/disk.raw.new"
  truncate -s 16M "$out/disk.raw.new"
  mv "$out/disk.raw.new" "$out/disk.raw"
}

make_boot_disk() { # make_boot_disk NAME POWER_BUTTON_MASK
  # Says its line on COM1, sends back whatever it is sent, byte by byte, and
  # switches off when the power button is pressed (a PIIX4 at 0x600, as
  # SeaBIOS sets up machine type pc), unless the mask is 0:
  #   xor ax,ax; mov ds,ax; sti; mov dx,0x602; mov ax,MASK<<8; out dx,ax
  #   mov dx,0x3fa; mov al,7; out dx,al; mov dl,0xf8; mov si,0x7c44; cld
  #   say:  lodsb; test al,al; jz poll; out dx,al; jmp say
  #   poll: mov dx,0x3fd; in al,dx; test al,1; jnz echo
  #         mov dx,0x600; in ax,dx; test ah,1; jnz off; hlt; jmp poll
  #   off:  mov dx,0x604; mov ax,0x2000; out dx,ax; hlt; jmp poll
  #   echo: mov dl,0xf8; in al,dx; out dx,al; jmp poll
  {
    printf '\061\300\216\330\373\272\002\006\270\000'
    printf "\\$2"
    printf '\357\272\372\003\260\007\356\262\370\276\104\174\374\254\204\300\164\003\356\353\370\272\375\003\354\250\001\165\026\272\000\006\355\366\304\001\165\003\364\353\354\272\004\006\270\000\040\357\364\353\342\262\370\354\356\353\334'
    printf 'usher-boot-sector speaks\r\n'
  } >"$out/$1.new"
  truncate -s 510 "$out/$1.new"
  printf '\125\252' >>"$out/$1.new"
  truncate -s 1M "$out/$1.new"
  mv "$out/$1.new" "$out/$1"
}

make_linux_disk() {
  rm -f "$out/linux.raw.new"
  truncate -s 40M "$out/linux.raw.new"
  # 80 cylinders of 16 heads and 63 sectors: a disk without partitions, so that
  # the boot sector of its FAT is the one that the firmware starts.
  mformat -i "$out/linux.raw.new" -t 80 -h 16 -s 63 ::
  syslinux --install "$out/linux.raw.new"
  mcopy -i "$out/linux.raw.new" "$out/vmlinuz" "$out/initrd" ::
  printf '%s\n' 'DEFAULT usher' 'LABEL usher' '  KERNEL vmlinuz' '  INITRD initrd' \
    '  APPEND console=ttyS0 no_timer_check quiet usher.from=disk' |
    mcopy -i "$out/linux.raw.new" - ::syslinux.cfg
  mv "$out/linux.raw.new" "$out/linux.raw"
}

busybox=$(command -v busybox) || die 'no busybox; apt-get install busybox-static'
command -v cpio >/dev/null || die 'no cpio; apt-get install cpio'
kernel=$(newest_kernel)

# What the guest was made of; the same again means there is nothing to do.
loader=yes
for tool in syslinux mformat mcopy; do
  command -v "$tool" >/dev/null || loader=no
done
stamp="$kernel $(stat -c '%s %Y' "$kernel" "$busybox" | tr '\n' ' ')$(cat "$here/init" "$here/build.sh" | cksum) $loader"
if [ -f "$out/stamp" ] && [ "$(cat "$out/stamp")" = "$stamp" ]; then
  exit 0
fi

mkdir -p "$out"
out=$(cd "$out" && pwd)
# Two builds at once (tests run in parallel) must not tread on each other.
exec 9>"$out/lock"
flock 9
if [ -f "$out/stamp" ] && [ "$(cat "$out/stamp")" = "$stamp" ]; then
  exit 0
fi
cp "$kernel" "$out/vmlinuz.new"
mv "$out/vmlinuz.new" "$out/vmlinuz"
make_initrd "${kernel#/boot/vmlinuz-}"
make_data_disk
make_boot_disk boot.raw 001
make_boot_disk deaf.raw 000
if [ $loader = yes ]; then make_linux_disk; else rm -f "$out/linux.raw"; fi
echo "$stamp" >"$out/stamp.new"
mv "$out/stamp.new" "$out/stamp"
echo "build.sh: guest of ${kernel#/boot/vmlinuz-} is in $out"
