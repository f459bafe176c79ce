/**
 * What `udns` keeps in step: for each VM with an address, its names in the
 * forward zone and in the reverse ones.
 *
 * Look, then act: what a VM should have is read from its record, never from
 * the event that made usher look. What it may have is written down before the
 * server is told, so that after a crash nothing is forgotten at the server.
 *
 * @module
 */
import type { PluginContext, Vm } from "@usher/plugin";
import { allNames, entryOf, writeEntry } from "./book.ts";
import type { TypeName } from "./message.ts";
import type { NameServer } from "./name_server.ts";
import {
  type Claim,
  claim,
  type Marked,
  markedIn,
  release,
} from "./ownership.ts";
import { addressType, reverseName, zoneOf } from "./reverse.ts";

/** What names are made of. */
export interface NameOptions {
  readonly zone: string;
  readonly reverse_zones: readonly string[];
  readonly owner: string;
  readonly ttl: number;
  /** Keys of a VM's arguments that hold its addresses. */
  readonly addresses: readonly string[];
}

/**
 * The last thing that is done for each VM; the next waits for it. For all
 * registrations together, since each event has one of its own.
 */
const TURNS = new Map<string, Promise<void>>();

type Context = PluginContext<unknown>;

/** What is at the name of a VM. */
const FORWARD: TypeName[] = ["A", "AAAA"];

/** Names of VMs at a server. */
export class Names {
  readonly #server: NameServer;
  readonly #options: NameOptions;

  constructor(server: NameServer, options: NameOptions) {
    this.#server = server;
    this.#options = options;
  }

  /**
   * Makes the server have what VM `uid` should have. With `isThorough` it is
   * asked also where it was told all before. Throws while it cannot be told.
   */
  sync(
    uid: string,
    name: string,
    ctx: Context,
    isThorough = false,
  ): Promise<void> {
    return inTurn(uid, () => this.#sync(uid, name, ctx, isThorough));
  }

  /**
   * Removes a name that is marked for a VM which should not have it. `vm` is
   * what the VM is called; null for one that is gone.
   */
  removeStray(
    { zone, name, uid }: Marked,
    vm: string | null,
    ctx: Context,
  ): Promise<void> {
    return inTurn(uid, async () => {
      const now = vm === null ? null : await ctx.vms.get(vm);
      const isWanted = now?.uid === uid &&
        this.claimsOf(now, ctx).some((claim) => claim.name === name);
      if (isWanted) return;
      const types: TypeName[] = zone === this.#options.zone ? FORWARD : ["PTR"];
      await this.#release(uid, { zone, name, types, values: [] }, ctx);
    });
  }

  /** Every name that the zones have marked as this site's. */
  async marked(signal: AbortSignal): Promise<Marked[]> {
    const { zone, reverse_zones, owner } = this.#options;
    const all: Marked[] = [];
    for (const one of new Set([zone, ...reverse_zones])) {
      all.push(...await markedIn(this.#server, one, { owner, signal }));
    }
    return all;
  }

  /** All that a VM should have at the server. */
  claimsOf(vm: Vm, ctx: Context): Claim[] {
    const addresses = this.addressesOf(vm, ctx);
    if (addresses.length === 0) return [];
    const reverse = addresses.map((it) => this.#reverse(it, vm.name));
    return [
      this.#forward(vm.name, addresses),
      ...reverse.filter((it) => it !== null),
    ];
  }

  /** VMs of which the server may have something: name by uid. */
  known(ctx: Context): Promise<Map<string, string>> {
    return allNames(ctx.state);
  }

  async #sync(
    uid: string,
    name: string,
    ctx: Context,
    isThorough: boolean,
  ): Promise<void> {
    const { state } = ctx;
    const before = await entryOf(uid, state);
    const vm = await ctx.vms.get(name);
    const addresses = vm?.uid === uid ? this.addressesOf(vm, ctx) : [];
    const isSame = before?.done === true &&
      isEqual(before.addresses, addresses);
    if (before === null && addresses.length === 0) return;
    if (isSame && !isThorough) return;
    const old = before?.addresses ?? [];
    const all = [...new Set([...old, ...addresses])];
    await writeEntry(uid, { vm: name, addresses: all, done: false }, state);
    const gone = old.filter((it) => !addresses.includes(it));
    for (const address of gone) await this.#releaseReverse(uid, address, ctx);
    if (addresses.length === 0) {
      await this.#release(uid, this.#forward(name, []), ctx);
      await writeEntry(uid, null, state);
      return;
    }
    await this.#claim(uid, this.#forward(name, addresses), ctx);
    for (const address of addresses) {
      const reverse = this.#reverse(address, name);
      if (reverse !== null) await this.#claim(uid, reverse, ctx);
    }
    await writeEntry(uid, { vm: name, addresses, done: true }, state);
  }

  /** The addresses that a VM's arguments tell of, without what is none. */
  addressesOf(vm: Vm, ctx: Context): string[] {
    const texts = this.#options.addresses.flatMap((key) => {
      const text = vm.args[key]?.trim() ?? "";
      return text === "" ? [] : [text];
    });
    return [...new Set(texts)].filter((text) => {
      const isAddress = addressType(text) !== null;
      if (!isAddress) {
        ctx.log.warn(`"${text}" of VM "${vm.name}" is no address`);
      }
      return isAddress;
    });
  }

  #forward(name: string, addresses: readonly string[]): Claim {
    const { zone } = this.#options;
    return {
      zone,
      name: `${name}.${zone}`,
      types: FORWARD,
      values: addresses.map((data) => ({
        type: addressType(data) ?? "A",
        data,
      })),
    };
  }

  #reverse(address: string, name: string): Claim | null {
    const at = reverseName(address);
    const zone = zoneOf(at, this.#options.reverse_zones);
    if (zone === null) return null;
    const data = `${name}.${this.#options.zone}`;
    return { zone, name: at, types: ["PTR"], values: [{ type: "PTR", data }] };
  }

  async #claim(uid: string, want: Claim, ctx: Context): Promise<void> {
    const { owner, ttl } = this.#options;
    const mark = { owner, uid };
    const { signal } = ctx;
    const outcome = await claim(this.#server, want, { mark, ttl, signal });
    if (outcome === "foreign") {
      ctx.log.warn(`"${want.name}" is somebody else's and stays as it is`);
    } else if (outcome === "ours") {
      const data = want.values.map((it) => it.data).join(", ");
      ctx.log.info(`"${want.name}" is ${data}`);
    }
  }

  async #release(
    uid: string,
    { zone, name, types }: Claim,
    ctx: Context,
  ): Promise<void> {
    const mark = { owner: this.#options.owner, uid };
    const place = { zone, name, types };
    const { signal } = ctx;
    if (await release(this.#server, place, { mark, signal })) {
      ctx.log.info(`"${name}" is removed`);
    }
  }

  async #releaseReverse(
    uid: string,
    address: string,
    ctx: Context,
  ): Promise<void> {
    const reverse = this.#reverse(address, "");
    if (reverse !== null) await this.#release(uid, reverse, ctx);
  }
}

/** One thing after another for each VM, whichever registration does it. */
function inTurn(uid: string, work: () => Promise<void>): Promise<void> {
  const turn = (TURNS.get(uid) ?? Promise.resolve()).catch(() => {}).then(work);
  TURNS.set(uid, turn);
  void turn.catch(() => {}).then(() => {
    if (TURNS.get(uid) === turn) TURNS.delete(uid);
  });
  return turn;
}

function isEqual(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((it) => b.includes(it));
}
