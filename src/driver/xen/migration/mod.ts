/**
 * Moving a domain to another dom0: `Migration` of the contract.
 *
 * What may follow what stands in `CarriedMigration`, as for libvirt; here is what
 * Xen does at each step. `source.ts` and `target.ts` are the two ends, and
 * `carrier.ts` is the process that stands between two xl.
 *
 * @module
 */
import { CarriedMigration } from "../../carried/migration.ts";
import { endCarrier } from "../../carried/processes.ts";
import type { Domain } from "../domain.ts";
import { destroyAll, removeTraces } from "../undo.ts";
import { Offer } from "./messages.ts";
import type { MoveParts } from "./moves.ts";
import { endSending, makeOffer, sendAway, takeBack } from "./source.ts";
import { letRun, makeReady, takeOn, ticketOf } from "./target.ts";

/** Migration between two hosts of Xen. */
export type XenMigration = CarriedMigration<Domain, Offer>;

/** The migrations of one driver. */
export function xenMigration(parts: MoveParts): XenMigration {
  const { env, domains, turns } = parts;
  return new CarriedMigration<Domain, Offer>(env, turns, {
    known: (uid) => domains.get(uid),
    async find(uid) {
      await env.looks.fresh();
      return domains.get(uid);
    },

    offer: (domain, transfer, signal) =>
      makeOffer(parts, domain, transfer, signal),
    offered: Offer,
    takeOn: (plan, transfer) => takeOn(parts, plan, transfer),
    makeReady: (domain, plan, transfer, offer) =>
      makeReady(parts, domain, plan, transfer, offer),
    ticketOf: (domain) => ticketOf(parts, domain),
    send: (domain, transfer, onProgress) =>
      sendAway(parts, domain, transfer, onProgress),
    letRun: (domain) => letRun(parts, domain),

    takeBack: (domain) => takeBack(parts, domain),
    endProcesses: (domain) =>
      domain.handle.move?.role === "target"
        ? endCarrier(domain.files.move)
        : endSending(domain),
    cut: ({ handle: { uid, name } }) => destroyAll(env, uid, name),
    async remove(domain) {
      const { uid, name } = domain.handle;
      await destroyAll(env, uid, name);
      domain.console.close();
      await removeTraces(env, uid, domain);
      domains.delete(uid);
    },
  });
}
