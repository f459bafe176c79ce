/**
 * The nouns about what VMs are grouped and counted by: clusters, quotas.
 *
 * @module
 */
import type { Entry, Noun } from "./entry.ts";

/** A verb on all VMs of clusters. */
function ofAll(
  summary: string,
  verb:
    | "start"
    | "shutdown"
    | "reboot"
    | "poweroff"
    | "cycle"
    | "pause"
    | "resume"
    | "migrate"
    | "unregister"
    | "destroy",
): Entry {
  return {
    summary,
    load: async () => (await import("./cluster/verbs.ts")).CLUSTER_VERBS[verb],
  };
}

/** Groups of VMs. */
export const CLUSTER: Noun = {
  summary: "clusters: groups of VMs, and with whom they are shared",
  verbs: {
    create: {
      summary: "make an empty cluster",
      load: async () => (await import("./cluster/create.ts")).create,
    },
    list: {
      summary: "list clusters, one's own and those that are shared",
      load: async () => (await import("./cluster/list.ts")).list,
    },
    show: {
      summary: "show clusters, and with whom they are shared",
      load: async () => (await import("./cluster/show.ts")).show,
    },
    share: {
      summary: "let others see a cluster's VMs, or control them",
      load: async () => (await import("./cluster/share.ts")).share,
    },
    unshare: {
      summary: "end what share began",
      load: async () => (await import("./cluster/share.ts")).unshare,
    },
    delete: {
      summary: "forget a cluster that has no VMs",
      load: async () => (await import("./cluster/delete.ts")).remove,
    },
    start: ofAll("start all VMs of clusters", "start"),
    shutdown: ofAll("ask all guests to turn themselves off", "shutdown"),
    reboot: ofAll("ask all guests to shut down, then start them", "reboot"),
    poweroff: ofAll("cut the power of all VMs", "poweroff"),
    cycle: ofAll("cut the power of all VMs and turn it on again", "cycle"),
    pause: ofAll("freeze all VMs in memory", "pause"),
    resume: ofAll("let all VMs go on after a pause", "resume"),
    migrate: ofAll("move all VMs to other nodes while they run", "migrate"),
    unregister: ofAll("forget all VMs, which must be stopped", "unregister"),
    destroy: ofAll("cut the power of all VMs and forget them", "destroy"),
  },
};

/** How much users and clusters may have. */
export const QUOTA: Noun = {
  summary: "quotas: how much users and clusters may have",
  verbs: {
    list: {
      summary: "list quotas with what is used of them",
      load: async () => (await import("./quota/list.ts")).list,
    },
    show: {
      summary: "show quotas, your own by default",
      load: async () => (await import("./quota/show.ts")).show,
    },
    set: {
      summary: "set limits of a user or a cluster",
      load: async () => (await import("./quota/set.ts")).set,
    },
  },
};
