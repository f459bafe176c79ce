import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { keepWatchdog, notifyManager } from "./notify.ts";

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
    notifyManager("READY=1");
    const [bytes] = await manager.receive();
    strictEqual(new TextDecoder().decode(bytes), "READY=1");
    deepStrictEqual([...Deno.readDirSync(folder)].map(({ name }) => name), [
      "notify",
    ]);
  });
});

Deno.test("notifyManager() does nothing where nobody asked, or nobody listens", () => {
  notifyManager("READY=1");
  Deno.env.set("NOTIFY_SOCKET", "/nowhere/notify");
  try {
    notifyManager("READY=1");
  } finally {
    Deno.env.delete("NOTIFY_SOCKET");
  }
});

Deno.test("notifyManager() reaches a manager with an abstract name", () => {
  Deno.env.set("NOTIFY_SOCKET", "@usher-nobody-is-there");
  try {
    notifyManager("READY=1");
  } finally {
    Deno.env.delete("NOTIFY_SOCKET");
  }
});

/** Runs `test` with a watchdog that was asked for so. */
async function withWatchdog(
  { pid, us }: { readonly pid: number; readonly us: string },
  test: () => Promise<void>,
): Promise<void> {
  Deno.env.set("WATCHDOG_PID", String(pid));
  Deno.env.set("WATCHDOG_USEC", us);
  try {
    await test();
  } finally {
    Deno.env.delete("WATCHDOG_PID");
    Deno.env.delete("WATCHDOG_USEC");
  }
}

Deno.test("keepWatchdog() tells again and again that the process lives", async () => {
  await withManager(async (manager) => {
    await withWatchdog({ pid: Deno.pid, us: "3000" }, async () => {
      using _watchdog = keepWatchdog();
      for (let heard = 0; heard < 3; heard++) {
        const [bytes] = await manager.receive();
        strictEqual(new TextDecoder().decode(bytes), "WATCHDOG=1");
      }
    });
  });
});

Deno.test("keepWatchdog() is silent where nobody watches, or watches another process", async () => {
  await withManager(async (manager) => {
    for (
      const [pid, us] of [[1, "3000"], [Deno.pid, "0"], [
        Deno.pid,
        "x",
      ]] as const
    ) {
      await withWatchdog({ pid, us }, async () => {
        using _watchdog = keepWatchdog();
        notifyManager("STATUS=first");
        const [bytes] = await manager.receive();
        strictEqual(new TextDecoder().decode(bytes), "STATUS=first");
      });
    }
  });
});
