/**
 * Images of a domain that is off: no guest has them open, so QEMU's tools copy
 * them, `qemu-img` at the source from what a disk holds, `qemu-nbd` at the target
 * into the image that was made for it.
 *
 * An image has arrived when `qemu-img` has ended well: it ends after its last word,
 * a flush, was answered by a `qemu-nbd` that wrote all before it to the disk. Both
 * tools end with the connection between them, and so with the process that
 * carries them; one that nobody came to is found by its environment.
 *
 * @module
 */
import { z } from "zod";
import { UsherError } from "../../../error/mod.ts";
import { systemClock } from "../../../sys/clock.ts";
import { environment } from "../../../sys/environment.ts";
import { removeIfThere } from "../../../sys/file.ts";
import { type OwnedChild, spawnOwned } from "../../../sys/owned_child.ts";
import type { ByteConnection } from "../../../sys/byte_connection.ts";
import { connectAt } from "../../../sys/relay.ts";
import { SENDER_VARIABLE } from "../../carried/processes.ts";

/** An image at either end. */
export const Image = z.object({
  /** The disk's place in the spec. */
  index: z.int(),
  path: z.string(),
  format: z.string(),
});
export type Image = z.infer<typeof Image>;

/** What a connection is for that brings image `index`; its first line. */
export function channelOf({ index }: Image): string {
  return `image ${index}`;
}

/** Copies an image to whoever listens at `socket`. Throws what the tool said. */
export async function copyImage(
  uid: string,
  { path, format }: Image,
  socket: string,
  bandwidth: number | null,
): Promise<void> {
  const tool = start(uid, "qemu-img", [
    // Flushed at its end, which is not what it does by itself.
    ...["convert", "-n", "--target-is-zero", "-t", "writeback"],
    ...(bandwidth === null ? [] : ["-r", String(bandwidth)]),
    ...["-f", format, "-O", "raw", path],
    `nbd+unix:///?socket=${encodeURIComponent(socket)}`,
  ]);
  const { code } = await tool.exited;
  if (code !== 0) throw cannotCopy(path, tool.said());
}

const LOOK_MS = 50;
/** How long `qemu-nbd` may take until it listens, one that has the image still included. */
const LISTEN_MS = 60_000;

/** A connection that writes to an image, by way of `socket`. */
export async function openImage(
  uid: string,
  { path, format }: Image,
  socket: string,
): Promise<ByteConnection> {
  const late = systemClock.monotonic() + LISTEN_MS;
  for (;;) {
    await removeIfThere(socket);
    const tool = start(uid, "qemu-nbd", [
      ...["--socket", socket, "--format", format],
      ...["--cache", "writeback", "--discard", "unmap", path],
    ]);
    const opened = await connected(tool, socket, late);
    if (opened !== null) return opened;
    if (systemClock.monotonic() > late) throw cannotCopy(path, tool.said());
    await systemClock.sleep(LOOK_MS);
  }
}

/** Null when the tool has ended, or is late, before it listens. */
async function connected(
  tool: Tool,
  socket: string,
  late: number,
): Promise<ByteConnection | null> {
  let hasEnded = false;
  void tool.exited.then(() => hasEnded = true);
  while (!hasEnded && systemClock.monotonic() <= late) {
    const opened = await connectAt(socket).catch(() => null);
    if (opened !== null) return opened;
    await systemClock.sleep(LOOK_MS);
  }
  return null;
}

interface Tool extends Pick<OwnedChild, "exited"> {
  said(): string;
}

const MAX_LINE = 400;
const MAX_LINES = 4;

function start(uid: string, program: string, args: readonly string[]): Tool {
  const lines: string[] = [];
  const { exited } = spawnOwned(program, args, {
    env: {
      PATH: environment("PATH") ?? "/usr/bin:/bin",
      LC_ALL: "C",
      [SENDER_VARIABLE]: uid,
    },
    input: "",
    maxLine: MAX_LINE,
    onLine: (_stream, line) => {
      if (lines.length < MAX_LINES) lines.push(line);
    },
  });
  return { exited, said: () => lines.join("; ") };
}

function cannotCopy(path: string, said: string): UsherError {
  return new UsherError(
    "driver_failed",
    `${path} cannot be copied: ${said === "" ? "its tool ended" : said}`,
  );
}
