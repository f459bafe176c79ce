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
import { makeFolder, removeIfThere, writeDurably } from "../../../sys/file.ts";
import { CarrierState } from "../../carried/folder.ts";
import { startCarrier } from "../../carried/processes.ts";
import { newMove } from "../../carried/record.ts";
import { awaitListening, letGo } from "../../carried/target.ts";
import { targetTask, writeTask } from "../../carried/task.ts";
import type { DomainPlan } from "../../driver.ts";
import { NEVER_RAN } from "../../ending.ts";
import { checkPlan } from "../check_plan.ts";
import { Domain } from "../domain.ts";
import { domainConfig } from "../domain_config.ts";
import { newHandle } from "../handle.ts";
import { isDom0Fixed } from "../machine.ts";
import { destroyAll } from "../undo.ts";
import type { Offer, Ticket } from "./messages.ts";
import { type MoveParts, moveWords } from "./moves.ts";
import type { Task } from "./protocol.ts";

/** What Xen needs for itself beside a guest's memory. */
const OVERHEAD_MIB = 8;

/** A domain that is known from now on. Throws for what this node cannot take in. */
export async function takeOn(
  parts: MoveParts,
  plan: DomainPlan,
  transfer: Transfer,
): Promise<Domain> {
  const { env, domains } = parts;
  await checkRoom(parts, plan, transfer.live);
  const move = newMove(transfer, "target");
  const domain = new Domain(env, newHandle(plan, env.bootId, move));
  domains.add(domain);
  return domain;
}

async function checkRoom(
  { env }: MoveParts,
  plan: DomainPlan,
  live: boolean,
): Promise<void> {
  checkPlan(env, plan, await env.looks.fresh());
  if (!live) return;
  const info = await env.xl.info(env.closing);
  const free = Number(info.get("free_memory"));
  const needed = plan.spec.memoryMiB + OVERHEAD_MIB;
  if (!isDom0Fixed(info) || free >= needed) return;
  throw new UsherError(
    "insufficient_resources",
    `Cannot move VM "${plan.name}" to node "${env.node}": it needs ${needed} MiB, and Xen has ${free} MiB free`,
  );
}

/** Keeps what there must be of it, and starts the process that awaits it. */
export async function makeReady(
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
  const task: Task = {
    ...await targetTask(peers, transfer),
    uid,
    xl: env.xl.program,
    env: { ...env.programs },
  };
  await writeTask(folder, task);
  await startCarrier("xen", folder, env.programs);
}

/** Where the domain is awaited, once that is known. */
export async function ticketOf(
  { env, peers }: MoveParts,
  domain: Domain,
): Promise<Ticket> {
  const address = await peers.address();
  if (domain.handle.move?.live !== true) return { v: 1, address, port: null };
  const { port } = await awaitListening(domain, {
    state: CarrierState,
    ms: env.config.start_timeout,
    signal: env.closing,
    words: moveWords,
  });
  return { v: 1, address, port };
}

/** Lets the domain run here. It is this node's by then: one that has ended meanwhile has ended here. */
export async function letRun(
  { env }: MoveParts,
  domain: Domain,
): Promise<void> {
  const { uid, name, move } = domain.handle;
  if (move?.live === true) {
    const state = await letGo(domain);
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
