/**
 * The target's acts: making ready for a domain that comes in, and letting it
 * go on here.
 *
 * The record is durable before the first file is made, so that whatever there
 * is of an attempt is found and cleared away.
 *
 * @module
 */
import { UsherError } from "../../../error/mod.ts";
import type { Transfer } from "../../../schema/frame.ts";
import { systemClock } from "../../../sys/clock.ts";
import { readCpu } from "../../../sys/cpu.ts";
import { JoinedSignal } from "../../../sys/joined_signal.ts";
import type { DomainPlan } from "../../driver.ts";
import { cannotNow } from "../../refusals.ts";
import type { Domain } from "../domain.ts";
import { newHandle } from "../handle.ts";
import { launch } from "../launch.ts";
import { queryRunState } from "../monitor.ts";
import { Carrier, endCarrier } from "./carrier.ts";
import { command, type Commander } from "./commander.ts";
import { onFreePort, serveDisks, stopServing } from "./exports.ts";
import { fixedFiles } from "./fate.ts";
import { migrationUri, prepareTarget } from "./memory.ts";
import { keepMove, type MoveParts, newMove } from "./moves.ts";
import { forgetPeers, listenTo } from "./peer_tls.ts";
import type { MoveRecord, Offer, Ticket } from "./record.ts";
import { keepMade, TargetDisks } from "./target_disks.ts";

/** How long the target may take to notice that it has everything. */
const SETTLE_MS = 10_000;
const LOOK_MS = 5;
/** How long a QEMU whose monitor broke off may take to end. */
const END_MS = 1000;

/** Makes ready for a domain that comes in. What it throws leaves things for `clearAway`. */
export async function takeIn(
  parts: MoveParts,
  domain: Domain,
  plan: DomainPlan,
  transfer: Transfer,
  offer: Offer,
  cancel: AbortSignal,
): Promise<Ticket> {
  const { env, peers, sameness } = parts;
  await checkNode(parts, plan, offer);
  const disks = await TargetDisks.plan(
    env,
    plan,
    offer,
    transfer.id,
    sameness,
  );
  const move: MoveRecord = {
    ...newMove(transfer, "target", offer.paused),
    made: disks.made,
  };
  domain.handle = newHandle(plan, env.bootId, move);
  await domain.keeper.keep(domain.handle);
  using either = new JoinedSignal(cancel, env.closing);
  await disks.make(either.signal);
  const intake = {
    address: await peers.address(),
    folder: (await peers.credentials()).folder,
    disks: disks.sent,
  };
  if (transfer.live) {
    const { accel, memoryKiB } = offer;
    const incoming = { move, accel, memoryKiB };
    await launch(env, domain, plan, { fresh: true, cancel, incoming });
    return await openLive(parts, domain, move, intake);
  }
  const ending = offer.ending ??
    { state: "stopped" as const, reason: "never ran" };
  domain.handle = { ...domain.handle, ending };
  return await openCold(parts, domain, move, intake);
}

/** Where and for whom the target listens. */
interface Intake {
  readonly address: string;
  /** This node's certificate. */
  readonly folder: string;
  readonly disks: Ticket["disks"];
}

async function openLive(
  parts: MoveParts,
  domain: Domain,
  move: MoveRecord,
  intake: Intake,
): Promise<Ticket> {
  const { env: { node }, peers } = parts;
  const { address, disks } = intake;
  const diskPort = await openDisks(parts, domain, domain, move, intake);
  await prepareTarget(domain, move);
  const port = await onFreePort(
    peers.ports,
    { name: domain.handle.name, node },
    (port) =>
      command(domain, "migrate-incoming", { uri: migrationUri(address, port) }),
  );
  return await settle(domain, { address, port, diskPort, disks });
}

async function openCold(
  parts: MoveParts,
  domain: Domain,
  move: MoveRecord,
  intake: Intake,
): Promise<Ticket> {
  const { env } = parts;
  const { address, disks } = intake;
  const bare = { address, port: null, diskPort: null, disks };
  const { handle } = domain;
  if (disks.length === 0 || handle.spec === null) {
    return await settle(domain, bare);
  }
  using carrier = await Carrier.open(env, handle, handle.spec);
  const diskPort = await openDisks(parts, domain, carrier, move, intake);
  return await settle(domain, { ...bare, diskPort });
}

/** Has a QEMU let the peer in, and serve the disks that are to be filled. */
async function openDisks(
  { env: { node }, peers }: MoveParts,
  { handle: { name } }: Domain,
  qemu: Commander,
  { peer }: MoveRecord,
  { address, folder, disks }: Intake,
): Promise<number | null> {
  await listenTo(qemu, peer, folder);
  if (disks.length === 0) return null;
  const subject = { name, node };
  const { ports } = peers;
  return await serveDisks(qemu, disks, { address, ports, subject });
}

async function settle(
  domain: Domain,
  place: Omit<Ticket, "copy">,
): Promise<Ticket> {
  const ticket = { ...place, copy: crypto.randomUUID() };
  const { move } = domain.handle;
  if (move !== null) {
    await keepMove(domain, { ...move, phase: "waiting", ticket });
  }
  return ticket;
}

/** Throws for what this node has not got. */
async function checkNode(
  { env, sameness }: MoveParts,
  plan: DomainPlan,
  offer: Offer,
): Promise<void> {
  const { name } = plan;
  const to = `Cannot move VM "${name}" to node "${env.node}"`;
  const { accel } = await env.accel();
  if (offer.accel === "kvm" && accel !== "kvm") {
    throw new UsherError("unsupported", `${to}: it runs by kvm there is none`, {
      hint: "A guest keeps the processor that it was started with.",
    });
  }
  if (offer.cpu !== null) {
    const here = await readCpu();
    const missing = offer.cpu.flags.filter((flag) =>
      !here.flags.includes(flag)
    );
    if (here.vendor !== offer.cpu.vendor || missing.length > 0) {
      throw new UsherError(
        "unsupported",
        `${to}: its processor is of ${here.vendor} and lacks ${
          missing.slice(0, 8).join(", ") || "nothing"
        }, and the guest has that of its node (${offer.cpu.vendor})`,
        { hint: "Start it with a named CPU that both nodes have." },
      );
    }
  }
  for (const path of fixedFiles(plan.spec.disks)) {
    const other = offer.fixed[path] ?? null;
    if (await sameness.holds(path, other)) continue;
    throw new UsherError(
      "invalid_input",
      `${to}: ${path}, which is only read, is not the same there`,
      {
        field: "spec.disks",
        hint: "Copy it there first, or mark the disk as shared.",
      },
    );
  }
}

/**
 * Lets the domain go on here. The record tells how far that is, so it can be
 * asked again. The domain is this node's by then: when its QEMU has ended
 * before it went on, so has the guest, and it can be started here.
 */
export async function goOn(
  { env }: MoveParts,
  domain: Domain,
): Promise<void> {
  const { move, uid } = domain.handle;
  if (move === null) return;
  if (move.role === "source" || move.phase === "receiving") {
    throw cannotNow("activate", domain, "it did not come here");
  }
  if (!move.live) await endCarrier(env, uid);
  else await letRunHere(env, domain, move);
  await keepMade(move.made);
  await keepMove(domain, null);
  await domain.look();
}

/** That its QEMU ends meanwhile is an end like one before: nothing is left that could go on. */
async function letRunHere(
  env: MoveParts["env"],
  domain: Domain,
  move: MoveRecord,
): Promise<void> {
  try {
    const state = await stateWhenComplete(domain, move);
    if (state !== null) await letRun(env, domain, move, state);
  } catch (error) {
    if (!await hasEnded(domain)) throw error;
  }
}

/** Whether its QEMU is gone. A monitor breaks off a moment before that can be seen. */
async function hasEnded(domain: Domain): Promise<boolean> {
  const until = systemClock.monotonic() + END_MS;
  while (domain.process !== null && systemClock.monotonic() < until) {
    await domain.look();
    if (domain.process !== null) await systemClock.sleep(LOOK_MS);
  }
  return domain.process === null;
}

async function letRun(
  env: MoveParts["env"],
  domain: Domain,
  move: MoveRecord,
  state: string,
): Promise<void> {
  // Nothing is asked of QEMU in vain here: the guest stands still.
  if ((domain.handle.spec?.disks.length ?? 1) > 0) await stopServing(domain);
  await keepMove(domain, { ...move, phase: "activating" });
  if (!move.paused && state === "paused") await command(domain, "cont");
  await forgetPeers(domain).catch((error) =>
    env.log("warn", "QEMU keeps what it knew its peer by", {
      uid: domain.handle.uid,
      error,
    })
  );
}

/**
 * Waits until QEMU has taken everything in, which is a moment after the source
 * has sent it; its run state then, or null when there is no QEMU any more.
 */
async function stateWhenComplete(
  domain: Domain,
  { phase }: MoveRecord,
): Promise<string | null> {
  const until = systemClock.monotonic() + SETTLE_MS;
  for (;;) {
    if (domain.process === null) {
      await domain.look();
      return null;
    }
    const state = await queryRunState(domain);
    if (phase === "activating" || state !== "inmigrate") return state;
    if (systemClock.monotonic() > until) {
      throw cannotNow("activate", domain, "a part of it is not here yet");
    }
    await systemClock.sleep(LOOK_MS);
  }
}
