/**
 * What a process that carries a domain is to do, as it finds it in its folder.
 * Each driver adds what only its own process must know.
 *
 * @module
 */
import { z } from "zod";
import type { Transfer } from "../../schema/frame.ts";
import { peerHost, peerSubject } from "../../schema/peer.ts";
import { writeDurably } from "../../sys/file.ts";
import type { Peers } from "../driver.ts";
import { moveFiles } from "./folder.ts";

/** Paths of what the node shows its peers. */
export const Credentials = z.object({
  ca: z.string(),
  certificate: z.string(),
  key: z.string(),
});
export type Credentials = z.infer<typeof Credentials>;

/** Beside the domain that is to go. */
export const SourceTask = z.object({
  role: z.literal("source"),
  /** Ties both ends to one move. */
  purpose: z.string(),
  credentials: Credentials,
  address: z.string(),
  port: z.number(),
  /** What the target is called in its certificate. */
  host: z.string(),
  /** Bytes a second that it may send at most; null without a limit. */
  bandwidth: z.number().nullable().default(null),
});
export type SourceTask = z.infer<typeof SourceTask>;

/** Where the domain is to come. */
export const TargetTask = z.object({
  role: z.literal("target"),
  purpose: z.string(),
  credentials: Credentials,
  ports: z.object({ first: z.number(), last: z.number() }),
  /** The subject of the source's certificate. */
  subject: z.string(),
});
export type TargetTask = z.infer<typeof TargetTask>;

/** The task at the source, which is told in `ticket` where the target listens. */
export async function sourceTask(
  peers: Peers,
  { id, peer, options }: Transfer,
  ticket: { readonly address: string; readonly port: number | null },
): Promise<SourceTask> {
  return {
    role: "source",
    purpose: id,
    credentials: await credentialsOf(peers),
    address: ticket.address,
    port: ticket.port ?? 0,
    host: peerHost(peer),
    bandwidth: options.bandwidth ?? null,
  };
}

/** The task at the target. */
export async function targetTask(
  peers: Peers,
  { id, peer }: Transfer,
): Promise<TargetTask> {
  return {
    role: "target",
    purpose: id,
    credentials: await credentialsOf(peers),
    ports: { ...peers.ports },
    subject: peerSubject(peer),
  };
}

/** Puts the task where the process of this folder looks for it. */
export async function writeTask(
  folder: string,
  task: SourceTask | TargetTask,
): Promise<void> {
  await writeDurably(moveFiles(folder).task, JSON.stringify(task));
}

async function credentialsOf(peers: Peers): Promise<Credentials> {
  const { ca, certificate, key } = await peers.credentials();
  return { ca, certificate, key };
}
