/**
 * The program of docs/clients.md runs as it stands, and the example client
 * under Deno and under Node.
 */
import { match, ok, strictEqual } from "node:assert/strict";
import { NodeProgram } from "../support/node_program.ts";
import { readRepository, REPOSITORY } from "../support/repository.ts";
import { TestSite } from "../support/site.ts";
import { until } from "../support/wait.ts";

const EXAMPLE = "docs/examples/keep.ts";

/** What a child prints, as it comes. */
class Printed {
  text = "";
  readonly ended: Promise<unknown>;

  constructor(child: Deno.ChildProcess) {
    const keep = () =>
      new WritableStream<string>({
        write: (text) => void (this.text += text),
      });
    this.ended = Promise.all(
      [child.stdout, child.stderr].map((stream) =>
        stream.pipeThrough(new TextDecoderStream()).pipeTo(keep())
      ),
    );
  }
}

/** The folder that has the files of a site. */
function folderOf({ site }: TestSite): string {
  return site.cliConfig.replace(/\/[^/]*$/, "");
}

function deno(args: readonly string[], cwd: string): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--config", `${REPOSITORY}deno.json`, ...args],
    cwd,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
}

Deno.test("the program of docs/clients.md runs as it stands, and shows what it says", async () => {
  await using site = await TestSite.start({ nodes: 2 });
  const folder = await Deno.makeTempDir({ prefix: "usher_clients_" });
  try {
    await Deno.symlink(folderOf(site), `${folder}/site`);
    const text = await readRepository("docs/clients.md");
    const blocks = [...text.matchAll(/^```ts\n([^]*?)^```$/gm)]
      .map(([, block]) => block);
    await Deno.writeTextFile(`${folder}/program.ts`, blocks.join("\n"));
    // With its types checked, as a reader's editor does.
    const child = deno(["--check", "program.ts"], folder);
    const printed = new Printed(child);
    const { code } = await child.status;
    await printed.ended;
    strictEqual(code, 0, printed.text);
    match(printed.text, /^admin\naccepted\n[^]*result\n/m);
    match(printed.text, /node-3\.default\.admin on n[12]/);
    match(printed.text, /There is no VM "nobody" none\n/);
    match(printed.text, /^3 ready$/m);
    match(printed.text, /node-1\.default\.admin: running -> /);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the example client keeps VMs running, under Deno and under Node", async (test) => {
  const lines = (await readRepository(EXAMPLE)).trimEnd().split("\n").length;
  ok(lines < 100, `it has ${lines} lines`);
  await using site = await TestSite.start({ nodes: 2 });
  await using program = await NodeProgram.make([EXAMPLE]);
  const folder = folderOf(site);
  const argv = [
    site.site.url,
    `${folder}/ca.pem`,
    ...["admin", `${folder}/admin-password`],
  ];
  const keeps = async (name: string, child: Deno.ChildProcess) => {
    const printed = new Printed(child);
    await until(
      "it keeps them",
      () => printed.text.includes("keeping 2 of 2"),
      { deadlineMs: 60_000 },
    );
    await site.run("poweroff", `${name}-1`);
    await until(
      "it has started it again",
      () => /starting it again\n(?:.*\n)*.* runs on/.test(printed.text),
      { deadlineMs: 60_000 },
    );
    strictEqual((await site.vm(`${name}-1`)).status.state, "running");
    child.kill("SIGTERM");
    strictEqual((await child.status).code, 0, printed.text);
    await printed.ended;
    match(printed.text, /left\n$/);
    await site.run("destroy", `${name}-*`);
  };
  await test.step("Deno", async () => {
    const child = deno([REPOSITORY + EXAMPLE, ...argv, "deno", "2"], folder);
    await keeps("deno", child);
  });
  await test.step("Node", async () => {
    await keeps("node", program.start(EXAMPLE, ...argv, "node", "2"));
  });
});
