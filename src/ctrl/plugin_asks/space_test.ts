import assert from "node:assert/strict";
import { isUsherError } from "../../error/mod.ts";
import { FailingStore } from "../../store/failing_store.ts";
import { openMemoryStore } from "../../store/memory_store.ts";
import { PluginSpaces, SPACE_LIMITS, type SpaceLimits } from "./space.ts";

async function opened(limits: Partial<SpaceLimits> = {}) {
  const store = new FailingStore(await openMemoryStore());
  const spaces = await PluginSpaces.load(store, { ...SPACE_LIMITS, ...limits });
  return {
    store,
    spaces,
    space: spaces.of("p"),
    [Symbol.asyncDispose]: () => store.close(),
  };
}

Deno.test("what a plugin keeps is there for it alone, also for the next controller", async () => {
  await using at = await opened();
  await at.space.commit([{ key: "a/1", value: { n: [1, null] } }], []);
  await at.space.commit([{ key: "a/2", value: "two" }], []);
  await at.space.commit([{ key: "b", value: true }], []);
  const next = await PluginSpaces.load(at.store);
  for (const spaces of [at.spaces, next]) {
    assert.deepEqual(spaces.of("p").get("a/1"), { n: [1, null] });
    assert.deepEqual(spaces.of("p").list("a/"), [
      { key: "a/1", value: { n: [1, null] } },
      { key: "a/2", value: "two" },
    ]);
    assert.equal(spaces.of("p").get("c"), null);
    assert.deepEqual(spaces.of("q").list(""), []);
  }
});

Deno.test("null deletes, and stands for what is not there", async () => {
  await using at = await opened();
  const { space } = at;
  assert.equal(
    await space.commit([{ key: "k", value: 1 }], [{ key: "k", value: null }]),
    true,
  );
  assert.equal(
    await space.commit([{ key: "k", value: 2 }], [{ key: "k", value: null }]),
    false,
  );
  assert.equal(await space.commit([{ key: "k", value: null }], []), true);
  assert.equal(space.get("k"), null);
  assert.deepEqual((await PluginSpaces.load(at.store)).of("p").list(""), []);
});

Deno.test("of two that expect the same, one wins, though neither is durable yet", async () => {
  await using at = await opened();
  const { space } = at;
  await space.commit([{ key: "next", value: { address: 1, of: "x" } }], []);
  const take = (by: string) =>
    space.commit([{ key: "next", value: { address: 2, of: by } }], [
      // The order of an object's keys does not matter.
      { key: "next", value: { of: "x", address: 1 } },
    ]);
  assert.deepEqual(await Promise.all([take("one"), take("two")]), [
    true,
    false,
  ]);
  assert.deepEqual(space.get("next"), { address: 2, of: "one" });
});

Deno.test("a commit that is not as expected changes none of its keys", async () => {
  await using at = await opened();
  const { space } = at;
  const changes = [{ key: "a", value: 1 }, { key: "b", value: 2 }];
  assert.equal(await space.commit(changes, [{ key: "c", value: 3 }]), false);
  assert.deepEqual(space.list(""), []);
});

Deno.test("a write that does not become durable is not there, and takes no room", async () => {
  await using at = await opened();
  const { space, store } = at;
  const value = "x".repeat(SPACE_LIMITS.valueBytes - 2);
  store.fail({ times: 300 });
  for (let i = 0; i < 300; i++) {
    await assert.rejects(
      space.commit([{ key: "k", value }, { key: `k${i}`, value }], []),
    );
  }
  assert.equal(space.get("k"), null);
  // Had the failed ones been counted, this would be too much.
  assert.equal(await space.commit([{ key: "k", value }], []), true);
});

Deno.test("a space has bounds: of a key, a value, their number and all together", async () => {
  await using at = await opened();
  const { space } = at;
  const refused = (code: string, key: string, value: string) =>
    assert.rejects(
      space.commit([{ key, value }], []),
      (error) => isUsherError(error) && error.code === code,
    );
  await refused("invalid_input", "k".repeat(SPACE_LIMITS.keyBytes + 1), "");
  await refused("invalid_input", "a\u0000b", "");
  const most = SPACE_LIMITS.valueBytes - 2;
  await refused("invalid_input", "k", "x".repeat(most + 1));
  const value = "x".repeat(most);
  const fits = Math.floor(SPACE_LIMITS.bytes / (most + 6));
  for (let from = 0; from < fits; from += 50) {
    const changes = Array.from(
      { length: Math.min(50, fits - from) },
      (_, i) => ({ key: `k${from + i}`, value }),
    );
    await space.commit(changes, []);
  }
  await refused("insufficient_resources", "more", value);
  // Less is always allowed, and makes room.
  await space.commit([{ key: "k0", value: null }], []);
  assert.equal(await space.commit([{ key: "more", value }], []), true);
});

Deno.test("a plugin may keep so many keys and no more", async () => {
  await using at = await opened({ keys: 1000 });
  const { space } = at;
  const changes = Array.from(
    { length: 1000 },
    (_, i) => ({ key: `k${i}`, value: i }),
  );
  await space.commit(changes, []);
  await assert.rejects(
    space.commit([{ key: "more", value: 1 }], []),
    /1000 keys/,
  );
  assert.equal(await space.commit([{ key: "k1", value: "other" }], []), true);
  assert.equal(await at.spaces.remove("p"), 1000);
  assert.deepEqual(space.list(""), []);
});
