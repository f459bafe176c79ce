/**
 * Waits that end otherwise than by the end of the request: cut off, detached,
 * interrupted.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import {
  FakeIo,
  lines,
  outcome,
  result,
  usher,
  withAbort,
} from "../../tests/support/fake_client.ts";
import { until } from "../../tests/support/wait.ts";
import { EXIT } from "./exit.ts";

Deno.test("--no-wait: Ctrl-C while a plugin decides says how to come back, and is exit code 3", async () => {
  const io = new FakeIo();
  const running = usher(
    ["vm", "start", "web", "--no-wait"],
    ({ method, signal }) =>
      method === "POST"
        ? new Promise<Response>((_, reject) =>
          signal?.addEventListener("abort", () => reject(signal.reason))
        )
        : withAbort(
          lines(
            [{
              type: "waiting",
              plugin: "slow",
              event: "request",
              waitedMs: 1e3,
            }],
            "open",
          ),
          signal,
        ),
    io,
  );
  await until("it is said", () => io.err !== "");
  io.interrupt();
  const { code, err } = await running;
  strictEqual(code, EXIT.stillRunning);
  match(err, /waits for plugin "slow", .*\n.*usher op attach \S+\n/);
});

Deno.test("a connection cut before the answer: the same request is sent again", async () => {
  const ids: unknown[] = [];
  const { code, err } = await usher(
    ["vm", "start", "web"],
    ({ body, path }) => {
      strictEqual(path, "/v1/requests");
      ids.push((body as { id: string }).id);
      return ids.length === 1 ? lines([{ type: "beat" }], "cut") : lines([{
        type: "result",
        result: result([outcome("web", "succeeded")]),
      }]);
    },
  );
  strictEqual(code, 0);
  strictEqual(ids.length, 2);
  strictEqual(ids[0], ids[1]);
  match(err, /connection lost/);
});

Deno.test("a connection cut after acceptance: the request is listened to again", async () => {
  const paths: string[] = [];
  let id = "";
  const { code } = await usher(
    ["vm", "start", "web"],
    ({ body, path, method }) => {
      paths.push(`${method} ${path}`);
      if (method === "POST") {
        id = (body as { id: string }).id;
        return lines([{ type: "accepted", request: id, count: 1 }], "cut");
      }
      return lines([{
        type: "result",
        result: result([outcome("web", "succeeded")]),
      }]);
    },
  );
  strictEqual(code, 0);
  deepStrictEqual(paths, [
    "POST /v1/requests",
    `GET /v1/requests/${id}/follow`,
  ]);
});

Deno.test("Ctrl-C detaches, says how to come back, and is exit code 3", async () => {
  const io = new FakeIo();
  let id = "";
  const running = usher(["vm", "start", "web"], ({ body, signal }) => {
    id = (body as { id: string }).id;
    const response = lines([
      { type: "accepted", request: id, count: 1 },
      { type: "progress", index: 0, outcome: outcome("web", "running") },
    ], "open");
    signal?.addEventListener(
      "abort",
      () => void response.body?.cancel().catch(() => {}),
    );
    return withAbort(response, signal);
  }, io);
  await until("progress is shown", () => io.err.includes("start on n1"));
  io.interrupt();
  const { code, err } = await running;
  strictEqual(code, EXIT.stillRunning);
  match(
    err,
    new RegExp(
      `detached: 1 of 1 still at work.*\ncome back with: usher op attach ${id}\n`,
    ),
  );
});

Deno.test("Ctrl-C before the controller has answered says that it may have the request", async () => {
  for (const more of [[], ["--no-wait"]]) {
    const io = new FakeIo();
    let id = "";
    const running = usher(
      ["vm", "start", "web", ...more],
      ({ body, signal }) => {
        id = (body as { id: string }).id;
        return new Promise<Response>((_, reject) =>
          signal?.addEventListener("abort", () => reject(signal.reason))
        );
      },
      io,
    );
    await until("the request is sent", () => id !== "");
    io.interrupt();
    const { code, err } = await running;
    strictEqual(code, EXIT.stillRunning, more.join());
    strictEqual(
      err,
      "detached: the controller had not answered yet; it may have the request or not\n" +
        `see which with: usher op attach ${id}\n`,
    );
  }
});

Deno.test("nobody listens for a second Ctrl-C: it ends the program", async () => {
  const io = new FakeIo();
  const never = Promise.withResolvers<Response>();
  let asked = false;
  const running = usher(["vm", "start", "web"], () => {
    asked = true;
    return never.promise;
  }, io);
  await until("the request is sent", () => asked);
  strictEqual(io.listeners, 1);
  io.interrupt();
  strictEqual(io.listeners, 0);
  never.reject(new DOMException("aborted", "AbortError"));
  strictEqual((await running).code, EXIT.stillRunning);
});

Deno.test("Ctrl-C ends vm wait before the controller has answered", async () => {
  const io = new FakeIo();
  let asked = false;
  const running = usher(
    ["vm", "wait", "web", "--for", "running"],
    ({ signal }) => {
      asked = true;
      return new Promise<Response>((_, reject) =>
        signal?.addEventListener("abort", () => reject(signal.reason))
      );
    },
    io,
  );
  await until("it is asked", () => asked);
  io.interrupt();
  strictEqual((await running).code, EXIT.stillRunning);
});
