/**
 * The flags of the roles, so that help, suggestions and completion know them.
 * What a role does is not the client's: main.ts runs it.
 *
 * @module
 */
import {
  choice,
  defineCommand,
  NO_WORDS,
  parsed,
  text,
  toggle,
  wholeNumber,
} from "../command.ts";
import { DRIVER_NAMES } from "../../schema/known_driver.ts";
import { FAULT_KINDS, type FaultKind } from "../../schema/simulation.ts";
import { UsageError } from "../usage.ts";

/** What a role's `run` answers when the client is asked to run it. */
function notHere(): Promise<number> {
  throw new UsageError(
    "A role runs from the usher executable alone, not through the client library",
  );
}

const CONFIG = text("FILE", "the configuration", { completes: "file" });

export const ctrl = defineCommand({
  about:
    "Run the controller: all state, all decisions. The first start makes the site's CA and the admin account.",
  words: {
    usage: "[admin-token|reload|check|backup|restore|install|uninstall]",
    min: 0,
    max: 1,
    completes: "none",
    choices: [
      ...["admin-token", "reload", "check", "backup", "restore"],
      ...["install", "uninstall"],
    ],
    oneOf: "word",
  },
  flags: {
    config: CONFIG,
    state: text("DIR", "where the state lies", { completes: "file" }),
    "listen-clients": text(
      "ADDR",
      "address for clients, 0.0.0.0:8440 by default",
    ),
    "listen-nodes": text("ADDR", "address for nodes, 0.0.0.0:8441 by default"),
  },
  examples: [
    ["usher ctrl --config /etc/usher/ctrl.yaml", "as the system service does"],
    [
      "usher ctrl admin-token",
      "a token for the owner of the state directory, whatever is broken",
    ],
    ["usher ctrl check", "whether the stored state is sound"],
  ],
  run: notHere,
});

export const lnm = defineCommand({
  about:
    "Run the local node manager: it drives this machine's hypervisor and dials the controller. Its VMs live on when it stops.",
  words: {
    usage: "[install|uninstall]",
    min: 0,
    max: 1,
    completes: "none",
    choices: ["install", "uninstall"],
    oneOf: "word",
  },
  flags: {
    join: text("TOKEN", "join a site, with a token of usher node token"),
    config: CONFIG,
    name: text("NAME", "this node's name; the host's name by default"),
    state: text("DIR", "where the state lies", { completes: "file" }),
    run: text("DIR", "where sockets lie", { completes: "file" }),
    driver: choice(DRIVER_NAMES, "use this driver alone"),
  },
  examples: [
    ["usher lnm --join TOKEN", "join, then run"],
    ["usher lnm", "run a node that has joined"],
  ],
  run: notHere,
});

export const dev = defineCommand({
  about:
    "Run a controller and nodes in one process, with real links on loopback. It prints a line that begins with ready, and how to talk to it.",
  words: NO_WORDS,
  flags: {
    nodes: parsed(
      "N",
      "how many nodes, 1 by default",
      wholeNumber("number of nodes", { min: 1, max: 1000 }),
    ),
    driver: choice(DRIVER_NAMES, "what runs the VMs, sim by default"),
    state: text("DIR", "where the state lies; a new folder by default", {
      completes: "file",
    }),
    config: text(
      "FILE",
      "a ctrl.yaml whose plugin_dirs and plugins are taken, also at a reload",
      { completes: "file" },
    ),
    keep: toggle("leave guests and state behind at the end"),
    port: parsed(
      "N",
      "the clients' port, a free one by default",
      wholeNumber("port", { min: 1, max: 65535 }),
    ),
  },
  examples: [
    ["usher dev", "one node with simulated VMs"],
    ["usher dev --nodes 3 --driver qemu", "three nodes with real ones"],
  ],
  run: notHere,
});

/** The kinds of faults in a list such as `crash,partition`; "none" for none. */
function faultKinds(word: string): readonly FaultKind[] {
  if (word === "none") return [];
  return word.split(",").map((name) => {
    const kind = FAULT_KINDS.find((one) => one === name);
    if (kind !== undefined) return kind;
    throw new UsageError(
      `"${name}" is no kind of fault: there are ${FAULT_KINDS.join(", ")}`,
    );
  });
}

/** The most hours that a run may take. */
const MAX_HOURS = 1000;

function hours(word: string): number {
  const value = /^\d+(\.\d+)?$/.test(word) ? Number(word) : NaN;
  if (value > 0 && value <= MAX_HOURS) return value;
  throw new UsageError(
    `"${word}" is no number of hours: it must be above 0 and at most ${MAX_HOURS}`,
  );
}

const MAX_SEED = 2 ** 31;

export const sim = defineCommand({
  about:
    "Run the real controller and real LNMs on virtual time, with simulated VMs, a random workload and faults, all drawn from a seed. Says nothing broke, or prints the seed and the shortest history found, and exits with 1.",
  words: NO_WORDS,
  flags: {
    nodes: parsed(
      "N",
      "how many nodes, 5 by default",
      wholeNumber("number of nodes", { min: 1, max: 1000 }),
    ),
    vms: parsed(
      "N",
      "how many names of VMs clients use, 40 by default",
      wholeNumber("number of VMs", { min: 1, max: 100_000 }),
    ),
    hours: parsed("N", "how long a run takes, 1 by default", hours),
    seed: parsed(
      "N",
      "the seed of one run",
      wholeNumber("seed", { min: 0, max: MAX_SEED }),
    ),
    seeds: parsed(
      "N",
      "run so many seeds, one after another",
      wholeNumber("number of seeds", { min: 1, max: MAX_SEED }),
    ),
    from: parsed(
      "N",
      "the first of them, 1 by default",
      wholeNumber("seed", { min: 0, max: MAX_SEED }),
    ),
    faults: parsed(
      "LIST",
      `kinds of faults, all by default: ${FAULT_KINDS.join(",")}, or none`,
      faultKinds,
    ),
    history: toggle("print the history of the last run, whatever came of it"),
    "shrink-seconds": parsed(
      "N",
      "how long to look for a shorter history of what broke, 30 by default",
      wholeNumber("number of seconds", { min: 0, max: 86_400 }),
    ),
    json: toggle("print one JSON object for each run"),
  },
  examples: [
    [
      "usher sim --nodes 50 --vms 500 --seed 42 --hours 24 --faults partition,crash",
      "one long run",
    ],
    ["usher sim --seeds 10000", "what the night is for"],
    ["usher sim --seed 42 --history", "see what happens in a run"],
  ],
  run: notHere,
});
