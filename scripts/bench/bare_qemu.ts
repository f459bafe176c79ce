/**
 * QEMU without anybody around it: the floor of a start and of a power cut.
 *
 * @module
 */
const ROOT = new URL("../..", import.meta.url).pathname;

/** The micro guest, for every side of the comparison. */
export const GUEST = {
  kernel: `${ROOT}.cache/guest/vmlinuz`,
  initrd: `${ROOT}.cache/guest/initrd`,
  cmdline: "console=ttyS0",
} as const;
/** Its memory, MiB. */
export const MEMORY_MIB = 128;

/** Exec of QEMU to `query-status` answered, and `quit` to the process gone, in ms. */
export async function bareQemu(
  socketPath: string,
): Promise<{ start: number; poweroff: number }> {
  const began = performance.now();
  const child = new Deno.Command("qemu-system-x86_64", {
    args: [
      ...["-machine", "pc", "-accel", "tcg", "-m", String(MEMORY_MIB)],
      ...["-display", "none", "-nodefaults", "-serial", "null"],
      ...["-kernel", GUEST.kernel, "-initrd", GUEST.initrd],
      ...["-append", GUEST.cmdline],
      ...["-qmp", `unix:${socketPath},server=on,wait=off`],
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  using socket = await connect(socketPath);
  const lines = socket.readable.pipeThrough(new TextDecoderStream())
    .getReader();
  const writer = socket.writable.getWriter();
  const say = (execute: string) =>
    writer.write(new TextEncoder().encode(`{"execute":"${execute}"}\n`));
  await lines.read();
  await say("qmp_capabilities");
  await lines.read();
  await say("query-status");
  await lines.read();
  const running = performance.now();
  await say("quit");
  await child.status;
  const gone = performance.now();
  return { start: running - began, poweroff: gone - running };
}

async function connect(path: string): Promise<Deno.UnixConn> {
  const deadline = performance.now() + 60_000;
  while (performance.now() < deadline) {
    try {
      return await Deno.connect({ transport: "unix", path });
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
  throw new Error("bare QEMU did not listen within 60 s");
}
