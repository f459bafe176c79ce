/**
 * Clusters as clients change them.
 *
 * Every change looks at the newest records and writes in the same synchronous
 * step, so no VM comes into a cluster between the look that finds it empty and
 * the write that deletes it.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import {
  type ClusterAnswer,
  type ClusterRecord,
  type Grantee,
  MAX_SHARES,
  type Share,
  type ShareAnswer,
  type ShareRequest,
} from "../../schema/cluster.ts";
import type { CtrlConfig } from "../../schema/config.ts";
import {
  FOUND_OWNER,
  labelProblem,
  WHOLE_NAME,
  withoutSuffix,
} from "../../schema/name.ts";
import { nearest } from "../../schema/nearest.ts";
import { Access } from "../auth/access.ts";
import type { Accounts } from "../auth/accounts.ts";
import type { Caller } from "../auth/caller.ts";
import { type CtrlContext, isoNow } from "../context.ts";
import type { Records } from "../records/records.ts";
import { clusterView } from "./cluster_view.ts";
import { doubtOf } from "./known_names.ts";

/** What clusters are changed with. */
export interface ClusterParts {
  readonly context: CtrlContext;
  readonly records: Records;
  readonly config: Pick<CtrlConfig, "name_suffix">;
  readonly accounts: Pick<Accounts, "users" | "sessions">;
}

/** So many VMs are named where a cluster cannot be deleted. */
const NAMED = 5;

/** Clusters, for one caller. */
export class ClusterDesk {
  readonly #parts: ClusterParts;
  readonly #caller: Caller;
  readonly #access: Access;

  constructor(parts: ClusterParts, caller: Caller) {
    this.#parts = parts;
    this.#caller = caller;
    this.#access = new Access(caller, parts.records);
  }

  /** Those that the caller may see, by name. */
  list(): ClusterRecord[] {
    return [...this.#parts.records.clusters.values()]
      .filter(({ name }) => this.#access.cluster(name) !== null)
      .sort((a, b) => a.name < b.name ? -1 : 1);
  }

  /** The cluster that `text` means. Throws `not_found`, also for one that is hidden. */
  find(text: string): ClusterRecord {
    const name = this.#fullName(text);
    const found = this.#parts.records.clusters.latest(name);
    if (found !== undefined && this.#access.cluster(name) !== null) {
      return found;
    }
    const near = nearest(
      text,
      this.list().flatMap(({ name, user }) =>
        user === this.#caller.user ? [name, name.split(".")[0] ?? ""] : [name]
      ),
    );
    throw new UsherError("not_found", `There is no cluster "${text}"`, {
      hint: near === null
        ? 'see what there is with "usher cluster list"'
        : `did you mean "${near}"?`,
      subject: text,
    });
  }

  /** As readers get it. */
  view(cluster: ClusterRecord) {
    return clusterView(cluster, this.#access, this.#parts.records);
  }

  /** Makes an empty cluster, unless it is there. Throws `permission_denied`. */
  async create(text: string): Promise<ClusterAnswer> {
    const { records, context } = this.#parts;
    const name = this.#fullName(text);
    const [, user = ""] = name.split(".");
    if (user === FOUND_OWNER || this.#access.cluster(name) !== "own") {
      throw new UsherError(
        "permission_denied",
        `You may not make clusters of user "${user}"`,
        { subject: name },
      );
    }
    const known = records.clusters.latest(name);
    if (known !== undefined) {
      return { cluster: this.view(known), changed: false };
    }
    return await this.#write({
      v: 1,
      name,
      user,
      createdAt: isoNow(context),
      createdBy: this.#caller.user,
      shares: [],
      revision: 0,
    }, "created");
  }

  /** Deletes an empty cluster. Throws `wrong_state` for one that has VMs. */
  async delete(text: string): Promise<ClusterAnswer> {
    const { records } = this.#parts;
    const cluster = this.#owned(text, "delete");
    const { name } = cluster;
    const members = [...records.capacity.holdings.members(name)];
    if (members.length > 0) throw this.#notEmpty(name, members);
    const shown = this.view(cluster);
    await records.write([
      { kind: "cluster", key: name, value: null, note: "deleted" },
    ]);
    return { cluster: shown, changed: true };
  }

  /** Shares a cluster, or changes what a share allows. Throws `permission_denied`. */
  async share(
    text: string,
    { with: grantee, level }: ShareRequest,
  ): Promise<ShareAnswer> {
    const cluster = this.#owned(text, "share");
    const { shares, user, name } = cluster;
    if (grantee.kind === "user" && grantee.name === user) {
      throw new UsherError(
        "invalid_input",
        `Cluster "${name}" is user "${user}"'s own`,
        { field: "with", subject: name, hint: "name another user" },
      );
    }
    const had = shares.find((share) => isWith(share, grantee));
    if (had?.level === level) {
      return { cluster: this.view(cluster), changed: false };
    }
    if (had === undefined && shares.length >= MAX_SHARES) {
      throw new UsherError(
        "invalid_input",
        `Cluster "${name}" is shared with ${MAX_SHARES} users and groups, which is the most`,
        { field: "with", subject: name, hint: "share it with a group" },
      );
    }
    // Before it is shared, which makes the name known.
    const doubt = doubtOf(grantee, this.#parts, this.#caller, this.#access);
    const at = isoNow(this.#parts.context);
    const share = { with: grantee, level, by: this.#caller.user, at };
    const others = shares.filter((share) => !isWith(share, grantee));
    const value = { ...cluster, shares: [...others, share] };
    const note = `shared with ${grantee.name} (${level})`;
    const answer = await this.#write(value, note);
    return doubt === null ? answer : { ...answer, doubt };
  }

  /** Ends a share. Who only has one may end that, too. */
  async unshare(text: string, grantee: Grantee): Promise<ClusterAnswer> {
    const { kind, name } = grantee;
    const isMine = kind === "user" && name === this.#caller.user;
    const cluster = isMine ? this.find(text) : this.#owned(text, "unshare");
    const shares = cluster.shares.filter((share) => !isWith(share, grantee));
    if (shares.length === cluster.shares.length) {
      return { cluster: this.view(cluster), changed: false };
    }
    return await this.#write(
      { ...cluster, shares },
      `no longer shared with ${name}`,
    );
  }

  async #write(value: ClusterRecord, note: string): Promise<ClusterAnswer> {
    const { records } = this.#parts;
    await records.write([{ kind: "cluster", key: value.name, value, note }]);
    const now = records.clusters.get(value.name) ?? value;
    return { cluster: this.view(now), changed: true };
  }

  /** The cluster, if the caller may do more with it than with its VMs. */
  #owned(text: string, what: string): ClusterRecord {
    const cluster = this.find(text);
    if (this.#access.cluster(cluster.name) === "own") return cluster;
    throw new UsherError(
      "permission_denied",
      `You may not ${what} cluster "${cluster.name}"`,
      {
        subject: cluster.name,
        hint: `only its owner "${cluster.user}" and administrators may`,
      },
    );
  }

  #notEmpty(name: string, members: readonly string[]): UsherError {
    const { vms } = this.#parts.records;
    const names = members.slice(0, NAMED).map((uid) =>
      vms.latest(uid)?.name ?? uid
    );
    const more = members.length > NAMED ? ", …" : "";
    return new UsherError(
      "wrong_state",
      `Cannot delete cluster "${name}": it has ${members.length} ${
        members.length === 1 ? "VM" : "VMs"
      } (${names.join(", ")}${more})`,
      {
        subject: name,
        hint:
          `usher cluster destroy ${name} destroys all of them, with the disks that usher made`,
      },
    );
  }

  /** `cluster` is the caller's own; `cluster.user` is anybody's. */
  #fullName(text: string): string {
    const { name_suffix: suffix } = this.#parts.config;
    const parts = withoutSuffix(text, suffix, WHOLE_NAME.cluster).split(".");
    const [problem] = parts.flatMap((part) => labelProblem(part) ?? []);
    if (parts.length > 2 || problem !== undefined) {
      throw new UsherError(
        "invalid_input",
        `"${text}" is no cluster's name: ${
          problem ?? "it has more than two parts"
        }`,
        { hint: "write cluster, or cluster.user", subject: text },
      );
    }
    const [cluster = "", user = this.#caller.user] = parts;
    return `${cluster}.${user}`;
  }
}

function isWith(share: Share, { kind, name }: Grantee): boolean {
  return share.with.kind === kind && share.with.name === name;
}
