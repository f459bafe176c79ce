/**
 * Names that a site has now, for the completion: asked of the controller, and
 * never waited for long.
 *
 * @module
 */
import { type Api, connect } from "./api.ts";
import type { Completes } from "./command.ts";
import { readSettings } from "./config.ts";
import type { Io } from "./io.ts";

/** A word to offer, and what it is. */
export type Candidate = readonly [word: string, about: string];

/** Tells the script to complete file names itself. */
export const FILES: Candidate = [":files", ""];

const LIVE_MS = 3_000;

/** Kinds of which the controller knows. */
export type Asked = Exclude<Completes, "file" | "event" | "none">;

type Ask = (api: Api, signal: AbortSignal) => Promise<readonly Candidate[]>;

const ASK: Readonly<Record<Asked, Ask>> = {
  async vm(api, signal) {
    const query = { fields: "name" };
    const { vms } = await api.call("vms", { query, signal });
    // What is answered then has the state beside the name.
    return (vms as unknown as { name: string; state: string }[]).map((
      { name, state },
    ) => [name, state]);
  },
  async cluster(api, signal) {
    const { clusters } = await api.call("clusters", { signal });
    return clusters.map(({ name, vms }) => [name, `${vms} VMs`]);
  },
  async node(api, signal) {
    const { nodes } = await api.call("nodes", { signal });
    return nodes.map(({ name, state }) => [name, state]);
  },
  async operation(api, signal) {
    const { operations } = await api.call("operations", { signal });
    return operations.map(({ id, verb, vm }) => [id, `${verb} ${vm}`]);
  },
  async plugin(api, signal) {
    const { plugins } = await api.call("plugins", { signal });
    return plugins.map(({ name, state }) => [name, state]);
  },
  async user(api, signal) {
    const { users } = await api.call("users", { signal });
    return users.map(({ name, role }) => [name, role]);
  },
  async token(api, signal) {
    const { tokens } = await api.call("tokens", { signal });
    return tokens.map(({ name, user }) => [name, `of ${user}`]);
  },
  async session(api, signal) {
    const { sessions } = await api.call("sessions", { signal });
    return sessions.map(({ id, user, address }) =>
      [id, `${user} from ${address}`] as const
    );
  },
  async owner(api, signal) {
    // Who may not see all accounts completes clusters all the same.
    const all = await Promise.all(
      [ASK.user, ASK.cluster].map((ask) => ask(api, signal).catch(() => [])),
    );
    return all.flat();
  },
};

/** Names of one kind, of the controller that the settings name. */
export async function liveNames(
  io: Io,
  kind: Completes,
): Promise<readonly Candidate[]> {
  if (isHere(kind)) return await namesHere(kind);
  const { controller, caPem, token } = await readSettings(io);
  if (controller === null || token === undefined) return [];
  using api = connect({ controller, caPem, token });
  return await namesAt(api, kind);
}

/** Names of one kind that nobody needs to be asked for. */
export async function namesHere(
  kind: Exclude<Completes, Asked>,
): Promise<readonly Candidate[]> {
  if (kind === "none") return [];
  if (kind === "file") return [FILES];
  const { EVENTS } = await import("../schema/event.ts");
  return Object.entries(EVENTS).map(([name, { about }]) => [name, about]);
}

/** Whether names of that kind are known without a controller. */
export function isHere(kind: Completes): kind is Exclude<Completes, Asked> {
  return !Object.hasOwn(ASK, kind);
}

/** Names of one kind, as a controller has them. */
export async function namesAt(
  api: Api,
  kind: Asked,
): Promise<readonly Candidate[]> {
  return await ASK[kind](api, AbortSignal.timeout(LIVE_MS));
}
