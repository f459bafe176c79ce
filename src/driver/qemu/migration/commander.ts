/**
 * Whoever takes QMP commands in a migration: the QEMU of a domain, or one that
 * has nothing but the disks of a domain that is stopped.
 *
 * @module
 */
import { refusalOf } from "../qmp/client.ts";
import type { Message } from "../qmp/session.ts";

/** A QEMU that takes commands. */
export interface Commander {
  execute(
    command: string,
    args?: Message,
    deadlineMs?: number,
  ): Promise<unknown>;
}

/** How long QEMU may take for a command of a migration; a busy node is slow. */
export const COMMAND_MS = 20_000;

/** Sends a command that may take its time. */
export async function command(
  qemu: Commander,
  name: string,
  args: Message = {},
): Promise<unknown> {
  return await qemu.execute(name, args, COMMAND_MS);
}

/** Sends a command; a refusal in words that match `fine` counts as done. */
export async function commandUnless(
  qemu: Commander,
  fine: RegExp,
  name: string,
  args: Message = {},
): Promise<void> {
  try {
    await command(qemu, name, args);
  } catch (error) {
    const refusal = refusalOf(error);
    const words = `${refusal?.errorClass}: ${refusal?.message}`;
    if (refusal === null || !fine.test(words)) throw error;
  }
}
