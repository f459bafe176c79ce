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
import { entryOf, writeEntry } from "./book.ts";
import { addressesOf, areSame, dueFor, type NameOptions } from "./claims.ts";
import type { NameServer } from "./name_server.ts";
import {
  type Claim,
  claim,
  type Claimed,
  type Place,
  release,
} from "./ownership.ts";
import { inTurn } from "./turns.ts";

type Context = PluginContext<unknown>;

/** Names of VMs at a server. */
export class Names {
  constructor(
    readonly server: NameServer,
    readonly options: NameOptions,
  ) {}

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
    return inTurn(
      uid,
      () => this.server.session(() => this.#sync(uid, name, ctx, isThorough)),
    );
  }

  /** The addresses that a VM's arguments tell of; the log names what is none. */
  addressesOf(vm: Vm, ctx: Context): string[] {
    return addressesOf(vm, this.options, (text) => {
      ctx.log.warn(`"${text}" of VM "${vm.name}" is no address`);
    });
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
    if (before === null && addresses.length === 0) return;
    const isSame = before?.done === true &&
      areSame(before.addresses, addresses);
    if (isSame && !isThorough) return;
    const due = dueFor(name, addresses, before, this.options);
    await writeEntry(
      uid,
      { vm: name, addresses: due.all, done: false },
      state,
    );
    for (const place of due.releases) {
      const isRemoved = await this.release(uid, place, ctx.signal);
      if (isRemoved) ctx.log.info(`"${place.name}" is removed`);
    }
    for (const want of due.claims) {
      tell(want, await this.claim(uid, want, ctx.signal), ctx);
    }
    const entry = addresses.length === 0
      ? null
      : { vm: name, addresses, done: true };
    await writeEntry(uid, entry, state);
  }

  /** Gives one name to a VM, after a look at who has it. */
  claim(uid: string, want: Claim, signal: AbortSignal): Promise<Claimed> {
    const { owner, ttl } = this.options;
    return claim(this.server, want, { mark: { owner, uid }, ttl, signal });
  }

  /** Removes what a VM has at one name; whether it had. */
  release(uid: string, place: Place, signal: AbortSignal): Promise<boolean> {
    const mark = { owner: this.options.owner, uid };
    return release(this.server, place, { mark, signal });
  }
}

function tell({ name, values }: Claim, outcome: Claimed, { log }: Context) {
  if (outcome === "foreign") {
    log.warn(`"${name}" is somebody else's and stays as it is`);
  } else if (outcome === "ours") {
    log.info(`"${name}" is ${values.map((it) => it.data).join(", ")}`);
  }
}
