/**
 * What one plugin may ask: what its manifest asks for and the configuration
 * grants, and nothing that only one of the two says.
 *
 * @module
 */
import { compileName } from "../../core/selector.ts";
import { messageOf, UsherError } from "../../error/mod.ts";
import type { LoadedPlugin } from "../../plugin/runner.ts";
import type { Verb } from "../../schema/operation.ts";
import type { Capability } from "../../schema/plugin.ts";

/** Of a plugin, what decides about its asks. */
export type GrantedPlugin = Pick<LoadedPlugin, "name" | "manifest" | "config">;

/** The grants of one plugin, read once. */
export class Grant {
  readonly plugin: string;
  /** Asks and log lines a second. */
  readonly rate: number;
  /** The largest answer, in bytes. */
  readonly messageBytes: number;
  readonly #of: GrantedPlugin;
  readonly #patterns: readonly ((vm: string) => boolean)[] | null;
  readonly #clusters: readonly ((cluster: string) => boolean)[];

  constructor(of: GrantedPlugin) {
    const { grants, limits } = of.config;
    this.plugin = of.name;
    this.rate = limits.rate;
    this.messageBytes = limits.message * 1024 * 1024;
    this.#of = of;
    this.#patterns = grants.vms.some((pattern) => pattern === "*.*.*")
      ? null
      : grants.vms.map((pattern) => compiled(of.name, pattern, compileName));
    this.#clusters = grants.vms.map((pattern) =>
      compiled(of.name, pattern, clusterTest)
    );
  }

  /** Throws `permission_denied`, saying which of the two is missing, and where. */
  require(capability: Capability, ask: string): void {
    const { manifest, config } = this.#of;
    const isAsked = manifest.ctx.includes(capability);
    if (isAsked && config.grants.ctx.includes(capability)) return;
    throw this.#denied(`ask "${ask}" without capability "${capability}"`, {
      isAsked,
      what: `"${capability}"`,
      key: "ctx",
    });
  }

  /** Throws `permission_denied` for a verb that it may not ask for. */
  requireVerb(verb: Verb): void {
    const { manifest, config } = this.#of;
    const isAsked = manifest.verbs.includes(verb);
    if (isAsked && config.grants.verbs.includes(verb)) return;
    throw this.#denied(`ask for "${verb}"`, {
      isAsked,
      what: `"${verb}"`,
      key: "verbs",
    });
  }

  /** Throws `permission_denied` for a VM that it does not reach. */
  requireVm(vm: string): void {
    if (this.reaches(vm)) return;
    throw this.#denied(`touch VM "${vm}"`, {
      isAsked: true,
      what: "a pattern that it matches",
      key: "vms",
      subject: vm,
    });
  }

  /** Throws `permission_denied` for an event that it does not declare. */
  requireEvent(event: string): void {
    const { manifest: { events }, name } = this.#of;
    if (Object.hasOwn(events, event)) return;
    const its = Object.keys(events);
    throw new UsherError(
      "permission_denied",
      `Plugin "${name}" may not fire event "${event}": it does not declare it`,
      {
        subject: event,
        hint: its.length === 0
          ? `its manifest must name it under "events"`
          : `its manifest declares ${its.join(", ")}`,
      },
    );
  }

  /** Whether the VM of this full name is granted. */
  reaches(vm: string): boolean {
    return this.#patterns === null ||
      this.#patterns.some((matches) => matches(vm));
  }

  /** Whether a VM of this cluster, `cluster.user`, could be granted. */
  reachesCluster(cluster: string): boolean {
    return this.#clusters.some((matches) => matches(cluster));
  }

  #denied(
    deed: string,
    { isAsked, what, key, subject }: {
      readonly isAsked: boolean;
      readonly what: string;
      readonly key: "ctx" | "verbs" | "vms";
      readonly subject?: string;
    },
  ): UsherError {
    const { name } = this.#of;
    return new UsherError(
      "permission_denied",
      `Plugin "${name}" may not ${deed}`,
      {
        subject: subject ?? name,
        hint: isAsked
          ? `grant it in ctrl.yaml: add ${what} to plugins.${name}.grants.${key}`
          : `its manifest must ask for it: add ${what} to "${key}" there`,
      },
    );
  }
}

/** A test by a pattern. Throws `invalid_input`, saying where it stands. */
function compiled<T>(
  plugin: string,
  pattern: string,
  compile: (pattern: string) => T,
): T {
  try {
    return compile(pattern);
  } catch (error) {
    throw new UsherError(
      "invalid_input",
      `Plugin "${plugin}" is granted VMs by what is no pattern: ${
        messageOf(error)
      }`,
      {
        field: `plugins.${plugin}.grants.vms`,
        subject: plugin,
        hint: "use * for any text, ? for one character, [a-c] for a set",
        cause: error,
      },
    );
  }
}

/** Of a pattern of VMs, the part that is about their cluster. */
function clusterTest(pattern: string): (cluster: string) => boolean {
  const [, ...labels] = pattern.split(".");
  if (labels.length === 0) return () => true;
  return compileName(labels.join("."));
}
