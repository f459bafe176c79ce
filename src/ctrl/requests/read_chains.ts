/**
 * Reads of VMs and nodes as requests: `request`, then `list_request` or
 * `lnm_list_request`.
 *
 * An edit can only narrow: what a handler makes of names and filter is a test
 * that everything must pass besides what its reader asked for and may see. So
 * whatever a chain comes to, it shows nobody more. Where nobody hears, a read
 * costs what it costs without chains.
 *
 * @module
 */
import {
  compileGlob,
  compileName,
  type Condition,
  isGlob,
  matchesAll,
  parseFilter,
} from "../../core/selector.ts";
import { messageOf, UsherError } from "../../error/mod.ts";
import type { Events } from "../../plugin/events.ts";
import type { ListValue, LnmListValue } from "../../schema/event_value.ts";
import type { Node } from "../../schema/node.ts";
import type { Vm } from "../../schema/vm.ts";
import type { Caller } from "../auth/caller.ts";
import type { CtrlContext } from "../context.ts";
import { NODE_KEYS, nodeField, VM_KEYS, vmField } from "../fields.ts";
import { fullName, NameResolver } from "./names.ts";
import type { Records } from "../records/records.ts";

/** What chains of reads work with. */
export interface ReadParts {
  readonly events: Events;
  readonly records: Records;
  readonly context: CtrlContext;
}

/** What a reader asks for, as the query has it. */
export interface Read {
  readonly names: readonly string[];
  readonly filter: string;
}

/** Everything that a reader may see. */
export const ALL: Read = { names: [], filter: "" };

/** Whether something may be shown. */
export type Admits<T> = (one: T) => boolean;

/**
 * Which VMs may be shown of those that `caller` reads; null for all of them.
 * Throws `refused` and `plugin_failed`.
 */
export async function admittedVms(
  caller: Caller,
  read: Read,
  parts: ReadParts,
): Promise<Admits<Vm> | null> {
  const edited = await narrowed("list", caller, read, parts);
  if (edited === null) return null;
  const { names, filter, by } = edited;
  const conditions = conditionsOf(filter, VM_KEYS, by);
  const isNamed = namedVms(names, caller, parts.records);
  return (vm) =>
    isNamed(vm) && matchesAll(conditions, (key) => vmField(vm, key));
}

/** Which nodes may be shown of those that `caller` reads; likewise. */
export async function admittedNodes(
  caller: Caller,
  read: Read,
  parts: ReadParts,
): Promise<Admits<Node> | null> {
  const edited = await narrowed("lnm_list", caller, read, parts);
  if (edited === null) return null;
  const { names, filter, by } = edited;
  const conditions = conditionsOf(filter, NODE_KEYS, by);
  const isNamed = namedNodes(names);
  return (node) =>
    isNamed(node) && matchesAll(conditions, (key) => nodeField(node, key));
}

interface Edited extends Read {
  /** Who made it so. */
  readonly by: string;
}

/** What the chains made of a read; null when they left it as it was. */
async function narrowed(
  verb: "list" | "lnm_list",
  { user, role, groups = [], plugin }: Caller,
  { names, filter }: Read,
  { events, context }: ReadParts,
): Promise<Edited | null> {
  const heard = ["request" as const, `${verb}_request` as const];
  // Reads are not recorded for their own sake: without a handler nothing is made.
  if (Object.keys(events.versions(heard)).length === 0) return null;
  const id = `read-${context.newId()}`;
  const asked: ListValue | LnmListValue = {
    verb: verb as "list",
    id,
    user,
    role,
    groups: [...groups],
    plugin: plugin?.name ?? null,
    names: [...names],
    filter,
  };
  let value = asked;
  const by: string[] = [];
  for (const event of heard) {
    const { args, shares } = await events.decide(
      event as "request",
      [value],
      {
        decision: id,
        depth: plugin?.depth ?? 0,
        ...(plugin === undefined ? {} : { except: [plugin.name] }),
      },
    );
    value = args[0] as ListValue;
    for (const share of shares) {
      if (share.changed.length > 0) by.push(share.plugin);
    }
  }
  return value === asked
    ? null
    : { names: value.names, filter: value.filter, by: by.at(-1) ?? "" };
}

/** A handler's filter is a stranger's: what is wrong with it is its own fault. */
function conditionsOf(
  filter: string,
  keys: readonly string[],
  plugin: string,
): readonly Condition[] {
  try {
    return parseFilter(filter, [...keys]);
  } catch (error) {
    throw new UsherError(
      "plugin_failed",
      `Plugin "${plugin}" changed the request to one that cannot be: ${
        messageOf(error)
      }`,
      { subject: plugin, cause: error },
    );
  }
}

/** A name that is none, or of what the caller may not see, admits nothing. */
function namedVms(
  names: readonly string[],
  caller: Caller,
  records: Records,
): Admits<Vm> {
  if (names.length === 0) return () => true;
  const resolver = new NameResolver(records, caller);
  const globs = names.filter(isGlob).flatMap((glob) =>
    quietly(() => compileName(glob)) ?? []
  );
  const literal = new Set(
    names.filter((name) => !isGlob(name)).flatMap((name) => {
      const vm = quietly(() => resolver.find(name));
      const full = quietly(() => fullName(name, caller));
      return [vm?.name, full].filter((one) => one !== undefined);
    }),
  );
  return ({ name }) =>
    literal.has(name) || globs.some((matches) => matches(name));
}

function namedNodes(names: readonly string[]): Admits<Node> {
  if (names.length === 0) return () => true;
  const literal = new Set(names);
  const globs = names.filter(isGlob).flatMap((glob) =>
    quietly(() => compileGlob(glob)) ?? []
  );
  return ({ name }) =>
    literal.has(name) || globs.some((glob) => glob.test(name));
}

function quietly<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
