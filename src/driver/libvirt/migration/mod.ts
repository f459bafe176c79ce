/**
 * Moving a domain to the libvirt of another node: `Migration` of the contract.
 *
 * What may follow what stands in `CarriedMigration`, as for Xen; here is what
 * libvirt does at each step. `source.ts` and `target.ts` are the two ends, and
 * `carrier.ts` is the process that stands between virsh and the other daemon.
 *
 * @module
 */
import { CarriedMigration } from "../../carried/migration.ts";
import type { Domain } from "../domain.ts";
import { removeFiles, removeFromLibvirt } from "../forget.ts";
import { putAside, removeImages } from "./disks.ts";
import { Offer } from "./messages.ts";
import { endProcesses, type MoveParts } from "./moves.ts";
import { makeOffer, sendAway, takeBack } from "./source.ts";
import { letRun, makeReady, takeOn, ticketOf } from "./target.ts";

/** Migration between two daemons of libvirt. */
export type LibvirtMigration = CarriedMigration<Domain, Offer>;

/** The migrations of one driver. */
export function libvirtMigration(parts: MoveParts): LibvirtMigration {
  const { env, book, turns } = parts;
  return new CarriedMigration<Domain, Offer>(env, turns, {
    known: (uid) => book.domains.get(uid),
    async find(uid) {
      await book.look();
      return book.domains.get(uid);
    },

    offer: (domain, transfer, signal) =>
      makeOffer(parts, domain, transfer, signal),
    offered: Offer,
    takeOn: (plan, transfer, offer) => takeOn(parts, plan, transfer, offer),
    makeReady: (domain, plan, transfer, offer) =>
      makeReady(parts, domain, plan, transfer, offer),
    ticketOf: (domain) => ticketOf(parts, domain),
    send: (domain, transfer, onProgress) =>
      sendAway(parts, domain, transfer, onProgress),
    letRun: (domain) => letRun(parts, domain),

    takeBack: (domain) => takeBack(parts, domain),
    endProcesses,
    async cut({ uuid }) {
      await env.virsh.act(["destroy", uuid]).catch(() => {});
      await book.look();
    },
    async remove(domain) {
      await domain.settled();
      await removeFromLibvirt(env, domain);
      const { uid, move, spec } = domain.handle;
      if (move?.role === "target") await removeImages(move.made);
      else if (move !== null && spec !== null) await putAside(spec, move.id);
      await removeFiles(env.layout, uid);
      book.remove(domain);
    },
  });
}
