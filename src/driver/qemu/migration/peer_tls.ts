/**
 * TLS between two QEMUs. Each shows its node's certificate, and lets nobody
 * talk to it but the one node that the migration is with.
 *
 * @module
 */
import { peerSubject } from "../../../schema/peer.ts";
import { command, type Commander, commandUnless } from "./commander.ts";

/** The objects at the target. */
export const SERVER = { credentials: "usher-tls-in", authz: "usher-peer" };
/** The object at the source. */
export const CLIENT = { credentials: "usher-tls-out" };

const IS_THERE = /duplicate/i;
const IS_GONE = /not found/i;

/** Has the target's QEMU believe `peer`, and nobody else. */
export async function listenTo(
  qemu: Commander,
  peer: string,
  folder: string,
): Promise<void> {
  await addCredentials(qemu, SERVER.credentials, "server", folder);
  await commandUnless(qemu, IS_THERE, "object-add", {
    "qom-type": "authz-simple",
    id: SERVER.authz,
    identity: peerSubject(peer),
  });
}

/** Has the source's QEMU show its node's certificate. */
export async function showItself(
  qemu: Commander,
  folder: string,
): Promise<void> {
  await addCredentials(qemu, CLIENT.credentials, "client", folder);
}

async function addCredentials(
  qemu: Commander,
  id: string,
  endpoint: "server" | "client",
  dir: string,
): Promise<void> {
  await commandUnless(qemu, IS_THERE, "object-add", {
    "qom-type": "tls-creds-x509",
    id,
    endpoint,
    dir,
    "verify-peer": true,
  });
}

/** Has QEMU forget all of it. */
export async function forgetPeers(qemu: Commander): Promise<void> {
  await command(qemu, "migrate-set-parameters", {
    "tls-creds": "",
    "tls-authz": "",
    "tls-hostname": "",
  });
  await forgetObjects(qemu);
}

/** Has QEMU forget the objects, where it migrates nothing. */
export async function forgetObjects(qemu: Commander): Promise<void> {
  for (const id of [SERVER.authz, SERVER.credentials, CLIENT.credentials]) {
    await commandUnless(qemu, IS_GONE, "object-del", { id });
  }
}
