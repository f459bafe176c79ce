/**
 * Kept answers: written when a chain goes on for longer than a moment, gone
 * with what the decision came to, and never another request's.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import { until } from "../../../tests/support/wait.ts";
import type { KeptAnswer } from "../../schema/stored.ts";
import { keys } from "../../store/key.ts";
import { MemoryDatabase, openMemoryStore } from "../../store/memory_store.ts";
import { newId } from "../../sys/id.ts";
import { silentLog } from "../../sys/log.ts";
import { KEEP_MS, KeptAnswers, UNCLAIMED_MS } from "./kept_answers.ts";

function answer(handler: string): KeptAnswer {
  const event = "start_request";
  const edits = [{ kind: "same" as const }];
  return { event, handler, hash: "h1", edits, problem: null, tookMs: 1 };
}

async function open(database = new MemoryDatabase()) {
  const clock = new FakeClock();
  const store = await openMemoryStore({ database });
  const context = { clock, newId, log: silentLog };
  const answers = await KeptAnswers.load({ context, store });
  const kept = async () => {
    const entries = await Array.fromAsync(store.list(keys.allAnswers()));
    return entries.map(({ key }) => key[1]);
  };
  return { clock, store, answers, kept, database };
}

Deno.test("KeptAnswers writes nothing of a decision that is over in a moment", async () => {
  const { clock, store, answers, kept } = await open();
  const decision = answers.open("r1");
  decision.keep(answer("a#0"));
  deepStrictEqual(answers.removal(decision), []);
  answers.over(decision);
  const { commits } = store.stats();
  await clock.advance(KEEP_MS * 2);
  deepStrictEqual(await kept(), []);
  strictEqual(store.stats().commits, commits);
});

Deno.test("KeptAnswers waits for nothing any more once it is closed, though a decision was over in a moment", async () => {
  const { clock, answers } = await open();
  const decision = answers.open("r1");
  decision.keep(answer("a#0"));
  strictEqual(clock.sleeping, 1);
  answers.over(decision);
  answers.close();
  strictEqual(clock.sleeping, 0);
});

Deno.test("KeptAnswers keeps what was answered to a decision that goes on, for the next controller, with its versions", async () => {
  const first = await open();
  const one = first.answers.open("r1", "bond");
  deepStrictEqual(one.begin(() => ({ a: "h1" })), { a: "h1" });
  one.keep(answer("a#0"));
  await first.clock.advance(KEEP_MS);
  await until("it is written", async () => (await first.kept()).length === 1);
  const second = await open(first.database);
  deepStrictEqual([...second.answers.versions()], ["h1"]);
  const again = second.answers.open("r1", "bond");
  strictEqual(again.of("start_request", "a#0")?.handler, "a#0");
  strictEqual(again.of("request", "a#0"), undefined);
  deepStrictEqual(again.begin(() => ({ a: "h2" })), { a: "h1" });
  // It goes with the commit that says what the decision came to.
  await second.store.commit(second.answers.removal(again));
  second.answers.over(again);
  deepStrictEqual(await second.kept(), []);
  deepStrictEqual([...second.answers.versions()], []);
});

Deno.test("KeptAnswers: what was asked otherwise under the same name has no answers, and those there were go", async () => {
  const first = await open();
  first.answers.open("r1", "ann's").keep(answer("a#0"));
  await first.clock.advance(KEEP_MS);
  await until("it is written", async () => (await first.kept()).length === 1);
  const second = await open(first.database);
  const other = second.answers.open("r1", "eve's");
  strictEqual(other.of("start_request", "a#0"), undefined);
  second.answers.drop(other);
  await until("it is gone", async () => (await second.kept()).length === 0);
});

Deno.test("KeptAnswers forgets after an hour what nobody comes back for, and keeps what a controller leaves that ends", async () => {
  const first = await open();
  const decision = first.answers.open("r1");
  decision.keep(answer("a#0"));
  // It is written at once, and what fails by the end is no answer.
  first.answers.close();
  decision.keep(answer("b#0"));
  first.answers.drop(decision);
  await until("it is written", async () => (await first.kept()).length === 1);
  const second = await open(first.database);
  await second.clock.advance(UNCLAIMED_MS);
  await until("it is gone", async () => (await second.kept()).length === 0);
});
