/**
 * Joining: a token lets one node in, once, under no other node's name.
 *
 * @module
 */
import { ok, rejects, strictEqual } from "node:assert/strict";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import { FailingStore } from "../../store/failing_store.ts";
import { openMemoryStore } from "../../store/memory_store.ts";
import { keys } from "../../store/key.ts";
import { newId, newSecret } from "../../sys/id.ts";
import { silentLog } from "../../sys/log.ts";
import { Nodes } from "./nodes.ts";
import { Records } from "../records/records.ts";

const DAY = 86_400_000;

async function world() {
  const store = new FailingStore(await openMemoryStore());
  const clock = new FakeClock();
  const context = { clock, newId, log: silentLog };
  const records = await Records.load(store);
  const nodes = await Nodes.load(context, records, store, newSecret);
  const enrol = (secret: string, name: string) =>
    nodes.enrol({ secret, name, version: "0" });
  return { store, clock, nodes, enrol };
}

Deno.test("Nodes.enrol() takes a token once, also when two come at once", async () => {
  const { nodes, enrol } = await world();
  const { secret } = await nodes.newToken(null, DAY);
  const both = await Promise.allSettled([
    enrol(secret, "n1"),
    enrol(secret, "n2"),
  ]);
  strictEqual(both.filter(({ status }) => status === "fulfilled").length, 1);
});

Deno.test("Nodes.enrol() that cannot be written leaves the token good", async () => {
  const { nodes, store, enrol } = await world();
  const { secret } = await nodes.newToken(null, DAY);
  store.fail();
  await rejects(enrol(secret, "n1"), /disk is full/);
  const joined = await enrol(secret, "n1");
  ok(nodes.isSecretOf("n1", joined.secret));
});

Deno.test("Nodes.enrol() gives a name that a node has only to a token made for it", async () => {
  const { nodes, enrol } = await world();
  const first = await enrol((await nodes.newToken(null, DAY)).secret, "n1");
  const { secret } = await nodes.newToken(null, DAY);
  await rejects(enrol(secret, "n1"), /A node "n1" has joined already/);
  ok(nodes.isSecretOf("n1", first.secret));
  await enrol(secret, "n2");
  const again = await enrol((await nodes.newToken("n1", DAY)).secret, "n1");
  ok(nodes.isSecretOf("n1", again.secret));
  ok(!nodes.isSecretOf("n1", first.secret));
  ok(!nodes.isSecretOf("n2", again.secret));
});

Deno.test("Nodes.sweep() forgets tokens a day after they expired, and says so until then", async () => {
  const { nodes, clock, store, enrol } = await world();
  const { secret } = await nodes.newToken(null, 1000);
  const kept = await nodes.newToken(null, 5 * DAY);
  await clock.advance(2000);
  strictEqual(await nodes.sweep(), 0);
  await rejects(enrol(secret, "n1"), /expired at/);
  await clock.advance(DAY);
  strictEqual(await nodes.sweep(), 1);
  await rejects(enrol(secret, "n1"), /unknown or was used already/);
  strictEqual((await Array.fromAsync(store.list(keys.joinTokens()))).length, 1);
  await enrol(kept.secret, "n1");
});
