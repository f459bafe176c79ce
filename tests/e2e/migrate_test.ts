/**
 * Real guests of the compiled executable move between two nodes, while
 * controller and nodes are killed: one of them runs at any time, and nothing
 * of it is left on the other side.
 *
 * @module
 */
import { match, strictEqual } from "node:assert/strict";
import { compiledUsher } from "../support/compiled.ts";
import { moveAndKill, startSite, untilOne } from "../support/moving_guest.ts";
import { whyNoQemu } from "../support/qemu_node.ts";

const ignore = whyNoQemu() !== undefined;

Deno.test({
  name: "a guest moves by the command line, and answers on its console there",
  ignore,
  async fn() {
    const usher = await compiledUsher();
    await using site = await startSite(usher);
    const password = `${site.dir}/password`;
    await Deno.writeTextFile(
      password,
      await site.ctrl.says(/its password is (\S+)/),
    );
    const run = async (line: string) => {
      const { code, stdout, stderr } = await new Deno.Command("bash", {
        args: ["-c", line],
        env: { HOME: site.dir, USHERCLI_CONFIG: "", usher },
        signal: AbortSignal.timeout(240_000),
      }).output();
      const [out, err] = [stdout, stderr].map((bytes) =>
        new TextDecoder().decode(bytes)
      );
      strictEqual(code, 0, `${line}: ${err}`);
      return `${out}${err}`;
    };
    await run(
      `$usher login ${site.url} --user admin --password-file ${password} --ca ${site.dir}/ctrl/tls/ca.pem`,
    );
    const said = await run("$usher vm migrate web --bandwidth 256KiB/s");
    match(said, /send from n1 to n2/);
    match(said, /web\.default\.admin: running on n2\n$/);
    match(await run("$usher op list verb=migrate"), /n1 → n2/);
    strictEqual(await untilOne(site), "n2");
    match(
      await run("printf 'hello\\r' | $usher vm console web --history 0"),
      /hello/,
    );
  },
});

Deno.test({
  name:
    "controller and nodes killed while a guest moves: the migration goes on, and one guest runs",
  ignore,
  async fn() {
    await using site = await startSite(await compiledUsher());
    await moveAndKill(site, [
      ["ctrl", "receive"],
      ["source", "send"],
      ["target", "send"],
      ["ctrl", "switch"],
    ]);
  },
});
