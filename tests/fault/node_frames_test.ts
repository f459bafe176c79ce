/**
 * What a node's listener makes of peers that are broken or hostile.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { decodeLines } from "../../src/link/ndjson.ts";
import { HttpClient } from "../../src/sys/http_client.ts";
import { TestSite } from "../support/site.ts";
import { within } from "../support/wait.ts";

/** Sends `chunks` as a session's body; answers the frames that come back until the end. */
async function speak(
  site: TestSite,
  chunks: Iterable<Uint8Array | string> | AsyncIterable<Uint8Array | string>,
): Promise<{ type: string; reason?: string }[]> {
  using client = new HttpClient(site.site.controller.site.ca.pem);
  const encoder = new TextEncoder();
  const source = ReadableStream.from(chunks).pipeThrough(
    new TransformStream<Uint8Array | string, Uint8Array>({
      transform: (chunk, controller) =>
        controller.enqueue(
          typeof chunk === "string" ? encoder.encode(chunk) : chunk,
        ),
    }),
  );
  const response = await client.fetch(
    `${site.site.controller.site.nodesUrl}/v1/session`,
    { method: "POST", body: source },
  );
  const frames: { type: string; reason?: string }[] = [];
  try {
    for await (const frame of decodeLines(response.body!, 1e6)) {
      frames.push(frame as { type: string });
    }
  } catch {
    // The server may cut a body that it refuses.
  }
  return frames.filter(({ type }) => type !== "beat");
}

/** Yields, then stays open: a body that never ends. */
async function* open(...chunks: (Uint8Array | string)[]) {
  yield* chunks;
  await new Promise(() => {});
}

async function refusal(
  site: TestSite,
  chunks: Iterable<Uint8Array | string> | AsyncIterable<Uint8Array | string>,
): Promise<string> {
  const frames = await within("an answer", 30_000, speak(site, chunks));
  deepStrictEqual(frames.map(({ type }) => type), ["bye"]);
  return frames[0]?.reason ?? "";
}

async function assertServes(site: TestSite): Promise<void> {
  const [outcome] = (await site.run("start", "alive")).outcomes;
  strictEqual(outcome?.state, "succeeded");
}

Deno.test("a frame of 100 MB is refused before it is read, and the site serves on", async () => {
  await using site = await TestSite.start();
  let sent = 0;
  function* huge() {
    const chunk = new Uint8Array(1024 * 1024).fill(120);
    for (; sent < 100; sent++) yield chunk;
  }
  match(await refusal(site, huge()), /more than 1048576 bytes/);
  strictEqual(sent < 50, true, `${sent} MB were taken`);
  await assertServes(site);
});

Deno.test("half a frame, invalid UTF-8, no JSON and a wrong first frame are named", async () => {
  await using site = await TestSite.start();
  match(
    await refusal(site, open(new Uint8Array([34, 0xff, 34, 10]))),
    /not valid UTF-8/,
  );
  match(await refusal(site, open("{oops}\n")), /Cannot read a line/);
  match(
    await refusal(site, open('{"type":"beat"}\n')),
    /first frame must be "hello"/,
  );
  match(
    await refusal(site, open('{"type":"hello","name":"n1"}\n')),
    /Cannot read a frame "hello"/,
  );
  const half = await within("an end", 30_000, speak(site, ['{"type":"hel']));
  deepStrictEqual(half, []);
  await assertServes(site);
});

Deno.test("a wrong secret is refused, and the node that has the name stays", async () => {
  await using site = await TestSite.start();
  const hello = {
    type: "hello",
    name: "n1",
    secret: "wrong",
    version: "0",
    protocol: 1,
    bootId: "x",
    capacity: { cpus: 1, memoryMiB: 1 },
    drivers: [],
    labels: {},
    domainCount: 0,
    resume: null,
  };
  match(
    await refusal(site, open(`${JSON.stringify(hello)}\n`)),
    /unknown here, or its secret is wrong/,
  );
  await assertServes(site);
});
