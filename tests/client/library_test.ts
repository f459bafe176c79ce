/**
 * The client library under Deno and, from its package, under Node: the same
 * cases against the same site.
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { decodeLines } from "../../src/link/ndjson.ts";
import { CA_B } from "../support/certificates.ts";
import { LibrarySite } from "../support/library_site.ts";
import { NodeProgram } from "../support/node_program.ts";
import { CASES } from "./suite.ts";

Deno.test("the client library, under Deno and under Node", async (test) => {
  await using site = await LibrarySite.start(CA_B);
  for (const [name, run] of Object.entries(CASES)) {
    await test.step(`Deno: ${name}`, () => run(site));
  }
  await using program = await NodeProgram.make([
    ...["configuration", "console", "live", "request", "session"]
      .map((name) => `tests/client/cases/${name}.ts`),
    ...["node_main", "suite", "suite_site"]
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
});

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
