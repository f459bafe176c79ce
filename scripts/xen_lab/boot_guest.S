# The least guest that Xen runs as PVH: what a boot sector is to QEMU's tests.
#
# It is up at once and idles for nothing, where a Linux needs a minute of a
# processor that is emulated twice. It says `usher-boot-guest speaks` on its
# console, sends back whatever it is sent, byte by byte, and obeys its toolstack:
# poweroff, reboot, and the suspension that saving and moving begin with. Of what
# it is sent, Control-C crashes it, Control-D switches it off, Control-R restarts it.
#
# Words of its command line:
#   deaf   a wish to switch off or to restart is heard, and nothing done
#   busy   uses a little of its processor all the time
#
# It starts in protected mode without paging, where its own memory and the
# pages that Xen shares with it lie at their physical addresses, and interrupts
# are off: it waits in the hypervisor for one of two event channels, or for the time
# to be busy again: a periodic timer of Xen does not ring for who waits.

        .code32

        .section .note.GNU-stack, "", @progbits
        .section .note.Xen, "", @note   # looked for, and not loaded
        .long   4, 4, 18                # XEN_ELFNOTE_PHYS32_ENTRY
        .asciz  "Xen"
        .long   start

# Hypercalls, by their number; arguments are in ebx, ecx and edx.
        .macro  hypercall number
        mov     $(hypercalls + \number * 32), %eax
        call    *%eax
        .endm
        .set    memory_op, 12
        .set    sched_op, 29
        .set    event_channel_op, 32
        .set    hvm_op, 34

# Where the rings of store and console have their indices.
        .set    req_prod, 2052
        .set    rsp_cons, 2056
        .set    rsp_prod, 2060
        .set    in_cons, 3072
        .set    in_prod, 3076
        .set    out_cons, 3080
        .set    out_prod, 3084

        .text
        .globl  start
start:  mov     $stack, %esp
        cld
        mov     24(%ebx), %esi          # hvm_start_info.cmdline_paddr
        test    %esi, %esi
        jz      3f
1:      cmpb    $0, (%esi)
        je      3f
        cmpl    $0x66616564, (%esi)     # deaf
        jne     2f
        movb    $1, deaf
2:      cmpl    $0x79737562, (%esi)     # busy
        jne     2f
        movb    $1, busy
2:      inc     %esi
        jmp     1b

3:      mov     $0x40000000, %esi
1:      mov     %esi, %eax
        cpuid
        cmp     $0x566e6558, %ebx       # XenV
        je      1f
        add     $0x100, %esi
        jmp     1b
1:      lea     2(%esi), %eax
        cpuid
        mov     %ebx, %ecx              # the register that fills in the page
        mov     $hypercalls, %eax
        xor     %edx, %edx
        wrmsr

        call    connect
        mov     $greeting, %esi
        call    say

# What has come since the last look stays pending for the next one.
loop:   mov     store_port, %eax
        lock btr %eax, shared + 2048
        mov     console_port, %eax
        lock btr %eax, shared + 2048
        call    hear
        call    echo
        cmpb    $0, busy
        je      1f
        mov     $3000000, %ecx
        loop    .
        mov     shared + 48, %eax       # system_time, of when this was let run
        mov     shared + 52, %edx
        add     $200000000, %eax        # nanoseconds
        adc     $0, %edx
        mov     %eax, poll + 8
        mov     %edx, poll + 12
1:      mov     $3, %ebx                # SCHEDOP_poll
        mov     $poll, %ecx
        hypercall sched_op
        jmp     loop

# Finds rings and event channels, which are others after a move.
connect:
        mov     $shared, %eax
        shr     $12, %eax
        mov     %eax, physmap + 12
        mov     $7, %ebx                # XENMEM_add_to_physmap
        mov     $physmap, %ecx
        hypercall memory_op
        mov     $1, %eax                # HVM_PARAM_STORE_PFN
        call    param
        shl     $12, %eax
        mov     %eax, store
        mov     $2, %eax                # HVM_PARAM_STORE_EVTCHN
        call    param
        mov     %eax, store_port
        mov     $17, %eax               # HVM_PARAM_CONSOLE_PFN
        call    param
        shl     $12, %eax
        mov     %eax, console
        mov     $18, %eax               # HVM_PARAM_CONSOLE_EVTCHN
        call    param
        mov     %eax, console_port
        movl    $0, heard
        mov     $watch, %esi
        mov     $watch_end - watch, %ecx
        jmp     send

# The parameter eax of this domain, into eax.
param:  movl    $0x7ff0, parameter      # DOMID_SELF
        mov     %eax, parameter + 4
        mov     $1, %ebx                # HVMOP_get_param
        mov     $parameter, %ecx
        hypercall hvm_op
        mov     parameter + 8, %eax
        ret

# Tells the other end of channel eax.
notify: mov     %eax, told
        mov     $4, %ebx                # EVTCHNOP_send
        mov     $told, %ecx
        hypercall event_channel_op
        ret

# Says the text at esi on the console.
say:    lodsb
        test    %al, %al
        jz      1f
        call    put
        jmp     say
1:      mov     console_port, %eax
        jmp     notify

# One byte to the console; dropped when nobody has read what was said before.
put:    mov     console, %edi
        mov     out_prod(%edi), %ecx
        mov     %ecx, %edx
        sub     out_cons(%edi), %edx
        cmp     $2048, %edx
        jae     1f
        and     $2047, %ecx
        mov     %al, 1024(%edi, %ecx)
        incl    out_prod(%edi)
1:      ret

# Sends back what was typed.
echo:   xor     %ebp, %ebp
1:      mov     console, %edi
        mov     in_cons(%edi), %ecx
        cmp     in_prod(%edi), %ecx
        je      1f
        inc     %ebp
        and     $1023, %ecx
        mov     (%edi, %ecx), %al
        incl    in_cons(%edi)
        cmp     $3, %al
        je      crash
        cmp     $4, %al
        je      poweroff
        cmp     $18, %al
        je      reboot
        call    put
        jmp     1b
1:      test    %ebp, %ebp
        jz      1f
        mov     console_port, %eax
        jmp     notify
1:      ret

# Sends ecx bytes at esi to the store.
send:   mov     store, %edi
1:      mov     req_prod(%edi), %eax
        and     $1023, %eax
        mov     (%esi), %dl
        mov     %dl, (%edi, %eax)
        incl    req_prod(%edi)
        inc     %esi
        loop    1b
        mov     store_port, %eax
        jmp     notify

# Takes what the store has sent, message by message.
hear:   xor     %ebp, %ebp
1:      mov     store, %edi
        mov     rsp_cons(%edi), %ecx
        cmp     rsp_prod(%edi), %ecx
        je      1f
        inc     %ebp
        and     $1023, %ecx
        mov     1024(%edi, %ecx), %al
        incl    rsp_cons(%edi)
        mov     heard, %ecx
        cmp     $message_end - message, %ecx
        jae     2f                      # none that matters is so long
        mov     %al, message(%ecx)
2:      incl    heard
        cmpl    $16, heard
        jb      1b
        mov     message + 12, %eax
        add     $16, %eax
        cmp     %eax, heard
        jb      1b
        movl    $0, heard
        call    obey
        jmp     1b
1:      test    %ebp, %ebp
        jz      1f
        mov     store_port, %eax
        jmp     notify
1:      ret

# Looks at the wish after news of it, takes it away when it was read, and does
# it when it is gone: the toolstack waits for that.
obey:   mov     message, %eax
        cmp     $15, %eax               # XS_WATCH_EVENT
        je      read
        cmp     $2, %eax                # XS_READ
        je      take
        cmp     $11, %eax               # XS_WRITE
        je      act
        ret
read:   mov     $ask, %esi
        mov     $ask_end - ask, %ecx
        jmp     send
take:   cmpl    $0, message + 12
        je      1f
        mov     message + 16, %al
        mov     %al, wish
        mov     $clear, %esi
        mov     $clear_end - clear, %ecx
        jmp     send
1:      ret
act:    mov     wish, %al
        movb    $0, wish
        cmp     $'s', %al
        je      suspend
        cmpb    $0, deaf
        jne     1f
        cmp     $'p', %al
        je      poweroff
        cmp     $'h', %al
        je      poweroff
        cmp     $'r', %al
        je      reboot
        ret
1:      mov     $ignored, %esi
        jmp     say

# How it ends, by what Xen calls the reason.
poweroff:
        xor     %eax, %eax
        jmp     end
reboot: mov     $1, %eax
        jmp     end
crash:  mov     $3, %eax
end:    mov     %eax, reason
        mov     $2, %ebx                # SCHEDOP_shutdown
        mov     $reason, %ecx
        hypercall sched_op
        ret

# Comes back where it went on: here, or on another host.
suspend:
        mov     $2, %eax
        call    end
        call    connect
        mov     $resumed, %esi
        jmp     say

        .section .rodata
greeting: .asciz "usher-boot-guest speaks\r\n"
ignored: .asciz "usher-boot-guest ignores it\r\n"
resumed: .asciz "usher-boot-guest goes on\r\n"

# Messages to the store: type, number, transaction, length, content.
watch:  .long   4, 0, 0, watch_end - watch - 16
        .asciz  "control/shutdown"
        .asciz  "w"
watch_end:
ask:    .long   2, 0, 0, ask_end - ask - 16
        .asciz  "control/shutdown"
ask_end:
clear:  .long   11, 0, 0, clear_end - clear - 16
        .asciz  "control/shutdown"
clear_end:

        .data
        .balign 8
physmap: .short 0x7ff0, 0               # of this domain
        .long   0, 0                    # XENMAPSPACE_shared_info
        .long   0
poll:   .long   store_port, 2
        .quad   0                       # until when; for ever
parameter: .long 0, 0
        .quad   0
told:   .long   0
reason: .long   0
store:  .long   0
console: .long  0
store_port: .long 0                     # two in a row, for `poll`
console_port: .long 0
heard:  .long   0
deaf:   .byte   0
busy:   .byte   0
wish:   .byte   0

        .bss
        .balign 4096
hypercalls: .skip 4096
shared: .skip   4096
message: .skip  128
message_end:
        .skip   4096
stack:
