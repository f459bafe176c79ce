import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import { ADMIN } from "../../../tests/support/small_ctrl.ts";
import { LogRing } from "../plugins/log_ring.ts";
import type { Site } from "../site.ts";
import { BEAT_MS } from "./beat.ts";
import { pluginLogs } from "./plugin_logs.ts";

function openLogs() {
  const logs = new LogRing(4);
  const clock = new FakeClock();
  const life = { isLive: true };
  const site = {
    plugins: { logs, show: (name: string) => ({ name }) },
    accounts: { isLive: () => life.isLive },
    context: { clock },
  } as unknown as Site;
  const read = (query: string, signal: AbortSignal) => {
    const url = new URL(`https://x/v1/plugins/a/logs?${query}`);
    const lines = pluginLogs(site, ADMIN, "a", url)(signal);
    return lines[Symbol.asyncIterator]();
  };
  const say = (text: string) =>
    logs.add("a", { at: "", level: "info", event: null, text, fields: {} });
  return { clock, life, read, say };
}

const textOf = ({ value }: IteratorResult<unknown>) =>
  (value as { text: string }).text;

Deno.test("pluginLogs() goes on after a line that was read, or with all of a new run", async () => {
  const { read, say } = openLogs();
  for (const text of ["a", "b", "c"]) say(text);
  const end = new AbortController();
  const same = read("follow=1&after=4/1", end.signal);
  deepStrictEqual((await same.next()).value, { type: "hello", run: 4 });
  strictEqual(textOf(await same.next()), "c");
  const anew = read("follow=1&after=3/1", end.signal);
  await anew.next();
  strictEqual(textOf(await anew.next()), "a");
  end.abort();
  throws(() => read("follow=1&after=soon", end.signal), /no line that was/);
  throws(() => read("limit=1e9", end.signal), /no number of lines/);
});

Deno.test("pluginLogs() beats while nothing is said, and ends with the session", async () => {
  const { clock, life, read, say } = openLogs();
  const end = new AbortController();
  const lines = read("follow=1", end.signal);
  await lines.next();
  const beat = lines.next();
  await clock.advance(BEAT_MS);
  deepStrictEqual((await beat).value, { type: "beat" });
  life.isLive = false;
  const last = lines.next();
  say("a secret");
  deepStrictEqual((await last).value, {
    type: "bye",
    reason: "this session has ended",
    resume: false,
  });
  strictEqual((await lines.next()).done, true);
  end.abort();
});
