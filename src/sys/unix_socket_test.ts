import { rejects, strictEqual } from "node:assert/strict";
import { connectUnix, meetAt } from "./unix_socket.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** A path for a socket in a folder that is removed afterwards. */
async function withPath(run: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(`${folder}/socket`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("meetAt() sends away who does not know the secret, and is gone once it has met", async () => {
  await withPath(async (path) => {
    using meeting = meetAt(path, "secret");
    const wrong = await connectUnix(path);
    await wrong.writeAll(encode("secreX\n"));
    strictEqual(await wrong.read(new Uint8Array(1)).catch(() => null), null);
    wrong.close();
    const right = await connectUnix(path);
    await right.writeAll(encode("secret\nmore"));
    const peer = await meeting.peer;
    await rejects(connectUnix(path), { code: "unavailable" });
    const buffer = new Uint8Array(10);
    strictEqual(await peer.read(buffer), 4);
    peer.close();
    right.close();
  });
});

Deno.test("meetAt() waits no more once it is disposed of", async () => {
  await withPath(async (path) => {
    const meeting = meetAt(path, "secret");
    meeting[Symbol.dispose]();
    await rejects(meeting.peer);
    await rejects(Deno.stat(path));
  });
});
