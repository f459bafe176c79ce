/**
 * Verbs on all VMs of clusters, as one request.
 *
 * The controller says first which clusters are meant, so that a short name is
 * the caller's own and a misspelt one is refused; then the request names their
 * VMs by whole names, which mean no other cluster's.
 *
 * @module
 */
import type { Api } from "../../api.ts";
import {
  type Command,
  type Context,
  defineCommand,
  type FlagValues,
} from "../../command.ts";
import { EXIT } from "../../exit.ts";
import { REQUEST_FLAGS, runRequest, type VerbBody } from "../../wait.ts";
import { MIGRATE_FLAGS, moveOf } from "../vm/migrate.ts";
import { readRequestWords } from "../vm/names.ts";
import { GRACEFUL_FLAGS, graceOf } from "../vm/verbs.ts";

/** Verbs that take nothing but names. */
type PlainVerb = keyof typeof PLAIN;
/** Verbs that ask the guest, which may take its time. */
type GracefulVerb = keyof typeof GRACEFUL;
/** What is done with all VMs of clusters. */
export type ClusterVerb = PlainVerb | GracefulVerb | "migrate";

const PLAIN = {
  start: "Start all VMs of clusters.",
  poweroff: "Cut the power of all VMs of clusters.",
  cycle: "Cut the power of all VMs of clusters and turn it on again.",
  pause: "Freeze all VMs of clusters in memory.",
  resume: "Let all paused VMs of clusters go on.",
  unregister:
    "Forget all VMs of clusters, which must be stopped, with the disks that usher made for them.",
  destroy:
    "Cut the power of all VMs of clusters and forget them, with the disks that usher made for them. The clusters stay, and with whom they are shared.",
} as const;

const GRACEFUL = {
  shutdown: "Ask all guests of clusters to turn themselves off.",
  reboot: "Ask all guests of clusters to shut down, then start them again.",
} as const;

/** What all of them have in common. */
function described(verb: ClusterVerb, about: string) {
  return {
    about:
      `${about} Those that are in the cluster then are meant; see usher vm ${verb} for some of them.`,
    words: {
      usage: "CLUSTERS... [key=value...]",
      min: 1,
      max: Infinity,
      completes: "cluster",
    },
    examples: [
      [`usher cluster ${verb} web`, "all VMs of your cluster web"],
      [`usher cluster ${verb} web.ann --plan`, "what it would do"],
    ],
  } as const;
}

function plainVerb(verb: PlainVerb): Command<typeof REQUEST_FLAGS> {
  return defineCommand({
    ...described(verb, PLAIN[verb]),
    flags: REQUEST_FLAGS,
    run: (context, { words, flags }) => runAll(context, { verb }, words, flags),
  });
}

function gracefulVerb(verb: GracefulVerb): Command<typeof GRACEFUL_FLAGS> {
  return defineCommand({
    ...described(verb, GRACEFUL[verb]),
    flags: GRACEFUL_FLAGS,
    run: (context, { words, flags }) =>
      runAll(context, { verb, ...graceOf(flags) }, words, flags),
  });
}

const migrate: Command<typeof MIGRATE_FLAGS> = defineCommand({
  ...described(
    "migrate",
    "Move all VMs of clusters to another node while they run, each to the one that placement chooses, or all to one.",
  ),
  flags: MIGRATE_FLAGS,
  run: (context, { words, flags }) =>
    runAll(context, { verb: "migrate", ...moveOf(flags) }, words, flags),
});

/** A request but for its names. */
type Asked = Pick<VerbBody, "verb"> & Record<string, unknown>;

async function runAll(
  context: Context,
  asked: Asked,
  words: readonly string[],
  flags: FlagValues<typeof REQUEST_FLAGS>,
): Promise<number> {
  const { names: clusters, args } = readRequestWords(words);
  const names = await patternsOf(context, await context.api(), clusters);
  if (names.length === 0) return EXIT.done;
  return await runRequest(
    context,
    { ...asked, names, args } as VerbBody,
    flags,
  );
}

/** Patterns of all VMs of the clusters that have any. */
async function patternsOf(
  { io }: Context,
  api: Api,
  clusters: readonly string[],
): Promise<string[]> {
  const patterns: string[] = [];
  for (const asked of clusters) {
    const { name, vms } = await api.call("cluster", {
      params: { name: asked },
    });
    if (vms > 0) patterns.push(`*.${name}`);
    else io.stderr.write(`cluster ${name} has no VMs\n`);
  }
  return patterns;
}

/** The verbs, each for all VMs of clusters. */
export const CLUSTER_VERBS: Readonly<
  // deno-lint-ignore no-explicit-any -- each command has flags of its own
  Record<ClusterVerb, Command<any>>
> = {
  start: plainVerb("start"),
  shutdown: gracefulVerb("shutdown"),
  reboot: gracefulVerb("reboot"),
  poweroff: plainVerb("poweroff"),
  cycle: plainVerb("cycle"),
  pause: plainVerb("pause"),
  resume: plainVerb("resume"),
  migrate,
  unregister: plainVerb("unregister"),
  destroy: plainVerb("destroy"),
};
