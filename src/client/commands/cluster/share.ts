/**
 * `usher cluster share` and `usher cluster unshare`.
 *
 * @module
 */
import type { Grantee } from "../../../schema/cluster.ts";
import { didYouMean } from "../../../schema/nearest.ts";
import {
  type Context,
  defineCommand,
  type FlagValues,
  list,
  toggle,
} from "../../command.ts";
import { EXIT } from "../../exit.ts";
import { labelOf } from "../../label.ts";
import { UsageError } from "../../usage.ts";

const WHOM_FLAGS = {
  user: list("NAME", "a user", labelOf("user"), {
    completes: "user",
  }),
  group: list("NAME", "a group of the directory", asIs),
} as const;

const SHARE_FLAGS = {
  ...WHOM_FLAGS,
  control: toggle(
    "let them do with its VMs what you may, and make new ones, on your quota",
  ),
} as const;

const WORDS = {
  usage: "CLUSTER",
  min: 1,
  max: 1,
  completes: "cluster",
} as const;

export const share = defineCommand({
  about:
    "Let users and groups see a cluster's VMs, now and those to come, or control them: every verb, consoles, and new VMs in it. They name its VMs in full (vm.cluster.user). Sharing it on, deleting it and quotas stay with its owner and administrators. Sharing again changes what is allowed.",
  words: WORDS,
  flags: SHARE_FLAGS,
  examples: [
    ["usher cluster share web --user bob", "bob sees its VMs"],
    ["usher cluster share web --group ops --control", "ops run them"],
  ],
  async run(context, { words: [name = ""], flags }) {
    const api = await context.api();
    const level = flags.control ? "control" : "view";
    for (const grantee of granteesOf(flags)) {
      const { cluster, changed, doubt } = await api.call("shareCluster", {
        params: { name },
        body: { with: grantee, level },
      });
      const what = changed ? "may now" : "might already";
      say(context, `${grantee.name} ${what} ${level} ${cluster.name}`);
      if (doubt === undefined) continue;
      say(context, `note: ${doubt}`);
      const { kind, name: who } = grantee;
      const undo = `usher cluster unshare ${cluster.name} --${kind} ${
        shellWord(who)
      }`;
      say(context, `  take it back with: ${undo}`);
    }
    return EXIT.done;
  },
});

export const unshare = defineCommand({
  about:
    "End shares of a cluster. It holds at once: what is watched is hidden and consoles close. Operations that were asked for go on. Who only has a share may end that.",
  words: WORDS,
  flags: WHOM_FLAGS,
  examples: [["usher cluster unshare web --user bob", "bob sees it no more"]],
  async run(context, { words: [name = ""], flags }) {
    const api = await context.api();
    for (const grantee of granteesOf(flags)) {
      const { cluster, changed } = await api.call("unshareCluster", {
        params: { name },
        body: { with: grantee },
      });
      const what = changed ? "is shared no more" : "was not shared";
      const meant = changed ? "" : didYouMean(
        grantee.name,
        cluster.shares.map((share) => share.with.name),
      );
      say(
        context,
        `${cluster.name} ${what} with ${grantee.name}${meant && `; ${meant}`}`,
      );
    }
    return EXIT.done;
  },
});

function say({ io }: Context, line: string): void {
  io.stderr.write(`${line}\n`);
}

function granteesOf(
  { user, group }: FlagValues<typeof WHOM_FLAGS>,
): Grantee[] {
  const grantees: Grantee[] = [
    ...user.map((name) => ({ kind: "user", name }) as const),
    ...group.map((name) => ({ kind: "group", name }) as const),
  ];
  if (grantees.length > 0) return grantees;
  throw new UsageError("Nobody is named", "add --user NAME or --group NAME");
}

/** A word as a shell takes it for one. */
function shellWord(word: string): string {
  return /^[\w.@-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function asIs(word: string): string {
  return word;
}
