import { deepStrictEqual, match, rejects } from "node:assert/strict";
import { newHandle } from "./handle.ts";
import { openLine } from "./console.ts";
import { VmSpec } from "../../schema/vm.ts";

const GREETING = "Connected to domain web\\nEscape character is ^]\\n";

const handle = newHandle({
  ...{ uid: "u", name: "web.lab.ann", generation: 1, incarnation: "1" },
  spec: VmSpec.parse({}),
}, "boot");

/** Opens the line by a virsh that is `script`. */
async function withVirsh<T>(
  script: string,
  fn: (open: () => ReturnType<typeof openLine>) => Promise<T>,
): Promise<T> {
  const dir = await Deno.makeTempDir();
  const program = `${dir}/virsh`;
  await Deno.writeTextFile(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const options = { program, uri: "qemu:///system", timeoutMs: 30_000 };
  try {
    return await fn(() => openLine(options, { uuid: "u", handle }));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("a console that somebody has is busy, also when virsh says so in one breath with its greeting", async () => {
  const said = "error: operation failed: Active console session exists\\n";
  for (
    const script of [
      `printf '${GREETING}${said}'; exit 1`,
      `printf '${GREETING}'; sleep 0.1; printf '${said}'; exit 1`,
    ]
  ) await withVirsh(script, (open) => rejects(open(), { code: "busy" }));
});

Deno.test("a guest's words are no refusal, and neither is an end of virsh after them", async () => {
  await withVirsh(
    `printf '${GREETING}error: of the guest\\n'; exec cat`,
    async (open) => {
      const line = await open();
      const buffer = new Uint8Array(100);
      const count = await line.read(buffer) ?? 0;
      match(new TextDecoder().decode(buffer.subarray(0, count)), /^error: of/);
      line.close();
    },
  );
  await withVirsh(`printf '${GREETING}login: '`, async (open) => {
    const error = await open().then(() => null, (error) => error);
    deepStrictEqual(error?.code, "driver_failed");
    match(error.message, /virsh ended without a word$/);
  });
});
