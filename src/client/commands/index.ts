/**
 * All commands: nouns, their verbs, and where each is loaded from.
 *
 * Nothing is imported before it is asked for, since a command must not pay
 * for the others. `role` marks what the executable runs itself, as a daemon;
 * the client knows their flags and nothing else of them.
 *
 * @module
 */
import type { Entry, Noun } from "./entry.ts";
import { CLUSTER, QUOTA } from "./groups.ts";
import { SESSION, TOKEN, USER } from "./people.ts";
import { ROLE_ENTRIES } from "./role_entries.ts";

export type { Entry, Noun } from "./entry.ts";

/** A verb on VMs that needs nothing but their names. */
function plainVerb(
  summary: string,
  verb: "poweroff" | "cycle" | "pause" | "resume" | "unregister" | "destroy",
): Entry {
  return {
    summary,
    load: async () => (await import("./vm/verbs.ts")).PLAIN_VERBS[verb],
  };
}

const VM: Noun = {
  summary: "virtual machines",
  verbs: {
    start: {
      summary: "make VMs and start them, or start those that are there",
      load: async () => (await import("./vm/start.ts")).start,
    },
    list: {
      summary: "list VMs",
      load: async () => (await import("./vm/list.ts")).list,
    },
    show: {
      summary: "show all there is to know about VMs",
      load: async () => (await import("./vm/show.ts")).show,
    },
    explain: {
      summary: "tell why a VM is where it is, and where it could be",
      load: async () => (await import("./vm/explain.ts")).explain,
    },
    shutdown: {
      summary: "ask guests to turn themselves off",
      load: async () => (await import("./vm/verbs.ts")).shutdown,
    },
    poweroff: plainVerb("cut the power", "poweroff"),
    cycle: plainVerb("cut the power and turn it on again", "cycle"),
    reboot: {
      summary: "ask guests to shut down, then start them again",
      load: async () => (await import("./vm/verbs.ts")).reboot,
    },
    migrate: {
      summary: "move VMs to another node while they run",
      load: async () => (await import("./vm/migrate.ts")).migrate,
    },
    pause: plainVerb("freeze in memory", "pause"),
    resume: plainVerb("go on after a pause", "resume"),
    destroy: plainVerb("cut the power and forget the VMs", "destroy"),
    register: {
      summary: "make VMs known without starting them",
      load: async () => (await import("./vm/start.ts")).register,
    },
    unregister: plainVerb("forget stopped VMs", "unregister"),
    console: {
      summary: "a terminal on the serial line",
      load: async () => (await import("./vm/console.ts")).console,
    },
    wait: {
      summary: "wait until VMs are in a state",
      load: async () => (await import("./vm/wait.ts")).wait,
    },
  },
};

const NODE: Noun = {
  summary: "machines that run VMs",
  verbs: {
    list: {
      summary: "list nodes with what they carry",
      load: async () => (await import("./node/list.ts")).list,
    },
    show: {
      summary: "show all there is to know about nodes",
      load: async () => (await import("./node/show.ts")).show,
    },
    token: {
      summary: "make a token with which one node may join",
      load: async () => (await import("./node/token.ts")).token,
    },
    drain: {
      summary: "take no more VMs, and move those that are there elsewhere",
      load: async () => (await import("./node/drain.ts")).drain,
    },
    undrain: {
      summary: "take VMs again",
      load: async () => (await import("./node/undrain.ts")).undrain,
    },
    "declare-dead": {
      summary: "say that a lost node runs nothing any more",
      load: async () => (await import("./node/declare_dead.ts")).declareDead,
    },
  },
};

const OP: Noun = {
  summary: "operations: what requests become for each VM",
  verbs: {
    list: {
      summary: "list operations, newest first",
      load: async () => (await import("./op/list.ts")).list,
    },
    show: {
      summary: "show one operation with its steps and trail",
      load: async () => (await import("./op/show.ts")).show,
    },
    attach: {
      summary: "wait for an operation or a whole request again",
      load: async () => (await import("./op/attach.ts")).attach,
    },
    cancel: {
      summary: "stop an operation and undo what it did",
      load: async () => (await import("./op/cancel.ts")).cancel,
    },
  },
};

const PLUGIN: Noun = {
  summary: "policy: what the controller asks and tells at every step",
  verbs: {
    list: {
      summary: "list plugins with what their calls cost",
      load: async () => (await import("./plugin/list.ts")).list,
    },
    show: {
      summary: "show grants, options and events of plugins",
      load: async () => (await import("./plugin/show.ts")).show,
    },
    enable: {
      summary: "run plugins, whatever the configuration says",
      load: async () => (await import("./plugin/switch.ts")).enable,
    },
    disable: {
      summary: "run plugins no more",
      load: async () => (await import("./plugin/switch.ts")).disable,
    },
    forget: {
      summary: "forget what a plugin that does not run has kept",
      load: async () => (await import("./plugin/forget.ts")).forget,
    },
    reload: {
      summary: "read configuration and plugins anew, all or nothing",
      load: async () => (await import("./plugin/reload.ts")).reload,
    },
    logs: {
      summary: "show what a plugin said last",
      load: async () => (await import("./plugin/logs.ts")).logs,
    },
    check: {
      summary: "load a plugin in the sandbox and say what it is",
      load: async () => (await import("./plugin/tools.ts")).check,
    },
    test: {
      summary: "play recorded events to a plugin and compare",
      load: async () => (await import("./plugin/tools.ts")).test,
    },
    init: {
      summary: "make a folder with a plugin that works",
      load: async () => (await import("./plugin/init.ts")).init,
    },
  },
};

const EVENT: Noun = {
  summary: "what handlers of plugins can be registered for",
  verbs: {
    list: {
      summary: "list events",
      load: async () => (await import("./event/list.ts")).list,
    },
    show: {
      summary: "show when an event fires and what it carries",
      load: async () => (await import("./event/show.ts")).show,
    },
  },
};

const CONFIG: Noun = {
  summary: "configuration files of this machine",
  verbs: {
    show: {
      summary: "show values, and where each comes from",
      load: async () => (await import("./config/show.ts")).show,
    },
    check: {
      summary: "tell all that is wrong with them",
      load: async () => (await import("./config/check.ts")).check,
    },
  },
};

const AUDIT: Noun = {
  summary: "the audit log: who asked what, and what was decided",
  verbs: {
    list: {
      summary: "show records, the newest hundred",
      load: async () => (await import("./audit/list.ts")).list,
    },
    verify: {
      summary: "check that no record was edited or taken out",
      load: async () => (await import("./audit/verify.ts")).verify,
    },
    head: {
      summary: "show the hash of the newest record, to be kept elsewhere",
      load: async () => (await import("./audit/head.ts")).head,
    },
  },
};

/** Words that take a verb after them. */
export const NOUNS: Readonly<Record<string, Noun>> = {
  vm: VM,
  cluster: CLUSTER,
  node: NODE,
  op: OP,
  plugin: PLUGIN,
  event: EVENT,
  config: CONFIG,
  user: USER,
  token: TOKEN,
  session: SESSION,
  quota: QUOTA,
  audit: AUDIT,
};

/** Words that are commands by themselves. */
export const COMMANDS: Readonly<Record<string, Entry>> = {
  shell: {
    summary: "open the interactive shell, ush; or run a script of it",
    load: async () => (await import("./site/shell.ts")).shell,
  },
  events: {
    summary: "show changes as they happen",
    load: async () => (await import("./site/events.ts")).events,
  },
  login: {
    summary: "open a session at a controller",
    load: async () => (await import("./session/login.ts")).login,
  },
  logout: {
    summary: "end the session",
    load: async () => (await import("./session/logout.ts")).logout,
  },
  whoami: {
    summary: "show who you are, and where",
    load: async () => (await import("./session/whoami.ts")).whoami,
  },
  completion: {
    summary: "print the completion script of a shell",
    load: async () => (await import("./site/completion.ts")).completion,
  },
  version: {
    summary: "show versions of this program and of the controller",
    load: async () => (await import("./site/version.ts")).version,
  },
  ...ROLE_ENTRIES,
};

/** The command that the completion scripts call. */
export const COMPLETE_COMMAND = "__complete";

/** A command, and how many words name it. */
export interface Found {
  readonly entry: Entry;
  readonly words: 1 | 2;
}

/** The command that `noun` and `verb` name, or null. */
export function findEntry(
  noun: string,
  verb: string | undefined,
): Found | null {
  const group = own(NOUNS, noun);
  if (group !== undefined) {
    const entry = own(group.verbs, verb);
    return entry === undefined ? null : { entry, words: 2 };
  }
  const entry = own(COMMANDS, noun);
  if (entry === undefined) return null;
  const behind = own(entry.words ?? {}, verb);
  return behind === undefined
    ? { entry, words: 1 }
    : { entry: behind, words: 2 };
}

function own<T>(
  table: Readonly<Record<string, T>>,
  word: string | undefined,
): T | undefined {
  return word !== undefined && Object.hasOwn(table, word)
    ? table[word]
    : undefined;
}
