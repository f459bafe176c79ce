/**
 * What the rules add to a request: defaults for what it leaves open, and
 * arguments that are as the site says whatever was asked.
 *
 * @module
 */
import type { Defaults, Rule, VmRequestValue } from "./rule.ts";

/** What is added to a request. */
export interface Additions {
  readonly args: Readonly<Record<string, string>>;
  readonly memoryMiB: number | undefined;
  readonly vcpus: number | undefined;
  readonly driver: string | undefined;
  readonly nodeLabels: Readonly<Record<string, string>>;
  /** Arguments of the site's, over those that were given. */
  readonly set: Readonly<Record<string, string>>;
}

/** What `rules` add; of each setting, the first that speaks of it. */
export function additionsOf(rules: readonly Rule[]): Additions {
  const first = <K extends keyof Defaults>(key: K): Defaults[K] =>
    rules.find(({ defaults }) => defaults[key] !== undefined)?.defaults[key];
  return {
    args: merged(rules.map(({ defaults }) => defaults.args ?? {})),
    memoryMiB: first("memory"),
    vcpus: first("vcpus"),
    driver: first("driver"),
    nodeLabels: first("node_labels") ?? {},
    set: merged(rules.map(({ set }) => set)),
  };
}

/** All of `maps`; of what several have, the first one's. */
function merged(
  maps: readonly Readonly<Record<string, string>>[],
): Record<string, string> {
  return Object.assign({}, ...maps.toReversed());
}

/** `request` with what is added to it; the very same when that is nothing. */
export function completed<R extends VmRequestValue>(
  request: R,
  additions: Additions,
): R {
  const args = { ...request.args, ...additions.set };
  if (request.verb !== "start" && request.verb !== "register") {
    return isSame(args, request.args) ? request : { ...request, args };
  }
  // What is given to VMs that exist would overwrite what they have.
  const isMaking = request.vms.every(({ uid }) => uid === null);
  const all = isMaking ? { ...additions.args, ...args } : args;
  const spec = completedSpec(request.spec, additions);
  return isSame(all, request.args) && isSame(spec, request.spec)
    ? request
    : { ...request, args: all, spec };
}

function completedSpec(
  spec: Extract<VmRequestValue, { verb: "start" }>["spec"],
  { memoryMiB, vcpus, driver, nodeLabels }: Additions,
): typeof spec {
  const labels = { ...nodeLabels, ...spec.placement?.nodeLabels };
  return {
    ...(memoryMiB === undefined ? {} : { memoryMiB }),
    ...(vcpus === undefined ? {} : { vcpus }),
    ...(driver === undefined ? {} : { driver }),
    ...spec,
    ...(Object.keys(nodeLabels).length === 0
      ? {}
      : { placement: { ...spec.placement, nodeLabels: labels } }),
  };
}

/** Whether two pieces of JSON say the same, whatever the order of their keys. */
export function isSame(a: unknown, b: unknown): boolean {
  return sortedText(a) === sortedText(b);
}

function sortedText(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, it) =>
      typeof it === "object" && it !== null && !Array.isArray(it)
        ? Object.fromEntries(
          Object.entries(it).sort(([a], [b]) => a < b ? -1 : 1),
        )
        : it,
  ) ?? "";
}
