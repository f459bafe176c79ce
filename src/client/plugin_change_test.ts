import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { FakeClock } from "../../tests/support/fake_clock.ts";
import type { PluginChangeUnderWay } from "../schema/plugin_life.ts";
import type { Api } from "./api.ts";
import { awaitChange } from "./plugin_change.ts";

const BEGUN = {
  doing: "reload",
  by: "ann",
  since: "2026-01-01T00:00:00.000Z",
} as const;

/** A controller that tells of `change`, and what was said of it. */
function waiting() {
  const clock = new FakeClock();
  const lines: string[] = [];
  const told: { change: PluginChangeUnderWay | null } = { change: null };
  const api = {
    call: () => Promise.resolve({ plugins: [], ...told }),
  } as unknown as Pick<Api, "call">;
  const enough = new AbortController();
  const answer = Promise.withResolvers<string>();
  const ended = awaitChange(
    api,
    { signal: enough.signal, say: (line) => void lines.push(line), clock },
    () => answer.promise,
  );
  ended.catch(() => {});
  return { clock, lines, told, enough, answer, ended };
}

Deno.test("awaitChange() waits for as long as a change goes on, and says for whom", async () => {
  const { clock, lines, told, answer, ended } = waiting();
  told.change = { ...BEGUN, waitsFor: ["slow", "slower"] };
  await clock.advance(300_000);
  told.change = { ...BEGUN, waitsFor: [] };
  await clock.advance(4000);
  answer.resolve("done");
  strictEqual(await ended, "done");
  const said = `plugins are reloaded by ann since ${BEGUN.since}`;
  deepStrictEqual(lines, [
    `${said}; waiting for slow, slower to be read or started`,
    said,
  ]);
});

Deno.test("awaitChange() gives up what nothing explains", async () => {
  const { clock, lines, ended } = waiting();
  await clock.advance(58_000);
  const over = rejects(ended, /has not answered for 60 s/);
  await clock.advance(6000);
  await over;
  deepStrictEqual(lines, []);
});

Deno.test("awaitChange() is left without an end of the change", async () => {
  const { clock, lines, told, enough, answer, ended } = waiting();
  told.change = { ...BEGUN, waitsFor: ["slow"] };
  await clock.advance(10_000);
  enough.abort();
  answer.reject(enough.signal.reason);
  strictEqual(await ended, null);
  match(lines.at(-1) ?? "", /the controller goes on with it/);
});
