/**
 * Plugins that mean harm, one after another, in a site of the compiled
 * executable, each in its chain between two that behave.
 *
 * Whatever they do: the controller answers a client all along, the culprit is
 * named, its circuit opens, a chain that decides refuses and one that tells
 * goes on, and nothing of it stays.
 *
 * @module
 */
import assert from "node:assert/strict";
import { compiledUsher } from "../../support/compiled.ts";
import {
  type Hostile,
  HostileSite,
  type Outcome,
} from "../../support/hostile_site.ts";
import { until } from "../../support/wait.ts";

const TOKEN_FILE = "/etc/passwd";

/** Those that fail whenever they are asked, and how the failure is told. */
const FAILING: readonly (Hostile & { readonly as: RegExp })[] = [
  { name: "throws", event: "pause_request", as: /I always fail/ },
  {
    ...{ name: "endless_loop", event: "pause_request", deadline: "300ms" },
    as: /300|deadline|yield|too long|ended/,
  },
  {
    ...{ name: "never_answers", event: "pause_request", deadline: "200ms" },
    as: /200|deadline|too long/,
  },
  { name: "huge_return", event: "pause_request", as: /length|MiB|memory/ },
  { name: "large_return", event: "pause_request", as: /32\.\d MiB/ },
  { name: "self_kill", event: "pause_request", as: /I live|ended|deadline/ },
  { name: "wrong_types", event: "pause_request", as: /gave back|is wrong/ },
  { name: "changes_owner", event: "pause_request", as: /changed|must/i },
];

/** The same where nobody waits for an answer. */
const TELLING: readonly (Hostile & { readonly as: RegExp })[] = [
  {
    ...{ name: "memory_bomb", event: "resume", limits: { memory: "200MiB" } },
    as: /MiB of memory, and 200 MiB is its limit/,
  },
  { name: "other_vm", event: "resume", as: /changed|must/i },
];

/** Those that look for a way out, and say what they have found. */
const SHUT: readonly Hostile[] = [
  ...["reads_files", "writes_files", "imports_others"].map((
    name,
  ): Hostile => ({
    name,
    event: "pause_request",
    options: { path: TOKEN_FILE },
  })),
  { name: "network", event: "pause_request", options: { port: 9 } },
  ...["subprocess", "foreign_code", "environment"].map((name): Hostile => ({
    name,
    event: "pause_request",
  })),
];

/** Those that have tests of their own. */
const OTHERS: readonly Hostile[] = [
  {
    name: "message_flood",
    event: "pause_request",
    limits: { rate: 100 },
    grants: { ctx: ["vms"] },
  },
  { name: "rejection_storm", event: "pause_request" },
  { name: "writes_stdout", event: "pause_request", limits: { rate: 100 } },
  { name: "forged_frames", event: "pause_request" },
  { name: "pollution", event: "pause_request" },
  { name: "thousand_timers", event: "pause_request" },
  { name: "slow_start", event: "pause_request" },
];

const ALL = [...FAILING, ...TELLING, ...SHUT, ...OTHERS];

/** How often the witness was called for an event, before and after the hostile one. */
async function witnessed(site: HostileSite, event: string) {
  const { registrations } = await site.view("witness");
  const calls = (order: number) =>
    registrations.find((one) => one.event === event && one.order === order)
      ?.calls ?? NaN;
  return { before: calls(1), after: calls(3) };
}

function refusedBy(name: string, { state, problem }: Outcome): string {
  assert.equal(state, "refused", `${name}: ${JSON.stringify(problem)}`);
  assert.equal(problem?.code, "plugin_failed", problem?.detail);
  assert.equal(problem?.subject, name);
  assert.match(problem?.detail ?? "", new RegExp(`"${name}"`));
  return problem?.detail ?? "";
}

/** One that decides: every request is refused and names it, until its circuit is open. */
async function failsClosed(site: HostileSite, name: string, as: RegExp) {
  await using _on = await site.on(name);
  const before = await witnessed(site, "pause_request");
  let said = "";
  for (let i = 0; i < 5; i++) said = refusedBy(name, await site.ask("pause"));
  assert.match(said, as);
  const open = refusedBy(name, await site.ask("pause"));
  assert.match(open, /its circuit is open since \d{4}-/);
  const after = await witnessed(site, "pause_request");
  assert.deepEqual(after, { before: before.before + 6, after: before.after });
  await namesIt(site, name, as);
}

/** One that is told: requests succeed, the others hear, until it is passed over. */
async function failsOpen(site: HostileSite, name: string, as: RegExp) {
  await using _on = await site.on(name);
  const before = await witnessed(site, "resume");
  for (let i = 1; i <= 5; i++) {
    assert.equal((await site.round()).state, "succeeded");
    await until(`the others have heard of the round ${i}`, async () => {
      const { after } = await witnessed(site, "resume");
      return after === before.after + i;
    }, { deadlineMs: 20_000 });
  }
  await namesIt(site, name, as);
  assert.equal((await site.round()).state, "succeeded");
  await until("it is passed over", async () => {
    const { after } = await witnessed(site, "resume");
    const { registrations } = await site.view(name);
    return after === before.after + 6 && registrations[0]?.calls === 5;
  });
}

async function namesIt(site: HostileSite, name: string, as: RegExp) {
  const { registrations: [own] } = await site.view(name);
  assert.equal(own?.circuit, "open");
  assert.equal(own?.failures, 5);
  assert.match(own?.lastError ?? "", as);
  const { out } = await site.run("plugin", "list");
  const line = out.split("\n").find((text) => text.startsWith(name));
  assert.match(line ?? out, /open/);
  assert.match(site.output.err, new RegExp(`"plugin":"${name}"`));
}

async function findsNoWay(site: HostileSite, name: string) {
  await using _on = await site.on(name);
  const { state, problem } = await site.round();
  assert.equal(problem, null, problem?.detail);
  assert.equal(state, "succeeded");
  await site.said(name, /^all \d+ ways are shut$/);
}

async function floods(site: HostileSite) {
  await using _on = await site.on("message_flood");
  await site.round();
  const lines = await site.lines("message_flood");
  assert.ok(lines.length < 1000, `${lines.length} lines were kept`);
  await site.said("message_flood", /more than its limits\.rate/);
}

async function storms(site: HostileSite) {
  await using _on = await site.on("rejection_storm");
  const { state, problem } = await site.round();
  assert.equal(state, "succeeded", problem?.detail);
  await site.said("rejection_storm", /storm \d+/);
  assert.equal((await site.round()).state, "succeeded");
}

async function writes(site: HostileSite) {
  await using _on = await site.on("writes_stdout");
  assert.equal((await site.round()).state, "succeeded");
  await site.said("writes_stdout", /by the console/);
  await site.said("writes_stdout", /by the process/);
  const { out, err } = site.output;
  assert.doesNotMatch(out, /by the|^line \d/m);
  assert.doesNotMatch(err, /^(?:ready|by the|line \d|yyy)/m);
  assert.ok(err.length < 10_000_000);
}

async function forges(site: HostileSite) {
  await using _on = await site.on("forged_frames");
  for (let i = 0; i < 3; i++) {
    const { state, problem } = await site.round();
    // Either it found all shut and did its work, or it was ended for it.
    if (state === "succeeded") continue;
    refusedBy("forged_frames", { state, problem });
  }
  const vms = await site.run("vm", "list", "--all", "-o", "json");
  assert.doesNotMatch(vms.out, /forged/);
}

async function pollutes(site: HostileSite) {
  await using _on = await site.on("pollution");
  for (let i = 0; i < 6; i++) {
    const { state, problem } = await site.round();
    if (state === "succeeded") continue;
    refusedBy("pollution", { state, problem });
  }
  const vms = await site.run("vm", "list", "--all", "-o", "json");
  assert.doesNotMatch(vms.out, /polluted/);
}

async function startsTimers(site: HostileSite) {
  await using _on = await site.on("thousand_timers");
  assert.equal((await site.round()).state, "succeeded");
  await site.said("thousand_timers", /shut after \d+ timers/);
}

async function startsSlowly(site: HostileSite) {
  await using _on = await site.on("slow_start");
  assert.equal((await site.round()).state, "succeeded");
  await site.said("slow_start", /here at last/);
}

/** Those of which nothing is ever called: reading them is all it takes. */
const AT_LOAD: readonly (Hostile & { readonly as: RegExp })[] = [
  {
    ...{ name: "never_starts", event: "pause_request" },
    ...{ limits: { start: "500ms" }, as: /not loaded within 500 ms/ },
  },
  {
    ...{ name: "loop_at_load", event: "pause_request" },
    ...{ limits: { start: "1s" }, as: /not loaded within 1000 ms/ },
  },
  {
    ...{ name: "bomb_at_load", event: "resume", limits: { memory: "200MiB" } },
    as: /has \d+ MiB of memory, and 200 MiB is its limit/,
  },
];

/** One that cannot even be read: the reload is refused, names it, and changes nothing. */
async function isNotTaken(site: HostileSite, plugin: Hostile, as: RegExp) {
  const before = await site.view("witness");
  await assert.rejects(site.reloadWith(plugin), (error: Error) => {
    assert.match(error.message, new RegExp(`Plugin \\\\?"${plugin.name}`));
    assert.match(error.message, as);
    return true;
  });
  assert.equal((await site.round()).state, "succeeded");
  assert.equal((await site.view("witness")).pid, before.pid);
}

Deno.test("hostile plugins are contained, named and passed by, and the controller answers all along", async (t) => {
  await using site = await HostileSite.start(await compiledUsher(), ALL);
  const step = async (name: string, run: () => Promise<void>) => {
    await t.step(name, run);
    await t.step(`after ${name} the site is as before`, async () => {
      assert.equal((await site.round()).state, "succeeded");
      assert.deepEqual(site.beat.failures, []);
    });
  };
  await site.round();
  const rss = await site.rssMiB();
  for (const { name, as } of FAILING) {
    await step(name, () => failsClosed(site, name, as));
  }
  for (const { name, as } of TELLING) {
    await step(name, () => failsOpen(site, name, as));
  }
  for (const { name } of SHUT) await step(name, () => findsNoWay(site, name));
  await step("message_flood", () => floods(site));
  await step("rejection_storm", () => storms(site));
  await step("writes_stdout", () => writes(site));
  await step("forged_frames", () => forges(site));
  await step("pollution", () => pollutes(site));
  await step("thousand_timers", () => startsTimers(site));
  await step("slow_start", () => startsSlowly(site));
  for (const { as, ...plugin } of AT_LOAD) {
    await step(plugin.name, () => isNotTaken(site, plugin, as));
  }
  await t.step(
    "the controller has not grown, and was there all along",
    async () => {
      const now = await site.rssMiB();
      assert.ok(now < rss + 150, `${rss} MiB before, ${now} MiB now`);
      assert.ok(site.beat.writes > 10, `${site.beat.writes} writes`);
      assert.deepEqual(site.beat.failures, []);
    },
  );
});
