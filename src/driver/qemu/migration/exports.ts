/**
 * The target's side of sending disks: an NBD server of QEMU's, with TLS, that
 * takes what the source's guest has on them.
 *
 * @module
 */
import { UsherError } from "../../../error/mod.ts";
import type { Peers } from "../../driver.ts";
import { refusalOf } from "../qmp/client.ts";
import { command, type Commander, commandUnless } from "./commander.ts";
import { SERVER } from "./peer_tls.ts";
import type { Ticket } from "./record.ts";

/** Tries `listen` on one port after the other; answers the first that is free. */
export async function onFreePort(
  ports: Peers["ports"],
  subject: { readonly name: string; readonly node: string },
  listen: (port: number) => Promise<unknown>,
): Promise<number> {
  for (let port = ports.first; port <= ports.last; port++) {
    try {
      await listen(port);
      return port;
    } catch (error) {
      if (!/in use/i.test(refusalOf(error)?.message ?? "")) throw error;
    }
  }
  throw new UsherError(
    "unavailable",
    `Cannot move VM "${subject.name}" to node "${subject.node}": none of its ports ${ports.first}-${ports.last} is free`,
    { hint: "Wait for other moves to end, or widen `migration.ports`." },
  );
}

/** Serves the disks that are to be filled; answers the port. */
export async function serveDisks(
  qemu: Commander,
  disks: Ticket["disks"],
  listen: {
    readonly address: string;
    readonly ports: Peers["ports"];
    readonly subject: { readonly name: string; readonly node: string };
  },
): Promise<number> {
  const { address: host, ports, subject } = listen;
  const port = await onFreePort(
    ports,
    subject,
    (port) =>
      command(qemu, "nbd-server-start", {
        addr: { type: "inet", data: { host, port: String(port) } },
        "tls-creds": SERVER.credentials,
        "tls-authz": SERVER.authz,
      }),
  );
  for (const { index, export: name } of disks) {
    await command(qemu, "block-export-add", {
      type: "nbd",
      id: name,
      "node-name": `disk${index}`,
      name,
      writable: true,
    });
  }
  return port;
}

/** Ends the server; fine when there is none. */
export async function stopServing(qemu: Commander): Promise<void> {
  await commandUnless(qemu, /not running|no NBD server/i, "nbd-server-stop");
}
