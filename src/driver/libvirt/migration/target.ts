/**
 * The end of a migration to which a domain comes.
 *
 * A process of its own listens, and hands on to this node's daemon what the
 * source's virsh says, but for the word that lets the domain go on: for that it
 * waits for a file from here, and for nothing else.
 *
 * @module
 */
import { UsherError } from "../../../error/mod.ts";
import type { Transfer } from "../../../schema/frame.ts";
import { peerSubject } from "../../../schema/peer.ts";
import { Deadline, systemClock } from "../../../sys/clock.ts";
import { makeFolder, removeIfThere, writeDurably } from "../../../sys/file.ts";
import type { DomainPlan } from "../../driver.ts";
import { checkNics, checkSpec } from "../../spec_check.ts";
import type { Domain } from "../domain.ts";
import { refuseForwards } from "../nic_check.ts";
import { stays } from "./disks.ts";
import type { Offer, Ticket } from "./messages.ts";
import {
  cannotNow,
  daemonOf,
  findCarrier,
  type MoveParts,
  moveWords,
  startCarrier,
  unsupported,
} from "./moves.ts";
import { type CarrierState, moveFiles, readState } from "./protocol.ts";

const LOOK_MS = 50;
/** How long the process that listens may take to be there. */
const LISTEN_MS = 60_000;
/** How long the last of the domain may take to be here, and to go on. */
const SETTLE_MS = 90_000;

/** Throws for what this node cannot take in. */
export async function checkRoom(
  { env }: MoveParts,
  plan: DomainPlan,
  { accel }: Offer,
  live: boolean,
): Promise<void> {
  const { node, config } = env;
  // What comes with it is not here yet.
  const spec = { ...plan.spec, disks: plan.spec.disks.filter(stays) };
  if (spec.boot === null && spec.disks.length === 0) {
    checkNics({ ...plan, node }, config);
  } else checkSpec({ ...plan, spec, node }, config);
  refuseForwards(plan);
  await daemonOf(env.config.uri, plan.name);
  const here = await env.accel();
  if (!live || here === accel) return;
  throw unsupported(
    plan.name,
    `it runs with ${accel}, and node "${env.node}" has ${here}`,
  );
}

/** Makes ready for the domain, whose handle is kept. */
export async function listen(
  { env, peers }: MoveParts,
  domain: Domain,
  transfer: Transfer,
): Promise<void> {
  const { uri } = env.config;
  await removeIfThere(domain.files.move);
  if (!transfer.live) return;
  await makeFolder(domain.files.move);
  const { ca, certificate, key } = await peers.credentials();
  await startCarrier(domain.files.move, {
    role: "target",
    purpose: transfer.id,
    credentials: { ca, certificate, key },
    ports: { ...peers.ports },
    subject: peerSubject(transfer.peer),
    daemon: (await daemonOf(uri, domain.handle.name)).socket,
  });
}

/** Where the domain is awaited, once that is known. */
export async function ticketOf(
  { env, peers }: MoveParts,
  domain: Domain,
): Promise<Ticket> {
  const { handle: { name, move }, files } = domain;
  const ticket: Ticket = {
    v: 1,
    address: await peers.address(),
    port: null,
    memoryPort: null,
    diskPort: null,
    images: { ...move?.made },
    daemon: (await daemonOf(env.config.uri, name)).path,
    home: env.layout.home,
    consoleLog: files.consoleLog,
  };
  if (move?.live !== true) return ticket;
  using deadline = new Deadline(
    systemClock,
    LISTEN_MS,
    `listening for VM "${name}"`,
    env.closing,
  );
  for (;;) {
    const state = await readState(files.move);
    if (state?.phase === "failed") {
      throw new UsherError(
        "driver_failed",
        `Cannot take in VM "${name}": ${await moveWords(files.move)}`,
      );
    }
    const { port = null, memoryPort = null, diskPort = null } = state ?? {};
    if (port !== null) return { ...ticket, port, memoryPort, diskPort };
    await systemClock.sleep(LOOK_MS, deadline.signal);
  }
}

/** Whether what was made ready for the domain is there still. */
export async function isAwaited({ files, handle }: Domain): Promise<boolean> {
  if (handle.move?.live !== true) return true;
  return await findCarrier(files.move) !== null;
}

/** Lets the domain go on here. It is this node's by then: one that has ended meanwhile has ended here. */
export async function letRun(
  { book }: MoveParts,
  domain: Domain,
): Promise<void> {
  const { move } = domain.handle;
  if (move === null) return;
  if (move.role !== "target") {
    throw cannotNow("activate", domain, "it did not come here");
  }
  if (move.live) {
    await awaitPhase(domain, ["ready", "done", "failed"]);
    await domain.keep({ move: { ...move, phase: "activating" } });
    await writeDurably(moveFiles(domain.files.move).go, "");
    await awaitPhase(domain, ["done", "failed"]);
    book.touch(domain);
    await book.look();
  }
  const words = await moveWords(domain.files.move);
  const isLost = move.live && !domain.isUp;
  await domain.keep({
    move: null,
    ...(isLost
      ? {
        ending: {
          state: "crashed",
          reason: `it ended before it could go on here: ${words}`,
        },
      }
      : {}),
  });
  await removeIfThere(domain.files.move);
  await book.look();
}

/** Waits for one of these; null when there is no process any more that could get there. */
async function awaitPhase(
  domain: Domain,
  phases: readonly CarrierState["phase"][],
): Promise<CarrierState | null> {
  using deadline = new Deadline(
    systemClock,
    SETTLE_MS,
    `rest of VM "${domain.handle.name}"`,
  );
  for (;;) {
    const isThere = await isAwaited(domain);
    const state = await readState(domain.files.move);
    if (state !== null && phases.includes(state.phase)) return state;
    if (!isThere) return null;
    await systemClock.sleep(LOOK_MS, deadline.signal);
  }
}
