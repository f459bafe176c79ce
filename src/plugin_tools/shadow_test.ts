import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import {
  answer,
  type Asked,
  clientOf,
  FakeIo,
  lines,
  refusal,
} from "../../tests/support/fake_client.ts";
import { until } from "../../tests/support/wait.ts";
import { connect } from "../client/api.ts";
import type { Context } from "../client/command.ts";
import { runShadow } from "./shadow.ts";

const VIEW = {
  path: "/next/dns.ts",
  hash: "2",
  until: null,
  compared: 12,
  different: 0,
  skipped: 0,
  last: [] as string[],
};

/** Runs one beside `dns` for an hour against a controller that is a function. */
async function run(
  views: (looks: number) => typeof VIEW | null,
  io: FakeIo,
  strict = false,
) {
  const asked: Asked[] = [];
  let looks = 0;
  using api = connect({
    controller: "https://ctrl:8440",
    open: () =>
      clientOf((one) => {
        asked.push(one);
        const { method, path } = one;
        if (path.endsWith("/shadow/end")) {
          const view = views(looks);
          return view === null
            ? refusal("wrong_state", 'Nothing runs beside plugin "dns"')
            : answer(view);
        }
        if (method === "GET" && ++looks === 1) return lines([], "cut");
        return answer({ shadow: views(looks) });
      }),
  });
  const settings = () => Promise.resolve({ output: "table" });
  const context = { io, settings } as unknown as Context;
  const code = await runShadow(context, api, {
    name: "dns",
    path: "/next/dns.ts",
    forMs: 3_600_000,
    strict,
    output: undefined,
  });
  return { code, asked };
}

Deno.test("runShadow() says what differs as it comes, and reports and ends it with Ctrl-C", async () => {
  const io = new FakeIo();
  const differing = { ...VIEW, different: 1, last: ["register (d1): nothing"] };
  void until("it was told", () => io.err.includes("register (d1)"))
    .then(() => io.interrupt());
  const { code, asked } = await run(() => differing, io, true);
  strictEqual(code, 1);
  strictEqual(io.err.match(/register \(d1\)/g)?.length, 1);
  match(io.err, /connection lost, coming back/);
  match(
    io.out,
    /^\/next\/dns\.ts: 12 call\(s\) compared with dns, 1 were answered otherwise$/m,
  );
  deepStrictEqual(asked[0]?.body, { path: "/next/dns.ts", forMs: 3_660_000 });
  strictEqual(asked.at(-1)?.path, "/v1/plugins/dns/shadow/end");
  strictEqual(io.listeners, 0);
});

Deno.test("runShadow() reports what was seen of one that a reload has ended", async () => {
  const io = new FakeIo();
  const { code } = await run((looks) => looks < 3 ? VIEW : null, io);
  strictEqual(code, 0);
  match(io.err, /it has ended before its time: plugins were read anew/);
  match(io.out, /12 call\(s\) compared with dns, 0 were answered otherwise/);
});
