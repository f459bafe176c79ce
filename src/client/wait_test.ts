import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import {
  answer,
  FakeIo,
  lines,
  outcome,
  result,
  usher,
  withAbort,
} from "../../tests/support/fake_client.ts";
import { until } from "../../tests/support/wait.ts";
import { EXIT } from "./exit.ts";
import { startWait } from "./wait.ts";

Deno.test("vm start sends what the flags say", async () => {
  let body: Record<string, unknown> = {};
  await usher(
    [
      ..."vm start -n 3 web --memory 1GiB --vcpus 2 --on n2 --machine q35"
        .split(" "),
      ...["--disk", "/a.qcow2", "--disk", "base=/b.raw,format=raw,size=2GiB"],
      ...["--nic", "user,forward=tcp:127.0.0.1:2222:22", "--sim", "bootMs=2s"],
      ...["--xen", "type=pv", "--xen", "cpuCap=50"],
      ...["--no-queue", "role=front", "note=a=b"],
    ],
    (asked) => {
      body = asked.body as Record<string, unknown>;
      return lines([{ type: "result", result: result([]) }]);
    },
  );
  match(String(body["id"]), /^[0-9a-z]{26}$/);
  deepStrictEqual({ ...body, id: "" }, {
    id: "",
    verb: "start",
    names: ["web"],
    count: 3,
    on: "n2",
    queue: false,
    args: { role: "front", note: "a=b" },
    spec: {
      memoryMiB: 1024,
      vcpus: 2,
      disks: [
        { path: "/a.qcow2" },
        { base: "/b.raw", format: "raw", sizeMiB: 2048 },
      ],
      nics: [{
        kind: "user",
        forwards: [{
          protocol: "tcp",
          address: "127.0.0.1",
          nodePort: 2222,
          guestPort: 22,
        }],
      }],
      qemu: { machine: "q35" },
      libvirt: { machine: "q35" },
      xen: { type: "pv", cpuCap: 50 },
      sim: { bootMs: 2000 },
    },
  });
});

Deno.test("waiting says one line per change on standard error, nothing on standard output", async () => {
  const { code, out, err } = await usher(
    ["vm", "start", "web"],
    ({ query }) => {
      strictEqual(query.get("follow"), "1");
      return lines([
        { type: "accepted", request: "r", count: 1 },
        { type: "progress", index: 0, outcome: outcome("web", "pending") },
        { type: "progress", index: 0, outcome: outcome("web", "running") },
        { type: "progress", index: 0, outcome: outcome("web", "running") },
        { type: "beat" },
        { type: "newer", than: "this client" },
        { type: "result", result: result([outcome("web", "succeeded")]) },
      ]);
    },
  );
  strictEqual(code, 0);
  strictEqual(out, "");
  strictEqual(
    err,
    [
      "web.default.ann: waiting",
      "web.default.ann: start on n1",
      "web.default.ann: running on n1",
      "",
    ].join("\n"),
  );
});

Deno.test("waiting for a plugin is said with its name, more and more seldom, and what refuses then ends it", async () => {
  const waits = [1000, 2000, 3000, 4000, 5000].map((waitedMs) => ({
    type: "waiting",
    plugin: "slow",
    event: "start_request",
    waitedMs,
  }));
  const problem = {
    code: "refused",
    status: 403,
    detail: 'Plugin "slow" refuses: not today',
  };
  const { code, err } = await usher(
    ["vm", "start", "web"],
    () => lines([...waits, { type: "problem", problem }]),
  );
  strictEqual(code, 4);
  deepStrictEqual(err.split("\n").slice(0, 5), [
    'waiting for plugin "slow" (1 s)',
    'waiting for plugin "slow" (2 s)',
    'waiting for plugin "slow" (4 s)',
    'error: Plugin "slow" refuses',
    "  why: not today",
  ]);
});

Deno.test("--timeout ends the wait for a plugin, too, and says how to come back or give up", async () => {
  let id = "";
  const { code, err } = await usher(
    ["vm", "start", "web", "--timeout", "1ms"],
    ({ body, signal }) => {
      id = (body as { id: string }).id;
      const said = { event: "request", waitedMs: 1000 };
      const waits = { type: "waiting", plugin: "slow", ...said };
      const response = lines([waits], "open");
      signal?.addEventListener(
        "abort",
        () => void response.body?.cancel().catch(() => {}),
      );
      return withAbort(response, signal);
    },
  );
  strictEqual(code, 3);
  deepStrictEqual(err.split("\n"), [
    'waiting for plugin "slow" (1 s)',
    'time is up: the request waits for plugin "slow", and goes on if that allows it',
    `come back with: usher op attach ${id}`,
    `or give it up with: usher op cancel --request ${id}`,
    "",
  ]);
});

Deno.test("a terminal gets its lines redrawn", async () => {
  const { err } = await usher(
    ["vm", "start", "web"],
    () =>
      lines([
        { type: "progress", index: 0, outcome: outcome("web", "running") },
        { type: "result", result: result([outcome("web", "succeeded")]) },
      ]),
    { terminal: true },
  );
  strictEqual(err.includes("start on n1\x1b[K\n"), true);
  const last = "\x1b[1A\rweb.default.ann  running on n1\x1b[K\n\x1b[J";
  strictEqual(err.endsWith(last), true, err);
});

Deno.test("each failure is told in its parts, and names what each node refused", async () => {
  const problem = {
    code: "insufficient_resources",
    detail: 'Cannot place VM "web.default.ann" on any node',
    refusals: { n1: "needs 4096 MiB, 12 are free" },
    hint: "n1: needs 4096 MiB, 12 are free",
  };
  const { code, err } = await usher(
    ["vm", "start", "web"],
    () =>
      lines([{
        type: "result",
        result: result([outcome("web", "failed", { problem })]),
      }]),
  );
  strictEqual(code, EXIT.notPlaced);
  match(err, /web\.default\.ann: failed: insufficient resources\n/);
  match(
    err,
    /error: Cannot place VM "web\.default\.ann" on any node\n {7}n1: needs 4096 MiB, 12 are free\n {2}try: usher node list/,
  );
});

Deno.test("many failures are told in part, with the way to the rest", async () => {
  const problem = { code: "busy", detail: "Cannot start it: it is held" };
  const outcomes = Array.from(
    { length: 30 },
    (_, i) => outcome(`web${i}`, "failed", { problem }),
  );
  const { code, err } = await usher(
    ["vm", "start", "-n", "30", "web"],
    () => lines([{ type: "result", result: result(outcomes) }]),
  );
  strictEqual(code, EXIT.conflict);
  strictEqual(err.match(/^error: /gm)?.length, 20);
  match(
    err,
    /and 10 more failed; all of them: usher op list state=failed,request=\S+\n$/,
  );
});

Deno.test("--no-wait prints the operations' ids and sends no follow", async () => {
  const { code, out } = await usher(
    ["vm", "start", "a", "b", "--no-wait"],
    ({ query }) => {
      strictEqual(query.get("follow"), null);
      return answer(result([outcome("a", "pending"), outcome("b", "running")]));
    },
  );
  strictEqual(code, 0);
  strictEqual(out, "op-a\nop-b\n");
});

Deno.test("--no-wait says for which plugin it waits, and ends with the ids", async () => {
  const answered = Promise.withResolvers<Response>();
  const io = new FakeIo();
  const running = usher(
    ["vm", "start", "web", "--no-wait"],
    ({ method, signal }) =>
      method === "POST" ? answered.promise : withAbort(
        lines(
          [{
            type: "waiting",
            plugin: "slow",
            event: "request",
            waitedMs: 1200,
          }],
          "open",
        ),
        signal,
      ),
    io,
  );
  await until("it is said", () => io.err !== "");
  strictEqual(io.out, "");
  answered.resolve(answer(result([outcome("web", "running")])));
  const { code, out, err } = await running;
  deepStrictEqual([code, out, err], [
    0,
    "op-web\n",
    'waiting for plugin "slow" (1 s)\n',
  ]);
});

Deno.test("op attach follows the request of an operation, and counts that one alone", async () => {
  const { code, err } = await usher(["op", "attach", "op-b"], ({ path }) => {
    if (path === "/v1/operations/op-b") {
      return answer({ id: "op-b", request: "r1" });
    }
    strictEqual(path, "/v1/requests/r1/follow");
    return lines([{
      type: "result",
      result: result([
        outcome("a", "failed", { problem: { code: "busy", detail: "x" } }),
        outcome("b", "succeeded"),
      ]),
    }]);
  });
  strictEqual(code, 0);
  strictEqual(err, "b.default.ann: running on n1\n");
});

Deno.test("a limit longer than any timer is no short one", async () => {
  using wait = startWait({ io: new FakeIo() });
  wait.limit(60 * 86_400_000);
  // One that is too long fires at once, so before this one.
  await new Promise((resolve) => setTimeout(resolve, 5));
  strictEqual(wait.signal.aborted, false);
});
