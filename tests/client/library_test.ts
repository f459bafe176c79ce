/**
 * The client library under Deno and, from its package, under Node: the same
 * cases against the same site.
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { decodeLines } from "../../src/link/ndjson.ts";
import { CA_B } from "../support/certificates.ts";
import { LibrarySite } from "../support/library_site.ts";
import { NodeProgram } from "../support/node_program.ts";
import { REPOSITORY } from "../support/repository.ts";
import { CASES } from "./suite.ts";

Deno.test("the client library, under Deno and under Node", async (test) => {
  await using site = await LibrarySite.start(CA_B);
  for (const [name, run] of Object.entries(CASES)) {
    await test.step(`Deno: ${name}`, () => run(site));
  }
  await using program = await NodeProgram.make([
    ...["configuration", "console", "live", "request", "session"]
      .map((name) => `tests/client/cases/${name}.ts`),
    ...["memory_main", "node_main", "suite", "suite_site"]
      .map((name) => `tests/client/${name}.ts`),
  ]);
  await using server = wishes(site);
  const { url, caPem, caFingerprint, otherCaPem, user, password, nowhere } =
    site;
  const facts = JSON.stringify({
    ...{ url, caPem, caFingerprint, otherCaPem, user, password, nowhere },
  });
  const { port } = server.addr as Deno.NetAddr;
  const node = program.start(
    "tests/client/node_main.ts",
    facts,
    `http://127.0.0.1:${port}/`,
  );
  const said = new Response(node.stderr).text();
  const done: string[] = [];
  for await (const line of decodeLines(node.stdout, 1e6)) {
    const { name, error } = line as { name: string; error: string | null };
    done.push(name);
    await test.step(`Node: ${name}`, () => strictEqual(error, null));
  }
  // Nothing is left open that keeps the program from ending.
  strictEqual((await node.status).code, 0, await said);
  deepStrictEqual(done, Object.keys(CASES));
  await test.step("Deno: a client that is used over and over holds no more", () =>
    holdsNoMore(Deno.execPath(), [
      ...["run", "-A", "--no-check", "--config", `${REPOSITORY}deno.json`],
      ...["--v8-flags=--expose-gc", `${REPOSITORY}${MEMORY}`, facts, "deno"],
    ]));
  await test.step("Node: a client that is used over and over holds no more", () =>
    holdsNoMore("node", [
      ...["--expose-gc", program.compiled(MEMORY), facts, "node"],
    ]));
});

const MEMORY = "tests/client/memory_main.ts";

/** What two rounds of a program may leave, in bytes: fifty uses of all that there is. */
const LEFT = 250_000;

/** Runs a program that says after each round how much it holds. */
async function holdsNoMore(command: string, args: string[]): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  ok(success, decoder.decode(stderr));
  const held = decoder.decode(stdout).trimEnd().split("\n")
    .map((line): number => JSON.parse(line).heapUsed);
  // The first rounds load what is loaded once.
  const [, before = 0, , after = Infinity] = held;
  ok(after - before < LEFT, `${held}`);
}

/** Fulfils the wishes of cases that run in another process. */
function wishes(site: LibrarySite): Deno.HttpServer {
  return Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async ({ url }) => {
      if (url.endsWith("/crash")) await site.crash();
      else await site.cut();
      return new Response();
    },
  );
}
