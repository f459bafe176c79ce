# The least guest that Xen runs as HVM: the boot sector of a disk, whose one
# sector is all there is to it. It is what a guest with firmware is to the tests.
#
# It says `usher-hvm-sector speaks` on its serial line, sends back whatever it is
# sent, byte by byte, and switches off when its power button is pressed, which is
# what `xl shutdown -F` does to a guest without drivers of Xen's. Of what it is
# sent, Control-D switches it off, Control-R restarts it.
#
# It stays in real mode, as the firmware left it, and is woken by the firmware's
# timer eighteen times a second to look around.

        .code16

        .section .note.GNU-stack, "", @progbits

# Where hvmloader puts the power management of an HVM guest.
        .set    pm_status, 0xb000
        .set    pm_enable, 0xb002
        .set    pm_control, 0xb004
        .set    serial, 0x3f8

        .text
        .globl  start
start:  xor     %ax, %ax
        mov     %ax, %ds
        mov     %ax, %ss
        mov     $start, %sp
        cld
        sti
        mov     $pm_enable, %dx
        mov     $0x100, %ax             # the power button
        out     %ax, %dx
        mov     $serial + 2, %dx
        mov     $7, %al                 # with queues, emptied
        out     %al, %dx
        mov     $greeting, %si
        mov     $serial, %dx
1:      lodsb
        test    %al, %al
        jz      loop
        out     %al, %dx
        jmp     1b

loop:   mov     $serial + 5, %dx
        in      %dx, %al
        test    $1, %al
        jnz     echo
        mov     $pm_status, %dx
        in      %dx, %ax
        test    $0x100, %ax
        jnz     off
        hlt
        jmp     loop

echo:   mov     $serial, %dx
        in      %dx, %al
        cmp     $4, %al
        je      off
        cmp     $18, %al
        je      reset
        out     %al, %dx
        jmp     loop

off:    mov     $pm_control, %dx
        mov     $0x2000, %ax            # to sleep, in the state that hvmloader calls off
        out     %ax, %dx
        hlt
        jmp     loop

reset:  mov     $0xcf9, %dx
        mov     $6, %al
        out     %al, %dx
        hlt
        jmp     loop

greeting:
        .asciz  "usher-hvm-sector speaks\r\n"
        .org    510
        .byte   0x55, 0xaa
