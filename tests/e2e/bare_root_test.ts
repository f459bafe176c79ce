/**
 * Copied alone to a base Debian, the executable is all that a site needs:
 * controller, node and client.
 */
import { match, strictEqual } from "node:assert/strict";
import { BareRoot, type Finished } from "../support/bare_root.ts";

/** What a command printed, once it is sure that it worked. */
function worked({ code, stdout, stderr }: Finished): string {
  strictEqual(code, 0, `${stdout}${stderr}`);
  return stdout;
}

Deno.test("on a base Debian, the executable alone tells its version", async () => {
  await using root = await BareRoot.enter();

  // Nothing that could have helped is there.
  const helpers = await root.run(["sh", "-c", "command -v deno node npm"]);
  strictEqual(helpers.stdout, "");

  const version = worked(await root.run(["usher", "version"]));
  match(version, /^usher \d+\.\d+\.\d+/);
});

Deno.test("on a base Debian, the executable alone is controller, node and client", async () => {
  await using root = await BareRoot.enter();

  await using ctrl = root.start(["usher", "ctrl"]);
  const [, fingerprint = ""] = await ctrl.says(/CA SHA-256 (\S+)/);
  const [, password = ""] = await ctrl.says(/its password is (\S+)/);

  worked(
    await root.run([
      ...["usher", "login", "https://127.0.0.1:8440", "--user", "admin"],
      ...["--password-stdin", "--ca-fingerprint", fingerprint],
    ], { input: `${password}\n` }),
  );
  const token = worked(await root.run(["usher", "node", "token"])).trim();

  await using lnm = root.start(
    ["usher", "lnm", "--join", token, "--name", "n1", "--driver", "sim"],
  );
  await lnm.says(/^ready/m);

  worked(await root.run(["usher", "vm", "start", "web", "-n", "2"]));
  const list = await root.run(["usher", "vm", "list", "-o", "name"]);
  match(worked(list), /web-1\b[^]*web-2\b/);

  strictEqual(await lnm.end(), 0, lnm.printed);
  strictEqual(await ctrl.end(), 0, ctrl.printed);
});
