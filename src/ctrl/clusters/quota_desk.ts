/**
 * Quotas as clients read and set them.
 *
 * Everybody sees their own, and those of clusters that they see; only
 * administrators set them.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import { WHOLE_NAME, withoutSuffix } from "../../schema/name.ts";
import { nearest } from "../../schema/nearest.ts";
import type { QuotaView, SetQuotaRequest } from "../../schema/quota.ts";
import { QuotaSubject } from "../../schema/quota.ts";
import { Access } from "../auth/access.ts";
import type { Caller } from "../auth/caller.ts";
import { isoNow } from "../context.ts";
import type { ClusterParts } from "./clusters.ts";
import { knownSubjects } from "./known_names.ts";

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
    const subject = this.#subjectOf(text);
    if (this.#maySee(subject)) {
      this.#requireKnown(subject, "usher quota list shows all there are");
      return this.#view(subject);
    }
    throw new UsherError("not_found", `There is no quota of "${subject}"`, {
      hint: 'see what there is with "usher quota list"',
      subject,
    });
  }

  /**
   * Sets limits. Whoever has more than a new one keeps it, and gets no more.
   * Throws `not_found` for whom nothing is known of, unless that is meant.
   */
  async set(
    text: string,
    { ahead = false, ...asked }: SetQuotaRequest,
  ): Promise<QuotaView> {
    const { context, records } = this.#parts;
    const subject = this.#subjectOf(text);
    if (!ahead) {
      this.#requireKnown(
        subject,
        "--ahead sets it for one that is yet to come",
      );
    }
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

  /**
   * A misspelt name would be a limit that holds for nobody, and nobody would
   * see that. A user is known by an account, by a session, or by what is theirs.
   */
  #requireKnown(subject: string, otherwise: string): void {
    const known = new Set([this.#caller.user, ...knownSubjects(this.#parts)]);
    if (known.has(subject)) return;
    const isUser = !subject.includes(".");
    const same = [...known].filter((one) => isUser !== one.includes("."));
    const near = nearest(subject, same);
    const guess = near === null ? "" : `did you mean "${near}"? `;
    throw new UsherError(
      "not_found",
      isUser
        ? `There is no user "${subject}": no account, no session, no VM of that name`
        : `There is no cluster "${subject}"`,
      {
        subject,
        hint: guess + otherwise,
      },
    );
  }

  /** Throws `invalid_input` for what is neither a user nor a cluster's whole name. */
  #subjectOf(text: string): string {
    const { name_suffix: suffix } = this.#parts.config;
    const name = withoutSuffix(text, suffix, WHOLE_NAME.cluster);
    const read = QuotaSubject.safeParse(name);
    if (read.success) return read.data;
    throw new UsherError(
      "invalid_input",
      `Nobody has a quota as "${text}": ${read.error.issues[0]?.message}`,
      { subject: text, hint: "write a user, or cluster.user" },
    );
  }
}
