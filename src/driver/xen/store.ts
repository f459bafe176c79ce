/**
 * The xenstore, by the tools that come with it. Without them the driver works
 * too: it asks xl more often, and a domain whose handle was lost is foreign.
 *
 * A marker under `/usher`, which guests cannot read, tells whose a domain is
 * when its handle was lost; it is written before there is a domain.
 *
 * @module
 */
import { z } from "zod";
import { runCommand } from "../../sys/child.ts";
import { fileIdentity } from "../../sys/file_access.ts";
import { type OwnedChild, spawnOwned } from "../../sys/owned_child.ts";
import { uuidOfUid } from "../identity.ts";

const ANSWER_MS = 10_000;
const MARKERS = "/usher";

/** What stands in the xenstore about a domain of ours. */
export const Marker = z.object({
  uid: z.string(),
  name: z.string(),
  generation: z.number(),
  incarnation: z.string(),
  /** Tells the domains of one LNM from those of another in the same dom0. */
  stateDir: z.string(),
});
export type Marker = z.infer<typeof Marker>;

/** The xenstore of this node. */
export class XenStore {
  readonly #folder: string;
  readonly #env: Readonly<Record<string, string>>;

  /** `xl` is the toolstack's program; the tools lie beside it or in PATH. */
  constructor(xl: string, env: Readonly<Record<string, string>>) {
    const folder = xl.slice(0, xl.lastIndexOf("/") + 1);
    const isBeside = fileIdentity(`${folder}xenstore-read`) !== null;
    this.#folder = isBeside ? folder : "";
    this.#env = env;
  }

  /** A node's value; null when there is none, or no store. */
  async read(path: string): Promise<string | null> {
    const text = await this.#ask("read", path);
    return text === null ? null : text.replace(/\n$/, "");
  }

  /** Marks a domain as ours. Whether that worked. */
  async mark(marker: Marker): Promise<boolean> {
    const path = `${MARKERS}/${uuidOfUid(marker.uid)}`;
    return await this.#ask("write", path, JSON.stringify(marker)) !== null;
  }

  /** The marker of the domain with this uuid; null when it has none. */
  async marker(uuid: string): Promise<Marker | null> {
    const text = await this.read(`${MARKERS}/${uuid}`);
    if (text === null) return null;
    try {
      return Marker.parse(JSON.parse(text));
    } catch {
      return null;
    }
  }

  /** Takes a domain's marker away. */
  async unmark(uid: string): Promise<void> {
    await this.#ask("rm", `${MARKERS}/${uuidOfUid(uid)}`);
  }

  /** Calls `onNews` when a domain comes, shuts down or goes, until the child ends. Throws `unavailable`. */
  watch(onNews: () => void): OwnedChild {
    return spawnOwned(
      `${this.#folder}xenstore-watch`,
      ["@introduceDomain", "@releaseDomain"],
      { env: this.#env, input: "", onLine: onNews, maxLine: 1000 },
    );
  }

  async #ask(
    verb: "read" | "write" | "rm",
    ...args: readonly string[]
  ): Promise<string | null> {
    try {
      const { code, stdout } = await runCommand(
        `${this.#folder}xenstore-${verb}`,
        args,
        ANSWER_MS,
      );
      return code === 0 ? stdout : null;
    } catch {
      return null; // there are no such tools
    }
  }
}
