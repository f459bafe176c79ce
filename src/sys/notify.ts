/**
 * Telling the service manager how we are (sd_notify(3)).
 *
 * The manager's socket is written to from one with a name of its own, which a
 * process that is not root may only make in a folder of its own, and which
 * stays behind unless it is removed.
 *
 * @module
 */

/** Sends `state`, such as `READY=1`, when a manager asked to be told. */
export async function notifyManager(state: string): Promise<void> {
  const path = Deno.env.get("NOTIFY_SOCKET");
  if (path === undefined || path === "") return;
  try {
    const folder = await Deno.makeTempDir({ prefix: "usher_notify_" });
    try {
      await send(`${folder}/socket`, path, state);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  } catch {
    // A manager that cannot be told is no reason to end.
  }
}

async function send(from: string, to: string, state: string): Promise<void> {
  const socket = Deno.listenDatagram({ transport: "unixpacket", path: from });
  try {
    const bytes = new TextEncoder().encode(state);
    await socket.send(bytes, { transport: "unixpacket", path: to });
  } finally {
    socket.close();
  }
}
