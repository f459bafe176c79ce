/**
 * Limits: what of a request is more than its rules allow.
 *
 * @module
 */
import type { Globs } from "./glob.ts";
import type { Limits, Rule, VmRequestValue } from "./rule.ts";

/** Something that a request asks for and may not have. */
export interface Excess {
  readonly text: string;
  /** What would be right. */
  readonly hint: string;
  readonly rule: string;
}

type Spec = Extract<VmRequestValue, { verb: "start" }>["spec"];

/** One thing that is asked for, and the limit that it falls under. */
interface Asked {
  readonly limit: keyof Limits;
  /** As it stands in a sentence. */
  readonly what: string;
  readonly value: number | string;
  readonly show?: (value: number) => string;
  readonly isPath?: boolean;
}

/** Everything that `request` asks for beyond `rules`; the first that speaks of a limit decides. */
export function excesses(
  request: VmRequestValue,
  rules: readonly Rule[],
  globs: Globs,
): Excess[] {
  return askedBy(request).flatMap((asked) => {
    const rule = rules.find(({ limits }) => limits[asked.limit] !== undefined);
    const excess = rule === undefined
      ? null
      : excessOf(asked, rule.limits[asked.limit], rule.name, globs);
    return excess === null ? [] : [excess];
  });
}

function excessOf(
  { what, value, limit, show = String, isPath = false }: Asked,
  allowed: Limits[keyof Limits],
  rule: string,
  globs: Globs,
): Excess | null {
  if (allowed === undefined || allowed === "any") return null;
  if (typeof value === "number") {
    if (typeof allowed !== "number" || value <= allowed) return null;
    return {
      text: `${what} of ${show(value)} is more than rule "${rule}" allows`,
      hint: `ask for ${show(allowed)} at most`,
      rule,
    };
  }
  if (typeof allowed === "number") return null;
  const isAllowed = isPath
    ? globs.isPath(allowed, value)
    : globs.isAny(allowed, value);
  return isAllowed ? null : {
    text: `${what} "${value}" is not one that rule "${rule}" allows`,
    hint: allowed.length === 0
      ? `leave it out: none is allowed (${limit})`
      : `allowed are ${allowed.join(", ")}`,
    rule,
  };
}

/** What a request asks for; a spec counts only where a VM is made of it. */
function askedBy(request: VmRequestValue): Asked[] {
  switch (request.verb) {
    case "start":
    case "register": {
      const made = request.vms.filter(({ uid }) => uid === null).length;
      return [
        ...nodeAsked(request.on),
        ...(made === 0 ? [] : [
          {
            limit: "count",
            what: "A request for new VMs",
            value: made,
          } as const,
          ...specAsked(request.spec),
        ]),
      ];
    }
    case "migrate":
      return nodeAsked(request.to);
    default:
      return [];
  }
}

function nodeAsked(name: string | undefined): Asked[] {
  return name === undefined
    ? []
    : [{ limit: "nodes", what: "Node", value: name }];
}

function specAsked(spec: Spec): Asked[] {
  const { memoryMiB, vcpus, driver, disks = [], nics = [] } = spec;
  const forwards =
    nics.flatMap((nic) => nic.kind === "user" ? nic.forwards : []).length;
  const labels = Object.entries(spec.placement?.nodeLabels ?? {});
  return [
    ...(memoryMiB === undefined ? [] : [sized("memory", "Memory", memoryMiB)]),
    ...(vcpus === undefined
      ? []
      : [{ limit: "vcpus", what: "A number of vcpus", value: vcpus } as const]),
    ...(driver === undefined
      ? []
      : [{ limit: "drivers", what: "Driver", value: driver } as const]),
    { limit: "disks", what: "A number of disks", value: disks.length },
    ...disks.flatMap(diskAsked),
    { limit: "nics", what: "A number of nics", value: nics.length },
    { limit: "forwards", what: "A number of port forwards", value: forwards },
    ...nics.map((nic): Asked => ({
      limit: "networks",
      what: "Network",
      value: networkOf(nic),
    })),
    ...[spec.boot?.kernel, spec.boot?.initrd].flatMap((path): Asked[] =>
      path === undefined
        ? []
        : [{ limit: "kernels", what: "Kernel file", value: path, isPath: true }]
    ),
    ...labels.map(([key, value]): Asked => ({
      limit: "node_labels",
      what: "Node label",
      value: `${key}=${value}`,
    })),
  ];
}

function diskAsked(
  { base, path, sizeMiB }: NonNullable<Spec["disks"]>[number],
): Asked[] {
  return [
    ...(base === undefined ? [] : [
      { limit: "images", what: "Image", value: base, isPath: true } as const,
    ]),
    ...(path === undefined ? [] : [
      { limit: "disk_paths", what: "Disk", value: path, isPath: true } as const,
    ]),
    ...(sizeMiB === undefined
      ? []
      : [sized("disk_size", "A disk size", sizeMiB)]),
  ];
}

function sized(limit: keyof Limits, what: string, value: number): Asked {
  return { limit, what, value, show: sizeText };
}

/** `user`, `bridge:br0`, `tap:tap3`: what the `networks` of a rule are about. */
function networkOf(nic: NonNullable<Spec["nics"]>[number]): string {
  switch (nic.kind) {
    case "user":
      return "user";
    case "bridge":
      return `bridge:${nic.bridge}`;
    case "tap":
      return `tap:${nic.tap}`;
  }
}

/** `mib` as people read it. */
function sizeText(mib: number): string {
  return mib >= 1024 && mib % 512 === 0 ? `${mib / 1024} GiB` : `${mib} MiB`;
}
