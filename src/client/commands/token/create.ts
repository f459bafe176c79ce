/**
 * `usher token create`.
 *
 * @module
 */
import {
  defineCommand,
  type FlagValues,
  list,
  text,
  toggle,
} from "../../command.ts";
import { parsed } from "../../command.ts";
import { readDuration } from "../../quantity.ts";
import { UsageError } from "../../usage.ts";
import { FORMAT_FLAG, printOne } from "../../render/output.ts";
import { VERB_WORDS } from "../vm/states.ts";
import { scopeFact } from "./scope_fact.ts";

const TOKEN_VERBS = [...VERB_WORDS, "console"];

const FLAGS = {
  read: toggle("it may look, and change nothing"),
  verb: list(
    "VERB",
    "a verb it may ask for, or console; all by default",
    word,
    { choices: TOKEN_VERBS },
  ),
  vm: list(
    "PATTERN",
    "the VMs it sees and touches; all of yours by default",
    word,
    { completes: "vm" },
  ),
  cluster: list("NAME", "the same for the VMs of a cluster", word, {
    completes: "cluster",
  }),
  admin: toggle("it may administer the site; for administrators"),
  ttl: parsed("DUR", "how long it is good for, 90d by default", readTtl),
  user: text("NAME", "whose it is; another's are an administrator's to make", {
    completes: "user",
  }),
  ...FORMAT_FLAG,
} as const;

export const create = defineCommand({
  about:
    "Make an API token: what programs call with in your name. It is shown now and never again. Without flags it acts as you do, except administering the site; and it never has more than you have when it is used.",
  words: { usage: "NAME", min: 1, max: 1, completes: "none" },
  flags: FLAGS,
  examples: [
    ["usher token create monitoring --read", "looks, and changes nothing"],
    [
      "usher token create ci --verb start --verb destroy --cluster ci --ttl 30d",
      "starts and destroys VMs of one cluster, for 30 days",
    ],
    [
      "usher token create backup --vm 'db-*' --ttl never",
      "until it is revoked",
    ],
  ],
  async run(context, { words: [name = ""], flags }) {
    const { ttl } = flags;
    const scope = scopeOf(flags);
    const api = await context.api();
    const answer = await api.call("createToken", {
      body: {
        name,
        scope,
        ...(ttl === undefined ? {} : { ttlMs: ttl }),
        ...(flags.user === undefined ? {} : { user: flags.user }),
      },
    });
    await printOne(context, answer, flags.output, {
      name: answer.token,
      describe: ({ token }) => `${token}\n`,
    });
    if (context.io.stdout.isTerminal) {
      context.io.stderr.write(
        `token "${name}" of ${answer.user}, for ${
          scopeFact(answer.scope)
        }, until ${
          answer.expiresAt ?? "it is revoked"
        }; it is not shown again\n`,
      );
    }
    return 0;
  },
});

/** What the flags say that a token is for. */
function scopeOf(flags: FlagValues<typeof FLAGS>) {
  const { read, admin, verb, vm, cluster } = flags;
  const vms = [...vm, ...cluster.map((name) => `*.${name}`)];
  if (read && admin) {
    throw new UsageError("--read and --admin exclude each other");
  }
  if ((read || admin) && verb.length > 0) {
    throw new UsageError(
      `--verb goes not with ${read ? "--read" : "--admin"}`,
      "leave one of them out",
    );
  }
  if (admin && vms.length > 0) {
    throw new UsageError(
      "An administrator's token reaches all: --admin goes not with --vm and --cluster",
      "leave one of them out",
    );
  }
  return {
    access: read ? "read" : admin ? "admin" : "act",
    verbs: verb.length === 0 ? null : verb as never[],
    vms: vms.length === 0 ? null : vms,
  } as const;
}

function word(text: string): string {
  if (/^[^\s,]+$/.test(text)) return text;
  throw new UsageError(`"${text}" is no single word`, "repeat the flag");
}

function readTtl(text: string): number | null {
  return text === "never" ? null : readDuration(text);
}
