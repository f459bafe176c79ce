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
import { makeFolder, removeIfThere, statOrNull } from "../../../sys/file.ts";
import { moveFiles } from "../../carried/folder.ts";
import { startCarrier } from "../../carried/processes.ts";
import { newMove } from "../../carried/record.ts";
import { awaitListening, letGo } from "../../carried/target.ts";
import { targetTask, writeTask } from "../../carried/task.ts";
import type { DomainPlan } from "../../driver.ts";
import { NEVER_RAN } from "../../ending.ts";
import { saveHandle } from "../../kept_handles.ts";
import { cannotMove } from "../../refusals.ts";
import { checkNics, checkSpec } from "../../spec_check.ts";
import { Domain } from "../domain.ts";
import { newHandle } from "../handle.ts";
import { refuseForwards } from "../nic_check.ts";
import { imagesOf, makeImages, stays } from "./disks.ts";
import type { Offer, Ticket } from "./messages.ts";
import { daemonOf, endProcesses, type MoveParts, moveWords } from "./moves.ts";
import { RelayState, type Task } from "./protocol.ts";

/** How long the process that listens may take to be there. */
const LISTEN_MS = 60_000;

/** A domain that is kept and known from now on. Throws for what this node cannot take in. */
export async function takeOn(
  parts: MoveParts,
  plan: DomainPlan,
  transfer: Transfer,
  offer: Offer,
): Promise<Domain> {
  const { env, book } = parts;
  await checkRoom(parts, plan, offer, transfer.live);
  const { paused } = offer;
  const domain = new Domain(env, {
    ...newHandle(plan, env.bootId),
    ending: transfer.live ? null : offer.ending ?? NEVER_RAN,
    move: { ...newMove(transfer, "target"), paused, made: {} },
  });
  if (
    book.foreign(domain.uuid) !== undefined ||
    book.holderOfName(plan.name, domain.uuid) !== null
  ) {
    throw new UsherError(
      "already_exists",
      `Cannot move VM "${plan.name}" to node "${env.node}": there is a domain of it, or of its name, already`,
    );
  }
  await saveHandle(env.layout, domain.handle);
  book.add(domain);
  return domain;
}

async function checkRoom(
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
  } else checkSpec({ ...plan, spec, node }, config, "daemon");
  refuseForwards(plan);
  await daemonOf(env.config.uri, plan.name);
  const here = await env.accel();
  if (!live || here === accel) return;
  throw cannotMove(
    plan.name,
    `it runs with ${accel}, and node "${env.node}" has ${here}`,
  );
}

/** Makes images for the disks that come, and starts the process that awaits it. */
export async function makeReady(
  { env, peers }: MoveParts,
  domain: Domain,
  plan: DomainPlan,
  transfer: Transfer,
  { disks }: Offer,
): Promise<void> {
  await makeImages(env, plan, disks, async (made) => {
    const { move } = domain.handle;
    if (move !== null) await domain.keep({ move: { ...move, made } });
  });
  const folder = domain.files.move;
  await removeIfThere(folder);
  if (!transfer.live && disks.length === 0) return;
  await makeFolder(folder);
  const { socket } = await daemonOf(env.config.uri, domain.handle.name);
  const task: Task = {
    ...await targetTask(peers, transfer),
    daemon: socket,
    socket: domain.files.moveSocket,
    uid: plan.uid,
    images: transfer.live ? [] : imagesOf(env, plan, disks),
  };
  await writeTask(folder, task);
  await startCarrier("libvirt", folder);
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
  if (await statOrNull(moveFiles(files.move).task) === null) return ticket;
  const { port, memoryPort, diskPort } = await awaitListening(domain, {
    state: RelayState,
    ms: LISTEN_MS,
    signal: env.closing,
    words: moveWords,
  });
  return { ...ticket, port, memoryPort, diskPort };
}

/** Lets the domain go on here. It is this node's by then: one that has ended meanwhile has ended here. */
export async function letRun(
  { book }: MoveParts,
  domain: Domain,
): Promise<void> {
  const isLive = domain.handle.move?.live === true;
  if (isLive) {
    await letGo(domain);
    book.touch(domain);
    await book.look();
  } else await endProcesses(domain);
  const words = await moveWords(domain.files.move);
  const isLost = isLive && !domain.isUp;
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
