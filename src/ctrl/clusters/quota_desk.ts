/**
 * Quotas as clients read and set them.
 *
 * Everybody sees their own, and those of clusters that they see; only
 * administrators set them.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { QuotaView, SetQuotaRequest } from "../../schema/quota.ts";
import { QuotaSubject } from "../../schema/quota.ts";
import { Access } from "../auth/access.ts";
import type { Caller } from "../auth/caller.ts";
import { isoNow } from "../context.ts";
import type { ClusterParts } from "./clusters.ts";

/** Quotas, for one caller. */
export class QuotaDesk {
  readonly #parts: ClusterParts;
  readonly #caller: Caller;
  readonly #access: Access;

  constructor(parts: ClusterParts, caller: Caller) {
    this.#parts = parts;
    this.#caller = caller;
    this.#access = new Access(caller, parts.records);
  }

  /** Of all who have VMs or limits of their own, as far as the caller may see; the caller's first. */
  list(): QuotaView[] {
    const { quotas, holdings } = this.#parts.records.capacity;
    const subjects = new Set([...quotas.subjects(), ...holdings.subjects()]);
    subjects.add(this.#caller.user);
    const seen = [...subjects].filter((subject) => this.#maySee(subject));
    const isOwn = (subject: string) => Number(subject !== this.#caller.user);
    seen.sort((a, b) => isOwn(a) - isOwn(b) || (a < b ? -1 : 1));
    return seen.map((subject) => this.#view(subject));
  }

  /** Of one user, or cluster as `cluster.user`. Throws `not_found` for what is hidden. */
  show(text: string): QuotaView {
    const subject = subjectOf(text);
    if (this.#maySee(subject)) return this.#view(subject);
    throw new UsherError("not_found", `There is no quota of "${subject}"`, {
      hint: 'see what there is with "usher quota list"',
      subject,
    });
  }

  /** Sets limits. Whoever has more than a new one keeps it, and gets no more. */
  async set(text: string, asked: SetQuotaRequest): Promise<QuotaView> {
    const { context, records } = this.#parts;
    const subject = subjectOf(text);
    const who = { by: this.#caller.user, at: isoNow(context) };
    await records.capacity.quotas.set(subject, asked, who);
    return this.#view(subject);
  }

  #view(subject: string): QuotaView {
    const { quotas, holdings } = this.#parts.records.capacity;
    return {
      subject,
      used: { ...holdings.taken(subject) },
      limits: quotas.limitsOf(subject),
      set: quotas.setFor(subject),
    };
  }

  #maySee(subject: string): boolean {
    return this.#access.seesAll || subject === this.#caller.user ||
      (subject.includes(".") && this.#access.cluster(subject) !== null);
  }
}

/** Throws `invalid_input` for what is neither a user nor a cluster's whole name. */
function subjectOf(text: string): string {
  const read = QuotaSubject.safeParse(text);
  if (read.success) return read.data;
  throw new UsherError(
    "invalid_input",
    `Nobody has a quota as "${text}": ${read.error.issues[0]?.message}`,
    { subject: text, hint: "write a user, or cluster.user" },
  );
}
