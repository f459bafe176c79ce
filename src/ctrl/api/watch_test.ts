/**
 * A watcher that reads too slowly, and one that reads in time.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import { vmIn } from "../../../tests/property/arbitraries.ts";
import { ADMIN, SmallCtrl } from "../../../tests/support/small_ctrl.ts";
import { systemClock } from "../../sys/clock.ts";
import { Changes } from "../records/changes.ts";
import type { Site } from "../site.ts";
import { Sight } from "./sight.ts";
import { BEAT_MS } from "./beat.ts";
import { watch } from "./watch.ts";
import { watchQuery } from "./watch_query.ts";

const VM = vmIn("running", "n1", "01a");

Deno.test("watch() cuts off a reader that fell behind, and tells it to come back", async () => {
  await using ctrl = await SmallCtrl.open();
  const { records, runner, links } = ctrl;
  const changes = new Changes(records, () => "now", 10);
  const accounts = { isLive: () => true };
  const context = { clock: systemClock };
  const site = { records, runner, links, changes, accounts, context };
  const change = async (count: number) => {
    for (let i = 0; i < count; i++) {
      await records.write([{ kind: "vm", key: VM.uid, value: VM }]);
    }
  };
  const lines = watch(
    site as unknown as Site,
    ADMIN,
    {
      query: watchQuery(new URL("https://x/v1/watch?kinds=vm&snapshot=0")),
      sight: new Sight(null, null),
    },
    new AbortController().signal,
  );
  const next = async () => (await lines.next()).value as { type: string };
  deepStrictEqual([(await next()).type, (await next()).type], [
    "hello",
    "synced",
  ]);
  await change(5);
  for (let i = 0; i < 5; i++) deepStrictEqual((await next()).type, "put");
  await change(1);
  await next();
  // It takes nothing while more happens than is kept.
  await change(100);
  deepStrictEqual(await next(), {
    type: "bye",
    reason: "you read too slowly; come back for a snapshot",
    resume: true,
  } as { type: string });
  deepStrictEqual((await lines.next()).done, true);
});

Deno.test("watch() beats for a watcher who may see nothing of all that happens", async () => {
  await using ctrl = await SmallCtrl.open();
  const { records, runner, links } = ctrl;
  const changes = new Changes(records, () => "now", 100);
  const clock = new FakeClock();
  const site = {
    records,
    runner,
    links,
    changes,
    accounts: { isLive: () => true },
    context: { clock },
  };
  const end = new AbortController();
  const lines = watch(
    site as unknown as Site,
    { ...ADMIN, user: "stranger", role: "user" },
    {
      query: watchQuery(new URL("https://x/v1/watch?kinds=vm&snapshot=0")),
      sight: new Sight(null, null),
    },
    end.signal,
  );
  await lines.next();
  await lines.next();
  const next = lines.next();
  // Something happens more often than a beat is due.
  for (let i = 0; i < 4; i++) {
    await records.write([{ kind: "vm", key: VM.uid, value: VM }]);
    await clock.advance(BEAT_MS / 4);
  }
  const { value } = await next;
  strictEqual((value as { type: string }).type, "beat");
  end.abort();
  await lines.next();
});
