/**
 * docs/clients.md is run as it stands: its blocks of shell, one after another,
 * as a reader would paste them beside a running site.
 */
import { match, strictEqual } from "node:assert/strict";
import { CompiledSite } from "../support/compiled_site.ts";
import { readRepository } from "../support/repository.ts";

/** The blocks of shell of a document, in order. */
function shellBlocks(text: string): string[] {
  return [...text.matchAll(/^```sh\n([^]*?)^```$/gm)]
    .map(([, block = ""]) => block);
}

Deno.test("docs/clients.md runs as it stands, and shows what it says", async () => {
  const blocks = shellBlocks(await readRepository("docs/clients.md"));
  await using site = await CompiledSite.start({ nodes: 2 });
  const folder = await Deno.makeTempDir({ prefix: "usher_clients_" });
  try {
    await Deno.symlink(site.folder, `${folder}/site`);
    const script = blocks
      .map((block, index) => `${block}\necho; echo "=== ${index}"\n`).join("");
    const { code, stdout, stderr } = await new Deno.Command("bash", {
      args: ["-eu", "-c", script],
      cwd: folder,
      stdin: "null",
    }).output();
    const printed = new TextDecoder().decode(stdout);
    const said = new TextDecoder().decode(stderr);
    strictEqual(code, 0, printed + said);
    const parts = printed.split(/^=== \d+$/m);
    strictEqual(parts.length, blocks.length + 1);
    const [
      version,
      whoami,
      accepted,
      again,
      followed,
      planned,
      problem,
      reads,
      watched,
    ] = parts;
    match(version ?? "", /"version":"\d/);
    match(whoami ?? "", /"user":"admin"/);
    match(accepted ?? "", /web-1\.default\.admin[^]*web-2\.default\.admin/);
    match(again ?? "", /"request":"my-first-request"/);
    match(followed ?? "", /"type":"result"[^]*"vmState":"stopped"/);
    match(planned ?? "", /"does":"steps"[^]*"strategy":"spread"/);
    match(problem ?? "", /"code":"not_found"[^]*curl ended with code 22/);
    match(reads ?? "", /web-1\.default\.admin[^]*"nodes":/);
    match(watched ?? "", /^\s*\{"type":"hello"[^]*"type":"synced"/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
