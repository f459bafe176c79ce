/**
 * Which accelerator QEMU gets.
 *
 * `/dev/kvm` that exists and opens proves nothing: there are machines where a
 * guest under it aborts or hangs, some of them after many instructions that
 * went well. So `auto` boots one, with the processor and the kind of disk that
 * real guests get: firmware, then a boot sector that waits for two timer
 * interrupts and has QEMU exit with a code of its own. What came of it is
 * kept as long as QEMU, the boot and the device stay the same, since a trial
 * that fails takes its whole deadline.
 *
 * @module
 */
import { z } from "zod";
import {
  readTextOrNull,
  removeIfThere,
  statOrNull,
  writeBytes,
  writeDurably,
} from "../../sys/file.ts";
import { runCommand } from "../../sys/child.ts";
import { readBootId } from "../../sys/process_table.ts";
import { messageOf } from "../../error/mod.ts";

/** What runs the guest: the processor itself, or emulation. */
export type Accel = "kvm" | "tcg";

/** An accelerator, and why it was taken. */
export interface AccelChoice {
  readonly accel: Accel;
  readonly reason: string;
}

/** What an accelerator is tried with, once for each binary and device. */
export interface AccelOptions {
  readonly wanted: "auto" | Accel;
  readonly binary: string;
  readonly version: string;
  /** Where the answer of a trial is kept. */
  readonly memory: string;
  /** How long the trial guest may take. */
  readonly deadlineMs?: number;
  readonly device?: string;
}

const KVM_DEVICE = "/dev/kvm";
const TRIAL_DEADLINE_MS = 3000;

const Remembered = z.object({
  key: z.string(),
  accel: z.enum(["kvm", "tcg"]),
  reason: z.string(),
});

/** Chooses; takes at most the deadline, once. */
export async function chooseAccel(options: AccelOptions): Promise<AccelChoice> {
  const { wanted, memory } = options;
  if (wanted !== "auto") return { accel: wanted, reason: "configured" };
  const key = await trialKey(options);
  if (key === null) {
    const { device = KVM_DEVICE } = options;
    return { accel: "tcg", reason: `there is no ${device}` };
  }
  const known = await recall(memory, key);
  if (known !== null) return known;
  const choice = await tryKvm(options);
  await writeDurably(memory, JSON.stringify({ key, ...choice }));
  return choice;
}

/** Changes whenever the answer might. Null when there is no device. */
async function trialKey(
  { binary, version, device = KVM_DEVICE }: AccelOptions,
): Promise<string | null> {
  const found = await statOrNull(device);
  if (found === null) return null;
  const { dev, ino, rdev, mode, uid, gid } = found;
  return JSON.stringify([
    binary,
    version,
    readBootId(),
    dev,
    ino,
    rdev,
    mode,
    uid,
    gid,
  ]);
}

async function recall(
  memory: string,
  key: string,
): Promise<AccelChoice | null> {
  try {
    const { accel, reason, ...kept } = Remembered.parse(
      JSON.parse(await readTextOrNull(memory) ?? ""),
    );
    return kept.key === key ? { accel, reason } : null;
  } catch {
    return null; // nothing there, or nothing that can be read: try again
  }
}

const TRIAL_EXIT_VALUE = 0x10;
// isa-debug-exit ends QEMU with (value << 1) | 1.
const TRIAL_EXIT_CODE = (TRIAL_EXIT_VALUE << 1) | 1;
const SECTOR_BYTES = 512;
// The firmware does not boot from a disk that is too small for a cylinder.
const DISK_BYTES = 1024 * 1024;
/** sti; hlt; hlt; mov al, 0x10; out 0xf4, al; then hlt for ever */
const TRIAL_CODE = [
  0xfb,
  0xf4,
  0xf4,
  0xb0,
  TRIAL_EXIT_VALUE,
  0xe6,
  0xf4,
  0xf4,
  0xeb,
  0xfd,
];

async function tryKvm(
  { binary, memory, deadlineMs = TRIAL_DEADLINE_MS }: AccelOptions,
): Promise<AccelChoice> {
  const disk = `${memory}.${crypto.randomUUID()}.disk`;
  try {
    await writeBytes(disk, trialDisk());
    const args = trialArguments(disk);
    const { code, signal, stderr, timedOut } = await runCommand(
      binary,
      args,
      deadlineMs,
    );
    if (code === TRIAL_EXIT_CODE) {
      return { accel: "kvm", reason: "a trial guest ran" };
    }
    const evidence = timedOut
      ? `a trial guest under KVM did not run within ${deadlineMs} ms`
      : `a trial guest under KVM ended with ${signal ?? `exit code ${code}`}: ${
        stderr.trim().slice(-300)
      }`;
    return { accel: "tcg", reason: evidence };
  } catch (error) {
    return { accel: "tcg", reason: `no trial of KVM: ${messageOf(error)}` };
  } finally {
    await removeIfThere(disk);
  }
}

/** A disk whose first sector is the trial. */
function trialDisk(): Uint8Array {
  const disk = new Uint8Array(DISK_BYTES);
  disk.set(TRIAL_CODE);
  disk.set([0x55, 0xaa], SECTOR_BYTES - 2);
  return disk;
}

function trialArguments(disk: string): string[] {
  const backend = {
    driver: "raw",
    "node-name": "disk0",
    file: { driver: "file", filename: disk },
  };
  return [
    ...["-accel", "kvm", "-cpu", "host", "-machine", "pc", "-m", "16"],
    ...["-no-user-config", "-nodefaults", "-display", "none", "-no-reboot"],
    ...["-device", "isa-debug-exit,iobase=0xf4,iosize=4"],
    ...[
      "-blockdev",
      JSON.stringify(backend),
      "-device",
      "virtio-blk-pci,drive=disk0",
    ],
  ];
}
