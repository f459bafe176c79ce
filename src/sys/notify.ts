/**
 * Telling the service manager how we are (sd_notify(3)).
 *
 * @module
 */

/** Sends `state`, such as `READY=1`, when a manager asked to be told. */
export async function notifyManager(state: string): Promise<void> {
  const path = Deno.env.get("NOTIFY_SOCKET");
  if (path === undefined || path === "") return;
  try {
    const socket = Deno.listenDatagram({
      transport: "unixpacket",
      path: `${path}.${Deno.pid}`,
    });
    try {
      await socket.send(new TextEncoder().encode(state), {
        transport: "unixpacket",
        path,
      });
    } finally {
      socket.close();
    }
  } catch {
    // A manager that cannot be told is no reason to end.
  }
}
