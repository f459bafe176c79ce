/**
 * `usher vm wait`.
 *
 * @module
 */
import type { VmView } from "../../../schema/change.ts";
import type { Api } from "../../api.ts";
import { defineCommand, parsed, VM_NAMES } from "../../command.ts";
import { EXIT } from "../../exit.ts";
import { failure, isFailure } from "../../failure.ts";
import { readDuration } from "../../quantity.ts";
import { unknownWord, UsageError } from "../../usage.ts";
import { startWait } from "../../wait.ts";
import { type Change, watch } from "../../watch.ts";
import { VM_STATES } from "./states.ts";

export const wait = defineCommand({
  about:
    "Wait until all the VMs named are in a state. absent waits until they are no longer known.",
  words: VM_NAMES,
  flags: {
    for: parsed(
      "STATES",
      "state=running, or several: state=stopped|crashed",
      readStates,
    ),
    timeout: parsed(
      "DUR",
      "stop waiting after so long (exit code 3)",
      readDuration,
    ),
  },
  examples: [
    ["usher vm wait web1 --for state=running", "until it runs"],
    [
      "usher vm wait 'job-*' --for 'stopped|crashed' --timeout 1h",
      "until all have ended",
    ],
  ],
  async run(context, { words, flags }) {
    if (flags.for === undefined) {
      throw new UsageError(
        "What to wait for is not said: --for is missing",
        "write --for state=running",
      );
    }
    const states: ReadonlySet<string> = new Set(flags.for);
    const api = await context.api();
    using limit = startWait(context);
    limit.limit(flags.timeout);
    try {
      const { open, since } = await lookFirst(
        api,
        words,
        states,
        limit.signal,
      );
      if (open.size === 0) return EXIT.done;
      const present = new Set<string>();
      for await (
        const change of watch(api, { since, kinds: "vm" }, limit.signal)
      ) {
        await apply(change, open, states, present);
        if (open.size === 0) return EXIT.done;
      }
      return EXIT.failed;
    } catch (error) {
      if (!limit.signal.aborted) throw error;
      context.io.stderr.write(
        `${limit.why()}: not all are ${flags.for.join(" or ")}\n`,
      );
      return EXIT.stillRunning;
    }
  },
});

function readStates(word: string): string[] {
  const states = word.replace(/^state=/, "").split(/[|,]/);
  for (const state of states) {
    const [, key, value] = /^([^=]*)=(.*)$/.exec(state) ?? [];
    if (key !== undefined) {
      throw new UsageError(
        `"${state}" is nothing to wait for: only states are`,
        `write state=${VM_STATES.includes(value ?? "") ? value : "running"}`,
      );
    }
    if (VM_STATES.includes(state)) continue;
    throw unknownWord(
      "state",
      state,
      VM_STATES,
      `states: ${VM_STATES.join(", ")}`,
    );
  }
  return states;
}

/** VMs that are not there yet, by uid, and where to listen on from. */
async function lookFirst(
  api: Api,
  words: readonly string[],
  states: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<{ open: Map<string, string>; since: number }> {
  try {
    const { revision, vms } = await api.call("vms", {
      query: { names: words.join(",") },
      signal,
    });
    return { open: openOf(vms, states), since: revision };
  } catch (error) {
    if (!isFailure(error, "not_found") || !states.has("absent")) throw error;
    return { open: new Map(), since: 0 };
  }
}

function openOf(
  vms: readonly VmView[],
  states: ReadonlySet<string>,
): Map<string, string> {
  return new Map(
    vms.filter(({ status }) => !states.has(status.state))
      .map(({ uid, name }) => [uid, name]),
  );
}

/** Takes what a change settles out of `open`; `present` is a snapshot's. */
async function apply(
  change: Change,
  open: Map<string, string>,
  states: ReadonlySet<string>,
  present: Set<string>,
): Promise<void> {
  switch (change.type) {
    case "delete":
      return await gone(change.id, open, states);
    case "hello":
      // Without a reset nothing was missed, so all count as present.
      present.clear();
      if (!change.reset) { for (const uid of open.keys()) present.add(uid); }
      return;
    case "synced":
      for (const uid of [...open.keys()]) {
        if (!present.has(uid)) await gone(uid, open, states);
      }
      return;
    default: {
      if (change.kind !== "vm") return;
      const vm = change.value as VmView;
      present.add(vm.uid);
      if (states.has(vm.status.state)) open.delete(vm.uid);
    }
  }
}

async function gone(
  uid: string,
  open: Map<string, string>,
  states: ReadonlySet<string>,
): Promise<void> {
  const name = open.get(uid);
  if (name === undefined) return;
  if (!states.has("absent")) {
    throw await failure(
      "not_found",
      `Cannot wait for VM "${name}": it is gone`,
    );
  }
  open.delete(uid);
}
