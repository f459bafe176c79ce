import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import {
  answer,
  type Asked,
  FakeIo,
  lines,
  refusal,
  usher,
} from "../../../../tests/support/fake_client.ts";
import { until } from "../../../../tests/support/wait.ts";
import { PluginView } from "../../../schema/plugin.ts";

const NOW = Date.parse("2026-11-22T12:00:00.000Z");

function registration(event: string, more: Record<string, unknown> = {}) {
  return {
    event,
    order: null,
    calls: 0,
    failures: 0,
    refusals: 0,
    p50Ms: null,
    p99Ms: null,
    lastError: null,
    circuit: "closed",
    ...more,
  };
}

function view(name: string, more: Record<string, unknown> = {}): PluginView {
  return PluginView.parse({
    name,
    state: "running",
    reason: "",
    manifest: { name, version: "1.2.0", api: 1 },
    path: `/etc/usher/plugins/${name}.ts`,
    hash: "abcdef0123456789",
    pid: 7,
    memoryMiB: 48,
    restarts: 0,
    registrations: [],
    options: {},
    granted: { ctx: [] },
    denied: [],
    ...more,
  });
}

const DNS = view("dns", {
  registrations: [
    registration("register", {
      calls: 10,
      p50Ms: 0.31,
      p99Ms: 2.5,
      circuit: "closed",
    }),
    registration("unregister", {
      calls: 2,
      failures: 2,
      p50Ms: 40,
      p99Ms: 5200,
      lastError: "no answer within 30000 ms",
      circuit: "open",
    }),
  ],
  granted: { ctx: ["vms"], net: ["10.0.0.1:53"] },
  denied: ["ctx.state"],
  limits: { cpu: 2 },
  heldByKernel: ["memory", "pids"],
  switched: { by: "ann", at: "2026-11-22T11:00:00.000Z", enabled: true },
  shadow: {
    path: "/opt/next/dns.ts",
    hash: "fedcba9876543210",
    compared: 12,
    different: 1,
    skipped: 3,
    last: ["register (d1): leaves it as it is; it: set args.a to 1"],
  },
});

Deno.test("plugin list shows what calls cost, and the worst circuit and newest error", async () => {
  const { out } = await usher(
    ["plugin", "list"],
    () =>
      answer({
        plugins: [
          DNS,
          view("sample", {
            state: "available",
            memoryMiB: null,
            manifest: null,
          }),
        ],
      }),
  );
  const [, dns = "", sample = ""] = out.split("\n");
  deepStrictEqual(dns.split(/ {2,}/), [
    ...[
      "dns",
      "running+shadow",
      "1.2.0",
      "2",
      "12",
      "0.31ms",
      "5.2s",
      "2",
      "open",
    ],
    ...["48M", "no answer within 30000 ms"],
  ]);
  match(sample, /^sample +available +- +0 +0 +- +- +0 +- +- +-$/);
});

Deno.test("plugin show tells grants, who turned it on, its shadow and each event", async () => {
  const { out } = await usher(["plugin", "show", "dns"], () => answer(DNS), {
    now: NOW,
  });
  for (
    const line of [
      /^enabled +yes, by ann 1h ago, over the configuration$/m,
      /^granted +ctx\.vms, net 10\.0\.0\.1:53$/m,
      /^limits +256M of memory, 2 processors; looked at from outside, and kept by the kernel \(memory, pids\)$/m,
      /^not granted +ctx\.state$/m,
      /^compared +12 call\(s\), 1 different, 3 left out$/m,
      /^different +register \(d1\): /m,
      /^unregister +- +2 +40ms +5\.2s +0 +2 +open +no answer/m,
    ]
  ) match(out, line);
});

Deno.test("plugin show and list tell how often a clock came too soon, and when last", async () => {
  const late = view("late", {
    registrations: [
      registration("periodic", {
        skipped: 3,
        lastSkippedAt: "2026-11-22T11:55:00.000Z",
      }),
      registration("register"),
    ],
  });
  const { out } = await usher(["plugin", "show", "late"], () => answer(late), {
    now: NOW,
  });
  match(out, /^periodic +- +0 .* closed +3, last 5m ago +-$/m);
  match(out, /^register +- +0 .* closed +- +-$/m);
  const listed = await usher(
    ["plugin", "list", "--columns", "name,skipped", "--no-header"],
    () => answer({ plugins: [late] }),
  );
  strictEqual(listed.out, "late  3\n");
});

Deno.test("plugin reload tells what has changed, and warnings apart", async () => {
  const asked: Asked[] = [];
  const reload = (...flags: string[]) =>
    usher(["plugin", "reload", ...flags], (one) => {
      asked.push(one);
      return answer({
        changes: [
          { name: "a", change: "same", from: "1", to: "1", grants: [] },
          {
            name: "b",
            change: "changed",
            from: "1111111111111111",
            to: "2222222222222222",
            grants: ["+ net 10.0.0.1:53"],
          },
        ],
        warnings: ["it asks for more"],
      });
    });
  const { out, err } = await reload();
  strictEqual(
    out,
    "b changed (111111111111 → 222222222222)\n  + net 10.0.0.1:53\n",
  );
  strictEqual(err, "warning: it asks for more\n");
  match((await reload("--check")).out, /^b would be changed /);
  deepStrictEqual(asked.map(({ body }) => body), [
    { check: false },
    { check: true },
  ]);
});

Deno.test("plugin logs shows lines as they were said, without what moves a cursor", async () => {
  const asked: Asked[] = [];
  const { out } = await usher(
    ["plugin", "logs", "dns", "-n", "5"],
    (one) => {
      asked.push(one);
      return lines([{
        number: 1,
        at: "2026-11-22T11:59:58.123Z",
        level: "warn",
        event: "register",
        text: "it\u001b[2J is slow",
        fields: { ms: 12 },
      }]);
    },
  );
  match(out, /^11:59:58\.123 warn {2}register: it.*is slow ms=12\n$/);
  strictEqual(out.includes("\u001b"), false);
  strictEqual(asked[0]?.path, "/v1/plugins/dns/logs");
  strictEqual(asked[0]?.query.get("limit"), "5");
});

Deno.test("plugin logs --follow goes on after the last line that was read, and shows all of a controller started anew", async () => {
  const said = (number: number, text: string) => ({
    number,
    at: "2026-11-22T11:59:58.123Z",
    level: "info",
    event: null,
    text,
    fields: {},
  });
  const hello = (run: number) => ({ type: "hello", run });
  const io = new FakeIo();
  const asked: (string | null)[] = [];
  const { code, out, err } = await usher(
    ["plugin", "logs", "dns", "-f", "-n", "2"],
    ({ query, signal }) => {
      asked.push(query.get("limit"), query.get("after"));
      if (asked.length === 2) {
        return lines([hello(4), said(7, "a"), { type: "beat" }], "cut");
      }
      if (asked.length === 4) {
        const bye = { type: "bye", reason: "the controller ends" };
        return lines([
          hello(4),
          said(8, "b"),
          said(12, "c"),
          { ...bye, resume: true },
        ]);
      }
      void until("all was shown", () => io.out.endsWith("d\n"))
        .then(() => io.interrupt());
      return abortable([hello(5), said(0, "d")], signal);
    },
    io,
  );
  strictEqual(code, 0);
  deepStrictEqual(
    out.split("\n").map((line) => line.at(-1)),
    ["a", "b", "c", "d", undefined],
  );
  strictEqual(
    err,
    "connection lost, coming back…\n3 line(s) came too fast and are left out\nconnection lost, coming back…\n",
  );
  deepStrictEqual(asked, ["2", null, "2", "4/7", "2", "4/12"]);
});

Deno.test("plugin logs --follow ends with the session, and for a plugin that there is not", async () => {
  const bye = { type: "bye", reason: "this session has ended", resume: false };
  const ended = await usher(
    ["plugin", "logs", "dns", "-f"],
    () => lines([{ type: "hello", run: 4 }, bye]),
  );
  match(ended.err, /The stream has ended\n {2}why: this session has ended/);
  const unknown = await usher(
    ["plugin", "logs", "dms", "-f"],
    () => refusal("not_found", 'There is no plugin "dms"'),
  );
  match(unknown.err, /There is no plugin "dms"/);
});

/** Lines, then nothing until the reader goes. */
function abortable(
  values: readonly unknown[],
  signal: AbortSignal | null,
): Response {
  const text = values.map((value) => `${JSON.stringify(value)}\n`).join("");
  return new Response(
    new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(text));
        signal?.addEventListener(
          "abort",
          () => controller.error(signal.reason),
          { once: true },
        );
      },
    }),
  );
}

Deno.test("plugin enable and disable ask for one after another, and say what they are", async () => {
  const asked: string[] = [];
  const { out } = await usher(
    ["plugin", "disable", "a", "b"],
    ({ method, path }) => {
      asked.push(`${method} ${path}`);
      return answer(view(path.split("/")[3] ?? "", { state: "disabled" }));
    },
  );
  deepStrictEqual(asked, [
    "POST /v1/plugins/a/disable",
    "POST /v1/plugins/b/disable",
  ]);
  strictEqual(out, "a is disabled\nb is disabled\n");
});
