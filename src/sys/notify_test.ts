import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { notifyManager } from "./notify.ts";

/** Runs `test` with a service manager that listens in a folder. */
async function withManager(
  test: (manager: Deno.DatagramConn, folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "usher_manager_" });
  const path = `${folder}/notify`;
  const manager = Deno.listenDatagram({ transport: "unixpacket", path });
  Deno.env.set("NOTIFY_SOCKET", path);
  try {
    await test(manager, folder);
  } finally {
    Deno.env.delete("NOTIFY_SOCKET");
    manager.close();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("notifyManager() tells the manager, and leaves nothing beside its socket", async () => {
  await withManager(async (manager, folder) => {
    await notifyManager("READY=1");
    const [bytes] = await manager.receive();
    strictEqual(new TextDecoder().decode(bytes), "READY=1");
    deepStrictEqual([...Deno.readDirSync(folder)].map(({ name }) => name), [
      "notify",
    ]);
  });
});

Deno.test("notifyManager() does nothing where nobody asked, or nobody listens", async () => {
  await notifyManager("READY=1");
  Deno.env.set("NOTIFY_SOCKET", "/nowhere/notify");
  try {
    await notifyManager("READY=1");
  } finally {
    Deno.env.delete("NOTIFY_SOCKET");
  }
});
