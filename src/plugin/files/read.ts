/**
 * What a plugin is: its manifest, its events and its options, told by the
 * plugin itself in a worker that may read its own snapshot and nothing else.
 *
 * A plugin runs as soon as it is read, so its limits hold from there on: what it
 * does at the top of its module is watched as its handlers are.
 *
 * Options are checked in there too, since the plugin's schema cannot leave it;
 * what is wrong with them comes back as data, and whoever has the file says
 * which line that is.
 *
 * @module
 */
import { isUsherError, messageOf, UsherError } from "../../error/mod.ts";
import { type Issue, meantIssue } from "../../schema/issue.ts";
import { knownKeys } from "../../schema/known_keys.ts";
import { didYouMean } from "../../schema/nearest.ts";
import { Manifest, PLUGIN_API, PluginLimits } from "../../schema/plugin.ts";
import { plainText } from "../failure.ts";
import {
  hostEnvironment,
  HostKeeper,
  type KeeperPorts,
  SHARED,
  type Tenant,
} from "../process/host_keeper.ts";
import type { HostPool } from "../process/host_pool.ts";
import { LimitWatch } from "../process/limits.ts";
import type { OptionIssue } from "../process/instance.ts";
import { workerPermissions } from "./permission.ts";
import type { RegistrationSpec, WorkerSpec } from "../process/protocol.ts";
import type { GuestReport, LoadProblem, ReadReport } from "./report.ts";
import { BUILT_IN, type PluginLine, type Snapshot } from "../runner.ts";

/** A plugin as it says it is. */
export interface PluginReading {
  readonly manifest: Manifest;
  /** Events that it has handlers for; `*` among them when it has a generic one. */
  readonly handles: readonly string[];
  /** In the order in which they were asked about. */
  readonly registrations: readonly {
    readonly handles: readonly string[];
    /** What is wrong with the options; empty when nothing is. */
    readonly issues: readonly OptionIssue[];
  }[];
  /** JSON Schema of its options; null when it takes none, or none can be made. */
  readonly schema: unknown;
}

/** One plugin that is to be read. */
export interface ToRead {
  readonly name: string;
  readonly snapshot: Snapshot;
  readonly registrations: readonly RegistrationSpec[];
  /** How long it may take, and how much it may say. */
  readonly limits: PluginLimits;
}

/** What a reader needs. */
export interface ReaderPorts extends KeeperPorts {
  heard(line: PluginLine): void;
}

/** Reads plugins; those that ship in one process, every other in one of its own. */
export class PluginReader implements AsyncDisposable {
  readonly #ports: ReaderPorts;
  readonly #pool: HostPool | undefined;
  readonly #shared: HostKeeper;
  readonly #limits: LimitWatch;
  /** Those whose process has something to read now. */
  readonly #reading = new Set<HostKeeper>();
  /** Keeps the shared process while there is a reader. */
  readonly #anchor: Tenant = {
    plugin: "",
    limits: PluginLimits.parse({}),
    env: hostEnvironment([]),
  };

  /** `pool`: where processes go in which plugins were read well, to run there. */
  constructor(ports: ReaderPorts, pool?: HostPool) {
    this.#ports = ports;
    this.#pool = pool;
    this.#limits = new LimitWatch(
      ports.clock,
      () => [...this.#reading].flatMap((keeper) => keeper.watched(1, true)),
    );
    this.#shared = this.#newKeeper(SHARED);
    this.#shared.enter(this.#anchor);
  }

  #newKeeper(key: string): HostKeeper {
    const { heard } = this.#ports;
    const pool = this.#pool;
    return new HostKeeper(
      this.#ports,
      (plugin, level, text) =>
        heard({
          plugin,
          level,
          event: null,
          text: plainText(text, 2000),
          fields: {},
        }),
      pool && { pool, key },
    );
  }

  /**
   * Reads one plugin; may be called for several at once. Throws
   * `invalid_input` for one that is none, with the file and the field.
   */
  async read(plugin: ToRead): Promise<PluginReading> {
    const { name, limits, snapshot } = plugin;
    const tenant: Tenant = { plugin: name, limits, env: hostEnvironment([]) };
    const keeper = snapshot.source === BUILT_IN
      ? this.#shared
      : this.#newKeeper(snapshot.hash);
    keeper.enter(tenant);
    this.#reading.add(keeper);
    this.#limits.wake();
    let isWell = false;
    try {
      const reading = readingOf(plugin, await ask(keeper, plugin));
      isWell = true;
      return reading;
    } catch (error) {
      throw isUsherError(error, "invalid_input")
        ? error
        : cannotRead(plugin, null, messageOf(error));
    } finally {
      // The shared one stays, for as long as others are read in it.
      if (keeper !== this.#shared) this.#reading.delete(keeper);
      await keeper.leave(tenant, isWell);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#limits[Symbol.dispose]();
    await this.#shared.leave(this.#anchor, true);
  }
}

async function ask(
  keeper: HostKeeper,
  { snapshot, registrations, limits }: ToRead,
): Promise<GuestReport> {
  const host = await keeper.get();
  const spec: WorkerSpec = {
    entry: entryUrl(snapshot),
    permissions: workerPermissions({ permissions: {} }, snapshot.folder),
    kinds: [],
    site: { version: "", epoch: 0, nameSuffix: "", startedAt: "" },
    registrations,
    isRead: true,
    maxBytes: limits.message * 2 ** 20,
    rate: limits.rate,
  };
  const deaf = { onBody() {}, onDown() {} };
  const worker = await host.startWorker(spec, deaf, limits.start);
  worker.stop();
  return worker.report;
}

/** Where a worker finds the entry of a snapshot. */
export function entryUrl({ folder, entry }: Snapshot): string {
  const path = `${folder}/${entry}`.split("/").map(encodeURIComponent);
  return `file://${path.join("/")}`;
}

/** What is known of a plugin that has told of itself. Throws `invalid_input`. */
export function readingOf(plugin: ToRead, report: GuestReport): PluginReading {
  if ("problem" in report) throw notLoaded(plugin, report.problem);
  if (!("read" in report)) {
    throw cannotRead(plugin, null, "it has said nothing of itself");
  }
  const { handles, registrations, schema } = report.read;
  return {
    manifest: manifestOf(plugin, report.read),
    handles,
    registrations,
    schema,
  };
}

function manifestOf(plugin: ToRead, { manifest }: ReadReport): Manifest {
  const field = "manifest";
  if (typeof manifest !== "object" || manifest === null) {
    throw cannotRead(plugin, null, "it exports no manifest", {
      field,
      hint:
        `write export const manifest = { name: "${plugin.name}", version: "1.0.0", api: ${PLUGIN_API} }`,
    });
  }
  const { api } = manifest as { readonly api?: unknown };
  if (typeof api === "number" && api > PLUGIN_API) {
    throw cannotRead(
      plugin,
      null,
      `it is written for version ${api} of the plugin API, and ${PLUGIN_API} is the newest here`,
      { field: "manifest.api", hint: "use a newer usher, or an older plugin" },
    );
  }
  const parsed = Manifest.safeParse(manifest);
  if (parsed.success) return parsed.data;
  const issue = meantIssue(parsed.error.issues[0]);
  const path = ["manifest", ...issue?.path ?? []].join(".");
  throw cannotRead(plugin, null, `${path}: ${issue?.message ?? "is wrong"}`, {
    field: path,
    hint: manifestHint(manifest, issue),
  });
}

/** What was meant, or could be, where a manifest is wrong. */
function manifestHint(manifest: object, issue: Issue | undefined): string {
  const path = issue?.path ?? [];
  const [unknown] = issue?.keys ?? [];
  if (unknown !== undefined) {
    const known = knownKeys(Manifest, path);
    return didYouMean(unknown, known) || `it may have ${known.join(", ")}`;
  }
  const given = path.reduce<unknown>(
    (at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key],
    manifest,
  );
  const meant = typeof given === "string"
    ? didYouMean(given, (issue?.values ?? []).map(String))
    : "";
  return meant || "docs/plugins.md says what a manifest may have";
}

function notLoaded(plugin: ToRead, problem: LoadProblem): UsherError {
  const { message, hint, field, place } = problem;
  const { folder, source } = plugin.snapshot;
  // What the runtime names lies in the snapshot; people have the source.
  const plain = message.replaceAll("file://", "")
    .replaceAll(`${folder}/`, "")
    .replaceAll(parentOf(folder), parentOf(source));
  return cannotRead(plugin, place, plain, { hint, field });
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}

function cannotRead(
  { name, snapshot }: ToRead,
  place: string | null,
  why: string,
  more: { hint?: string | null; field?: string | null } = {},
): UsherError {
  const { source, entry } = snapshot;
  const isFile = source.endsWith(`/${entry}`);
  const root = isFile ? source.slice(0, -entry.length - 1) : source;
  const at = place ?? entry;
  const where = source === BUILT_IN ? `${source}, ${at}` : `${root}/${at}`;
  return new UsherError(
    "invalid_input",
    `Plugin "${name}" (${where}): ${plainText(why)}`,
    {
      subject: name,
      hint: plainText(more.hint ?? "") ||
        "put it right there; usher plugin check tells whether it is",
      ...(more.field ? { field: plainText(more.field) } : {}),
    },
  );
}
