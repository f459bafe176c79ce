/**
 * The end of a migration to which a domain comes.
 *
 * A process of its own listens, and starts the xl that takes the domain in.
 * That xl has the domain paused until it is given a permission, which comes
 * from here and from nowhere else.
 *
 * @module
 */
import { UsherError } from "../../../error/mod.ts";
import type { Transfer } from "../../../schema/frame.ts";
import { peerSubject } from "../../../schema/peer.ts";
import { spawnDetached } from "../../../sys/child.ts";
import { makeFolder, removeIfThere, writeDurably } from "../../../sys/file.ts";
import { ownEnvironment, ownProgram } from "../../../sys/machine.ts";
import type { DomainPlan } from "../../driver.ts";
import { checkPlan } from "../check_plan.ts";
import type { Domain } from "../domain.ts";
import { domainConfig } from "../domain_config.ts";
import { isDom0Fixed } from "../machine.ts";
import { destroyAll } from "../undo.ts";
import type { Offer, Ticket } from "./messages.ts";
import {
  cannotNow,
  endCarrier,
  findCarrier,
  type MoveParts,
  moveWords,
  untilSeen,
} from "./moves.ts";
import {
  type CarrierState,
  moveFiles,
  readState,
  type Task,
} from "./protocol.ts";

const LOOK_MS = 50;
/** How long the last of the domain may take to be here, and to be let run. */
const SETTLE_MS = 90_000;
/** What Xen needs for itself beside a guest's memory. */
const OVERHEAD_MIB = 8;

/** Throws for what this node cannot take in. */
export async function checkRoom(
  { env }: MoveParts,
  plan: DomainPlan,
  live: boolean,
  signal: AbortSignal,
): Promise<void> {
  checkPlan(env, plan, await env.looks.fresh());
  if (!live) return;
  const info = await env.xl.info(signal);
  const free = Number(info.get("free_memory"));
  const needed = plan.spec.memoryMiB + OVERHEAD_MIB;
  if (!isDom0Fixed(info) || free >= needed) return;
  throw new UsherError(
    "insufficient_resources",
    `Cannot move VM "${plan.name}" to node "${env.node}": it needs ${needed} MiB, and Xen has ${free} MiB free`,
  );
}

/** Makes ready for the domain; answers where it is awaited. */
export async function listen(
  { env, peers }: MoveParts,
  domain: Domain,
  plan: DomainPlan,
  transfer: Transfer,
  { ending }: Offer,
): Promise<void> {
  const { uid, name, generation, incarnation } = plan;
  const { stateDir } = env.layout;
  const folder = domain.files.move;
  await removeIfThere(folder);
  await makeFolder(folder);
  await domain.keep({
    created: true,
    ending: transfer.live ? null : ending ?? NEVER_RAN,
  });
  await writeDurably(domain.files.config, domainConfig(plan));
  await env.store.mark({ uid, name, generation, incarnation, stateDir });
  if (!transfer.live) return;
  const { ca, certificate, key } = await peers.credentials();
  const task: Task = {
    role: "target",
    purpose: transfer.id,
    credentials: { ca, certificate, key },
    ports: { ...peers.ports },
    subject: peerSubject(transfer.peer),
    uid,
    xl: env.xl.program,
    env: { ...env.programs },
  };
  await writeDurably(moveFiles(folder).task, JSON.stringify(task));
  const [program, ...args] = ownProgram();
  await spawnDetached(program, [...args, "guard", "xen", folder], {
    env: { ...env.programs, ...ownEnvironment() },
    outputPath: moveFiles(folder).log,
  });
}

const NEVER_RAN = { state: "stopped", reason: "never ran" } as const;

/** Where the domain is awaited, once that is known. */
export async function ticketOf(
  { env, peers }: MoveParts,
  domain: Domain,
): Promise<Ticket> {
  const address = await peers.address();
  if (domain.handle.move?.live !== true) return { v: 1, address, port: null };
  return await untilSeen(domain, {
    what: "the process that awaits it",
    ms: env.config.start_timeout,
    everyMs: LOOK_MS,
    signal: env.closing,
  }, async () => {
    const state = await readState(domain.files.move);
    if (state?.phase === "failed") throw await failed(domain);
    return state?.port == null
      ? undefined
      : { v: 1 as const, address, port: state.port };
  });
}

/** Whether what was made ready for the domain is there still. */
export async function isAwaited({ files, handle }: Domain): Promise<boolean> {
  if (handle.move?.live !== true) return true;
  return await findCarrier(files.move) !== null;
}

/** Lets the domain run here. It is this node's by then: one that has ended meanwhile has ended here. */
export async function letRun(
  { env }: MoveParts,
  domain: Domain,
): Promise<void> {
  const { move, uid, name } = domain.handle;
  if (move === null) return;
  if (move.role !== "target") {
    throw cannotNow("activate", domain, "it did not come here");
  }
  if (move.live) {
    await awaitPhase(domain, ["ready", "done", "failed"]);
    await domain.keep({ move: { ...move, phase: "activating" } });
    await writeDurably(moveFiles(domain.files.move).go, "");
    const state = await awaitPhase(domain, ["done", "failed"]);
    await env.looks.fresh();
    const { row } = domain;
    const runs = row !== null && !row.shutdown && !row.paused;
    if (state?.phase !== "done" && !runs) {
      const words = await moveWords(domain.files.move);
      await destroyAll(env, uid, name);
      await domain.keep({ move: null });
      await domain.keepEnding({
        state: "crashed",
        reason: `it ended before it could go on here: ${words}`,
      });
      return;
    }
  }
  await domain.keep({ move: null });
  await removeIfThere(domain.files.move);
  await env.looks.fresh();
  domain.publish();
}

/** Waits for one of these; null when there is no process any more that could get there. */
async function awaitPhase(
  domain: Domain,
  phases: readonly CarrierState["phase"][],
): Promise<CarrierState | null> {
  return await untilSeen(domain, {
    what: "the rest of it",
    ms: SETTLE_MS,
    everyMs: LOOK_MS,
  }, async () => {
    const isThere = await isAwaited(domain);
    const state = await readState(domain.files.move);
    if (state !== null && phases.includes(state.phase)) return state;
    return isThere ? undefined : null;
  });
}

/** Ends what awaits the domain, and what came of it. */
export async function endReceiving(
  { env }: MoveParts,
  { handle: { uid, name }, files }: Domain,
): Promise<void> {
  await endCarrier(files.move);
  await destroyAll(env, uid, name);
}

async function failed({ handle, files }: Domain): Promise<UsherError> {
  return new UsherError(
    "driver_failed",
    `Cannot take in VM "${handle.name}": ${await moveWords(files.move)}`,
  );
}
