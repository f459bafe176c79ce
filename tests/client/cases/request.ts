/**
 * Verbs, their progress and results, errors, and giving up.
 *
 * @module
 */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import {
  allDone,
  failuresOf,
  isUsherError,
  type Progress,
} from "@usher/client";
import { type Case, client, codeOf, SLOW } from "../suite_site.ts";

/** Verbs, their progress and results, errors, and giving up. */
export const REQUEST_CASES: Readonly<Record<string, Case>> = {
  async "a start makes VMs, tells its progress, and answers an outcome each"(
    site,
  ) {
    await using usher = await client(site);
    const called: Progress[] = [];
    const request = usher.start("web", {
      count: 3,
      onProgress: (progress) => called.push(progress),
    });
    const read: Progress[] = [];
    for await (const progress of request) read.push(progress);
    const result = await request.result;
    strictEqual(await request.accepted, 3);
    deepStrictEqual(
      result.outcomes.map(({ vm, state, changed }) => [vm, state, changed]),
      ["web-1", "web-2", "web-3"].map((name) => [
        `${name}.default.${site.user}`,
        "succeeded",
        true,
      ]),
    );
    strictEqual(called.at(-1)?.type, "result");
    strictEqual(read.at(-1)?.type, "result");
    ok(called.some(({ type }) => type === "progress"));
    const again = await usher.start(["web-*"]).result;
    deepStrictEqual(again.outcomes.map(({ changed }) => changed), [
      false,
      false,
      false,
    ]);
    // The same request once more makes nothing, and can be come back to.
    deepStrictEqual(await usher.attach(request.id).result, result);
    await usher.destroy("web-*").result;
  },

  async "every verb does what it says"(site) {
    await using usher = await client(site);
    const stateAfter = async (
      verb: (names: string[]) => { result: Promise<unknown> },
      names = ["verbs"],
    ) => {
      allDone(await verb(names).result as never);
      return (await usher.vm("verbs")).status.state;
    };
    strictEqual(await stateAfter((n) => usher.register(n)), "absent");
    strictEqual(await stateAfter((n) => usher.start(n)), "running");
    strictEqual(await stateAfter((n) => usher.pause(n)), "paused");
    strictEqual(await stateAfter((n) => usher.resume(n)), "running");
    strictEqual(await stateAfter((n) => usher.reboot(n)), "running");
    strictEqual(await stateAfter((n) => usher.cycle(n)), "running");
    strictEqual(await stateAfter((n) => usher.migrate(n)), "running");
    strictEqual(await stateAfter((n) => usher.shutdown(n)), "stopped");
    strictEqual(await stateAfter((n) => usher.start(n)), "running");
    strictEqual(await stateAfter((n) => usher.poweroff(n)), "stopped");
    allDone(await usher.unregister("verbs").result);
    strictEqual(await codeOf(usher.vm("verbs")), "not_found");
    allDone(await usher.start("verbs").result);
    allDone(await usher.destroy("verbs").result);
  },

  async "errors have a code, and say whether to retry and what may have happened"(
    site,
  ) {
    await using usher = await client(site);
    await rejects(usher.vm("nobody"), (error) => {
      ok(isUsherError(error, "not_found"));
      strictEqual(error.retry, "no");
      strictEqual(error.outcome, "none");
      return true;
    });
    strictEqual(await codeOf(usher.start([]).result), "invalid_input");
    allDone(await usher.start("twin", { count: 2 }).result);
    allDone(await usher.pause("twin-1").result);
    const result = await usher.shutdown(["twin-1", "twin-2"]).result;
    const failures = failuresOf(result);
    for (const { error } of failures) strictEqual(error.code, "wrong_state");
    // One VM's failure hides no other's success.
    ok(result.outcomes.some(({ state }) => state === "succeeded"));
    await usher.destroy("twin-*").result;
  },

  async "a signal gives up what it was given to, and nothing else"(site) {
    await using usher = await client(site);
    const reason = new Error("enough");
    const over = AbortSignal.abort(reason);
    const isReason = (error: unknown) => error === reason;
    await rejects(usher.whoami({ signal: over }), isReason);
    await rejects(usher.console("x", { signal: over }), isReason);
    await rejects(client(site, { signal: over }), isReason);
    await rejects(usher.start("never", { signal: over }).result, isReason);
    strictEqual(await codeOf(usher.vm("never")), "not_found");
    const giving = new AbortController();
    const { signal } = giving;
    const request = usher.start("goes-on", { ...SLOW, signal });
    await request.accepted;
    using live = usher.watch({ signal });
    await live.ready;
    giving.abort(reason);
    await rejects(request.result, isReason);
    await live.ended;
    // The wait was given up, and not the work.
    allDone(await usher.attach(request.id).result);
    await usher.destroy("goes-on").result;
    const { name } = await usher.node("n1");
    strictEqual(name, "n1");
  },
};
