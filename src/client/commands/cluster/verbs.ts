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
import { REQUEST_FLAGS, runRequest } from "../../wait.ts";
import { readRequestWords } from "../vm/names.ts";

/** What is done with all VMs of clusters. */
export type ClusterVerb =
  | "start"
  | "shutdown"
  | "reboot"
  | "poweroff"
  | "cycle"
  | "pause"
  | "resume"
  | "unregister"
  | "destroy";

function clusterVerb(
  verb: ClusterVerb,
  about: string,
): Command<typeof REQUEST_FLAGS> {
  return defineCommand({
    about:
      `${about} Those that are in the cluster then are meant; see usher vm ${verb} for some of them.`,
    words: {
      usage: "CLUSTERS... [key=value...]",
      min: 1,
      max: Infinity,
      completes: "cluster",
    },
    flags: REQUEST_FLAGS,
    examples: [
      [`usher cluster ${verb} web`, "all VMs of your cluster web"],
      [`usher cluster ${verb} web.ann --plan`, "what it would do"],
    ],
    run: (context, { words, flags }) => runAll(context, verb, words, flags),
  });
}

async function runAll(
  context: Context,
  verb: ClusterVerb,
  words: readonly string[],
  flags: FlagValues<typeof REQUEST_FLAGS>,
): Promise<number> {
  const { names: clusters, args } = readRequestWords(words);
  const names = await patternsOf(context, await context.api(), clusters);
  if (names.length === 0) return EXIT.done;
  return await runRequest(context, { verb, names, args }, flags);
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
  Record<ClusterVerb, Command<typeof REQUEST_FLAGS>>
> = {
  start: clusterVerb("start", "Start all VMs of clusters."),
  shutdown: clusterVerb(
    "shutdown",
    "Ask all guests of clusters to turn themselves off.",
  ),
  reboot: clusterVerb(
    "reboot",
    "Ask all guests of clusters to shut down, then start them again.",
  ),
  poweroff: clusterVerb("poweroff", "Cut the power of all VMs of clusters."),
  cycle: clusterVerb(
    "cycle",
    "Cut the power of all VMs of clusters and turn it on again.",
  ),
  pause: clusterVerb("pause", "Freeze all VMs of clusters in memory."),
  resume: clusterVerb("resume", "Let all paused VMs of clusters go on."),
  unregister: clusterVerb(
    "unregister",
    "Forget all VMs of clusters, which must be stopped, with the disks that usher made for them.",
  ),
  destroy: clusterVerb(
    "destroy",
    "Cut the power of all VMs of clusters and forget them, with the disks that usher made for them. The clusters stay, and with whom they are shared.",
  ),
};
