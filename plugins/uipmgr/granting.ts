/**
 * What a start gets: which range is meant, whether its user may have it, and
 * an address of each family for every VM that has none.
 *
 * @module
 */
import type { EventArgs, PluginContext } from "@usher/plugin";
import { type Address, parseAddress } from "./address.ts";
import type { Lease, Leases, Want } from "./leases.ts";
import { isIn, mayUse, type Range } from "./range.ts";
import { freeUnneeded } from "./reconcile.ts";
import type { Options } from "./options.ts";
import { argsFor, MANAGED, TOKEN } from "./vm_args.ts";

type Start = EventArgs<"start_request">[0];
type Context = PluginContext<Options>;

/** What addresses come from. */
export interface Sources {
  readonly ranges: ReadonlyMap<string, Range>;
  readonly leases: Leases;
}

/** A VM of the request, and the lease it has already. */
interface Place {
  readonly name: string;
  readonly uid: string | null;
  readonly token: string;
  /** Addresses that it has by its arguments. */
  readonly kept: readonly Address[];
  readonly range: Range;
}

/** The request with the addresses of its VMs. Refuses what cannot be had. */
export async function grant(
  request: Start,
  { ranges, leases }: Sources,
  ctx: Context,
): Promise<Start> {
  const asked = Object.hasOwn(request.args, "range")
    ? rangeCalled(request.args["range"] ?? "", ranges, request, ctx)
    : null;
  const wish = wishIn(request, ctx);
  const places: Place[] = [];
  for (const { name, uid } of request.vms) {
    const place = await placeOf(name, uid, { request, asked, ranges }, ctx);
    if (place !== null) places.push(place);
  }
  if (places.length === 0) {
    if (wish.length > 0) {
      ctx.refuse("an address can be asked for in a range alone", "add range=");
    }
    return request;
  }
  refuseOtherWish(places, wish, ctx);
  const wants = places.flatMap((place) => wantsOf(place, wish, request.id));
  // A plan, or what is played again, takes nothing.
  const taken = ctx.isReplay
    ? await leases.peek(wants, Date.now())
    : await takeAll(wants, leases, ctx);
  return await answer(request, { places, wants, taken, leases }, ctx);
}

/** What is wanted; also what a request has kept that came to nothing. */
async function takeAll(
  wants: readonly Want[],
  leases: Leases,
  ctx: Context,
): Promise<(Lease | null)[]> {
  const taken = await leases.take(wants, Date.now());
  const lacking = wants.filter((_, index) => taken[index] === null);
  if (lacking.length === 0) return taken;
  const isMeant = ({ family, value }: Lease) =>
    lacking.some(({ pool, exactly }) =>
      pool.family === family && isIn(pool, value) &&
      (exactly === null || exactly === value)
    );
  return await freeUnneeded(leases, isMeant, ctx) === 0
    ? taken
    : await leases.take(wants, Date.now());
}

/** The range that a request names. */
function rangeCalled(
  name: string,
  ranges: ReadonlyMap<string, Range>,
  request: Start,
  ctx: Context,
): Range {
  const range = ranges.get(name);
  // Whoever may not have it need not know that it is there.
  if (range === undefined || !mayUse(range, request)) {
    const open = [...ranges.values()].filter((it) => mayUse(it, request));
    return ctx.refuse(
      `there is no range "${name}" for you`,
      open.length === 0
        ? "ask an administrator for one"
        : `you may have ${open.map((it) => it.name).join(", ")}`,
    );
  }
  return range;
}

/** Addresses that the user asks for by number. */
function wishIn(request: Start, ctx: Context): Address[] {
  const fixed = MANAGED.filter((key) =>
    key !== "ip" && key !== "ip6" && Object.hasOwn(request.args, key)
  );
  if (fixed.length > 0) {
    ctx.refuse(`arguments are set by the range alone: ${fixed.join(", ")}`);
  }
  const texts = ["ip", "ip6"].flatMap((key) => {
    const text = request.args[key];
    return text === undefined ? [] : [{ key, text }];
  });
  return texts.map(({ key, text }) => {
    const address = parseAddress(text);
    const isRight = address?.family === (key === "ip" ? 4 : 6);
    return isRight ? address : ctx.refuse(`"${text}" is no address for ${key}`);
  });
}

/** What a VM needs; null where nothing says that it should have an address. */
async function placeOf(
  name: string,
  uid: string | null,
  { request, asked, ranges }: {
    readonly request: Start;
    readonly asked: Range | null;
    readonly ranges: ReadonlyMap<string, Range>;
  },
  ctx: Context,
): Promise<Place | null> {
  const vm = uid === null ? null : await ctx.vms.get(name);
  const args = vm?.args ?? {};
  const own = args[TOKEN];
  const before = own === undefined
    ? undefined
    : ranges.get(args["range"] ?? "");
  if (own !== undefined && before !== undefined) {
    if (asked !== null && asked !== before) {
      ctx.refuse(
        `VM "${name}" has its address in range "${before.name}"`,
        "unregister it to have one elsewhere",
      );
    }
    const kept = [args["ip"], args["ip6"]].flatMap((text) =>
      parseAddress(text ?? "") ?? []
    );
    return { name, uid, token: own, kept, range: before };
  }
  const { dfltrange } = ctx.options;
  const range = asked ??
    (dfltrange === undefined ? undefined : ranges.get(dfltrange));
  // The default is for those who may have it; others go without.
  if (range === undefined || !mayUse(range, request)) return null;
  const token = await tokenOf(`${ctx.decision}/${name}`);
  return { name, uid, token, kept: [], range };
}

/** An address by number is for one VM, and for one that has no other. */
function refuseOtherWish(
  places: readonly Place[],
  wish: readonly Address[],
  ctx: Context,
): void {
  const [place] = places;
  if (wish.length === 0 || place === undefined) return;
  if (places.length > 1) {
    ctx.refuse(
      `one address cannot be for ${places.length} VMs`,
      "leave it out, or start one at a time",
    );
  }
  const other = wish.find(({ family, value }) =>
    place.kept.some((it) => it.family === family && it.value !== value)
  );
  if (other !== undefined) {
    ctx.refuse(
      `VM "${place.name}" has another address`,
      "unregister it to have this one",
    );
  }
}

function wantsOf(
  place: Place,
  wish: readonly Address[],
  request: string,
): Want[] {
  const { range, name, uid, token, kept } = place;
  return range.pools.map((pool) => {
    const fixed = [...kept, ...wish].find((it) => it.family === pool.family);
    const exactly = fixed?.value ?? null;
    return { pool, token, vm: name, uid, request, exactly };
  });
}

async function answer(
  request: Start,
  { places, wants, taken, leases }: {
    readonly places: readonly Place[];
    readonly wants: readonly Want[];
    readonly taken: readonly (Lease | null)[];
    readonly leases: Leases;
  },
  ctx: Context,
): Promise<Start> {
  const missing = wants.find((_, index) => taken[index] === null);
  if (missing !== undefined) {
    if (!ctx.isReplay) await letGo(wants, taken, leases);
    const { range, family } = missing.pool;
    ctx.refuse(
      missing.exactly === null
        ? `range "${range}" has no IPv${family} address left`
        : `the address that VM "${missing.vm}" should have is taken, or not in range "${range}"`,
      missing.exactly === null ? "unregister VMs, or take another range" : "",
    );
  }
  const vmArgs = { ...request.vmArgs };
  for (const { name, token, range } of places) {
    const own = taken.filter((it) => it?.token === token && it.vm === name);
    vmArgs[name] = { ...vmArgs[name], ...argsFor(range, own as Lease[]) };
  }
  return { ...request, vmArgs, spec: specFor(request, places) };
}

/** What was taken for a request that is refused is free at once. */
async function letGo(
  wants: readonly Want[],
  taken: readonly (Lease | null)[],
  leases: Leases,
): Promise<void> {
  for (const [index, lease] of taken.entries()) {
    // One that an existing VM had before stays its own.
    if (lease === null || wants[index]?.uid !== null) continue;
    await leases.release(lease);
  }
}

/** New VMs without a nic get one on the bridge of their range. */
function specFor(request: Start, places: readonly Place[]): Start["spec"] {
  const bridges = new Set(places.map(({ range }) => range.options.bridge));
  const [bridge] = bridges;
  const areNew = request.vms.every(({ uid }) => uid === null);
  if (bridge === undefined || bridges.size > 1 || !areNew) return request.spec;
  if (request.spec.nics !== undefined) return request.spec;
  return { ...request.spec, nics: [{ kind: "bridge", bridge }] };
}

/** The same for the same decision and VM, and for no other. */
async function tokenOf(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  const hash = await crypto.subtle.digest("SHA-256", bytes);
  return [...new Uint8Array(hash).slice(0, 8)]
    .map((it) => it.toString(16).padStart(2, "0")).join("");
}
