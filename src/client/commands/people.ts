/**
 * The nouns about people: accounts, sessions, API tokens.
 *
 * @module
 */
import type { Noun } from "./entry.ts";

/** Accounts. */
export const USER: Noun = {
  summary: "accounts: who may log in, and what they may do",
  verbs: {
    create: {
      summary: "make an account",
      load: async () => (await import("./user/create.ts")).create,
    },
    list: {
      summary: "list accounts",
      load: async () => (await import("./user/list.ts")).list,
    },
    show: {
      summary: "show accounts, your own by default",
      load: async () => (await import("./user/show.ts")).show,
    },
    "set-role": {
      summary: "give an account another role",
      load: async () => (await import("./user/set_role.ts")).setRole,
    },
    passwd: {
      summary: "change a password, your own by default",
      load: async () => (await import("./user/passwd.ts")).passwd,
    },
    disable: {
      summary: "let nobody in by accounts, from now on",
      load: async () => (await import("./user/switch.ts")).disable,
    },
    enable: {
      summary: "let in by accounts again",
      load: async () => (await import("./user/switch.ts")).enable,
    },
    delete: {
      summary: "remove accounts that own no VMs",
      load: async () => (await import("./user/switch.ts")).remove,
    },
  },
};

/** API tokens. */
export const TOKEN: Noun = {
  summary: "API tokens: what programs call with in your name",
  verbs: {
    create: {
      summary: "make a token, for some verbs and VMs or for all",
      load: async () => (await import("./token/create.ts")).create,
    },
    list: {
      summary: "list tokens, and when they were last used",
      load: async () => (await import("./token/list.ts")).list,
    },
    revoke: {
      summary: "end tokens, and what goes on with them",
      load: async () => (await import("./token/revoke.ts")).revoke,
    },
  },
};

/** Sessions. */
export const SESSION: Noun = {
  summary: "sessions: who has logged in",
  verbs: {
    list: {
      summary: "list sessions that go on",
      load: async () => (await import("./session/list.ts")).list,
    },
    end: {
      summary: "end sessions, and what goes on with them",
      load: async () => (await import("./session/end.ts")).end,
    },
  },
};
