/**
 * Doing what a plan says to a world, and undoing faults when they are over.
 *
 * @module
 */
import { isFinal } from "../core/operation_machine.ts";
import type { Result } from "../schema/operation.ts";
import type { Plan } from "./plan.ts";
import type { ClientFault, Deed, Fault, GuestEnd, NodeFault } from "./deed.ts";
import { isUp } from "../driver/sim/domain.ts";
import type { Answer, Client } from "./client.ts";
import type { Machine } from "./machine.ts";
import type { World } from "./world.ts";

/** How long a client goes on asking, in ms. */
const ASK_MS = 120_000;

/** Plans every deed of `plan` in the time of `world`. */
export function schedule(world: World, plan: Plan): void {
  for (const deed of plan) {
    world.director.after(deed.at, () => void perform(world, deed));
  }
}

/** When the last deed, with all that it does, is over. */
export function endOf(plan: Plan): number {
  return plan.reduce((end, deed) => {
    const lasts = deed.type === "fault" && "ms" in deed.fault
      ? deed.fault.ms
      : 0;
    return Math.max(end, deed.at + lasts);
  }, 0);
}

async function perform(world: World, deed: Deed): Promise<void> {
  // By nothing that another deed's absence would change.
  const client = world.clients[deed.at % world.clients.length]!;
  switch (deed.type) {
    case "request": {
      const { verb, names, id } = deed.body;
      world.history.add(client.name, `asks ${id}: ${verb} ${names.join(" ")}`);
      const asking = Array.from(
        { length: deed.times },
        () => client.ask("POST", "/v1/requests", deed.body, ASK_MS),
      );
      const answers = await Promise.all(asking);
      for (const answer of answers) {
        world.history.add(client.name, `hears of ${id}: ${said(answer)}`);
      }
      if (answers.every(isRefusal)) world.idle.add(deed);
      return;
    }
    case "cancel":
      if (!await cancel(world, client, deed.request)) world.idle.add(deed);
      return;
    case "node":
      return await askOfNode(world, client, deed);
    case "guest":
      if (!endGuest(world, deed.vm, deed.ends)) world.idle.add(deed);
      return;
    case "fault":
      world.history.add("fault", JSON.stringify(deed.fault));
      return await befall(world, deed.fault);
  }
}

/** Cancels the first operation of a request that has not ended; false when there is none. */
async function cancel(
  world: World,
  client: Client,
  id: string,
): Promise<boolean> {
  const answer = await client.ask("GET", `/v1/requests/${id}`, undefined, 5000);
  if (answer?.status !== 200) return false;
  const open = (answer.body as Result).outcomes.find(({ state }) =>
    !isFinal(state)
  );
  if (open === undefined) return false;
  world.history.add(client.name, `cancels ${open.operation} of ${id}`);
  const path = `/v1/operations/${open.operation}/cancel`;
  await client.ask("POST", path, undefined, 5000);
  return true;
}

/** What an administrator asks of a node. */
async function askOfNode(
  world: World,
  client: Client,
  { verb, node }: Extract<Deed, { type: "node" }>,
): Promise<void> {
  world.history.add(client.name, `asks to ${verb} ${node}`);
  const body = verb === "drain" ? {} : undefined;
  const path = `/v1/nodes/${node}/${verb}`;
  const answer = await client.ask("POST", path, body, ASK_MS);
  world.history.add(client.name, `hears of ${verb} ${node}: ${said(answer)}`);
}

function isRefusal(answer: Answer | null): boolean {
  return answer !== null && answer.status !== 200;
}

function said(answer: Answer | null): string {
  if (answer === null) return "nothing";
  if (answer.status === 200) return "accepted";
  return (answer.body as { detail: string }).detail;
}

/** Ends a guest wherever it runs; false when it runs nowhere. */
function endGuest(world: World, vm: string, ends: GuestEnd): boolean {
  let found = false;
  for (const machine of world.machines) {
    if (!machine.hasPower) continue;
    for (
      const { domain, name } of machine.hypervisor?.all().filter(isUp) ?? []
    ) {
      if (name !== vm) continue;
      found = true;
      world.history.add("guest", `of ${vm} on ${machine.name} ${ends}`);
      world.domains.excuse(machine, domain, () => {
        if (ends === "crashes") machine.hypervisor?.crash(domain);
        else machine.hypervisor?.shutDownFromInside(domain);
      });
    }
  }
  return found;
}

async function befall(world: World, fault: Fault): Promise<void> {
  if ("node" in fault) return befallNode(world, fault);
  const { controller, network, disk, director } = world;
  switch (fault.type) {
    case "kill ctrl": {
      const process = controller.kill();
      if (process !== null) network.killed(process);
      return controller.startLater();
    }
    case "stop ctrl": {
      const process = await controller.stop();
      if (process !== null) network.killed(process);
      return controller.startLater();
    }
    case "freeze ctrl":
      return controller.process?.stop(fault.ms);
    case "disk full":
      disk.isFull = true;
      director.after(fault.ms, () => void (disk.isFull = false));
      return;
    case "slow disk":
      disk.slow(fault.upTo);
      director.after(fault.ms, () => disk.slow(null));
      return;
    default:
      return befallClients(world, fault);
  }
}

function befallClients(world: World, fault: ClientFault): void {
  for (const { route } of world.clientsAndWatchers) {
    if (fault.type === "cut clients") world.network.cut(route);
    else {
      route.slow({ low: 0, high: fault.upTo });
      world.director.after(fault.ms, () => route.slow(null));
    }
  }
}

/** An administrator who looked: what has no power runs nothing, also once it is back. */
async function declareDead(
  { clients, history }: World,
  { name, hasPower }: Machine,
): Promise<void> {
  const [client] = clients;
  if (hasPower || client === undefined) return;
  history.add(client.name, `declares ${name} dead`);
  await client.ask("POST", `/v1/nodes/${name}/declare-dead`, undefined, 30_000);
}

function befallNode(world: World, fault: NodeFault): void {
  const machine = world.machine(fault.node);
  const { route } = machine;
  const { director } = world;
  switch (fault.type) {
    case "kill lnm":
      machine.killLnm();
      director.after(fault.ms, () => machine.startLnm());
      return;
    case "stop lnm":
      machine.stopLnm();
      director.after(fault.ms, () => machine.startLnm());
      return;
    case "freeze lnm":
      return machine.freezeLnm(fault.ms);
    case "power loss":
      if (!machine.hasPower) return;
      world.domains.lostPower(machine);
      machine.losePower(fault.forgets);
      director.after(fault.ms, () => void machine.boot());
      if (fault.declaredMs !== null) {
        director.after(
          fault.declaredMs,
          () => void declareDead(world, machine),
        );
      }
      return;
    case "partition":
      route.block(fault.ways);
      director.after(fault.ms, () => route.unblock(fault.ways));
      return;
    case "cut":
      return world.network.cut(route);
    case "slow link":
      route.slow({ low: 0, high: fault.upTo });
      director.after(fault.ms, () => route.slow(null));
      return;
    case "lost ends":
      route.losesEnds = true;
      director.after(fault.ms, () => void (route.losesEnds = false));
      return;
    case "slow verbs":
      machine.turn({ verbDelayMs: fault.by });
      director.after(fault.ms, () => machine.turn({}));
      return;
    case "mute driver":
      machine.turn({ listError: "the driver was made to say nothing" });
      director.after(fault.ms, () => machine.turn({}));
      return;
  }
}
