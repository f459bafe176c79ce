/**
 * The change stream over the API: snapshot, resume, reset, and its end.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { Problem } from "../../src/schema/problem.ts";
import { type Line, Reader } from "../support/reader.ts";
import { TestSite } from "../support/site.ts";

const isSynced = ({ type }: Line) => type === "synced";

function isRunning(name: string): (line: Line) => boolean {
  return ({ type, kind, value }) => {
    const vm = value as { name: string; status: { state: string } };
    return type === "put" && kind === "vm" && vm.name === name &&
      vm.status.state === "running";
  };
}

Deno.test("watch: the last that is told of a VM says that no operation holds it", async () => {
  await using site = await TestSite.start();
  await using reader = await Reader.open(site, "/v1/watch");
  await reader.until(isSynced);
  await site.run("start", "web");
  const isUp = isRunning("web.default.admin");
  const lines = await reader.until((line) =>
    isUp(line) && (line["value"] as { holder: unknown }).holder === null
  );
  ok(lines.length > 0);
});

Deno.test("watch: a snapshot, then every change, each with a higher revision", async () => {
  await using site = await TestSite.start();
  await site.run("start", "old");
  await using reader = await Reader.open(site, "/v1/watch");
  const first = await reader.until(isSynced);
  deepStrictEqual(
    first.filter(({ type, kind }) =>
      type === "snapshot" && kind !== "operation"
    )
      .map(({ value }) => (value as { name: string }).name),
    ["n1", "default.admin", "old.default.admin"],
  );
  await site.run("start", "new");
  const changes = (await reader.until(isRunning("new.default.admin")))
    .filter(({ type }) => type === "put");
  const revisions = changes.map(({ revision }) => revision as number);
  deepStrictEqual(revisions, revisions.toSorted((a, b) => a - b));
  ok(revisions[0]! > (first[0]?.revision as number));
  await site.run("destroy", "new");
  await reader.until(({ type, name }) =>
    type === "delete" && name === "new.default.admin"
  );
});

Deno.test("watch: since resumes with all that came after, and nothing twice", async () => {
  await using site = await TestSite.start();
  const seen: number[] = [];
  {
    await using reader = await Reader.open(site, "/v1/watch");
    await reader.until(isSynced);
    await site.run("start", "a");
    for (const line of await reader.until(isRunning("a.default.admin"))) {
      if (line.type === "put") seen.push(line.revision as number);
    }
  }
  await site.run("start", "b");
  await using again = await Reader.open(site, `/v1/watch?since=${seen.at(-1)}`);
  const lines = await again.until(isRunning("b.default.admin"));
  strictEqual(lines[0]?.reset, false);
  deepStrictEqual(lines.filter(({ type }) => type === "snapshot"), []);
  for (const { type, revision } of lines) {
    if (type === "put") seen.push(revision as number);
  }
  deepStrictEqual(seen, [...new Set(seen)].toSorted((a, b) => a - b));
});

Deno.test("watch: since what is gone, or never was, is a reset with a snapshot", async () => {
  const stateDir = await Deno.makeTempDir({ prefix: "usher_watch_" });
  try {
    let before = 0;
    {
      await using site = await TestSite.start({ stateDir });
      await site.run("start", "a");
      before = (await site.vm("a")).revision;
    }
    await using site = await TestSite.start({ stateDir });
    for (const since of [before, 999_999_999_999]) {
      await using reader = await Reader.open(site, `/v1/watch?since=${since}`);
      const lines = await reader.until(isSynced);
      deepStrictEqual([lines[0]?.type, lines[0]?.reset], ["hello", true]);
      ok(lines.some(({ type, kind }) => type === "snapshot" && kind === "vm"));
    }
  } finally {
    await Deno.remove(stateDir, { recursive: true });
  }
});

Deno.test("watch: a query that means nothing is refused", async () => {
  await using site = await TestSite.start({ nodes: 0 });
  for (const query of ["since=x", "since=-1", "since=1e5", "kinds=vms"]) {
    const { status, body } = await site.call<Problem>(
      "GET",
      `/v1/watch?${query}`,
    );
    deepStrictEqual([status, body.code], [400, "invalid_input"], query);
  }
});

Deno.test("watch: it ends with the session that it was opened with", async () => {
  await using site = await TestSite.start();
  const { accounts } = site.site.controller.site;
  const { token } = await accounts.openSession("admin", 600_000);
  await using reader = await Reader.open(site, "/v1/watch", token);
  await reader.until(isSynced);
  await site.call("POST", "/v1/logout", {}, token);
  const last = (await reader.until(({ type }) => type === "bye")).at(-1);
  match(String(last?.reason), /session has ended/);
  strictEqual(last?.resume, false);
});

Deno.test("watch: it says goodbye when the controller ends", async () => {
  let reader: Reader;
  {
    await using site = await TestSite.start();
    reader = await Reader.open(site, "/v1/watch");
    await reader.until(isSynced);
    const ending = site.site.close();
    const last = (await reader.until(({ type }) => type === "bye")).at(-1);
    deepStrictEqual([last?.resume], [true]);
    await ending;
  }
  await reader[Symbol.asyncDispose]();
});
