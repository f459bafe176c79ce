/**
 * A plugin's life as its writer and an administrator see it, with nothing but
 * the executable: made, checked, registered, reloaded, listed, heard, tested.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { compiledUsher } from "../support/compiled.ts";
import { CompiledSite, type Ran } from "../support/compiled_site.ts";
import { until } from "../support/wait.ts";

/** Where plugins and their configuration lie in a site's folder. */
class Workshop {
  readonly folder: string;
  readonly config: string;

  constructor(folder: string) {
    this.folder = `${folder}/site-plugins`;
    this.config = `${folder}/plugins.yaml`;
  }

  /** Writes the configuration: these lines under `plugins`. */
  async register(plugins: string): Promise<void> {
    await Deno.mkdir(this.folder, { recursive: true });
    await Deno.writeTextFile(
      this.config,
      `plugin_dirs: [${this.folder}]\nplugins:\n${plugins}`,
    );
  }

  /** Changes the plugin's source. */
  async edit(from: string, to: string, folder = this.folder): Promise<void> {
    const path = `${folder}/greeter/plugin.ts`;
    const text = await Deno.readTextFile(path);
    strictEqual(text.includes(from), true, from);
    await Deno.writeTextFile(path, text.replace(from, to));
  }
}

const GREETER =
  "  greeter:\n    events: [start_request, register]\n    options: { most: 5 }\n";

async function startSite() {
  const folder = await Deno.makeTempDir({ prefix: "usher_life_" });
  const workshop = new Workshop(folder);
  await workshop.register(GREETER);
  const flags = ["--config", workshop.config];
  const made = await new Deno.Command(await compiledUsher(), {
    args: ["plugin", "init", "greeter", "--dir", workshop.folder],
    env: { HOME: folder },
  }).output();
  strictEqual(made.code, 0, new TextDecoder().decode(made.stderr));
  const site = await CompiledSite.start({ nodes: 1, flags, folder });
  return { site, workshop };
}

function done({ code, err }: Ran): void {
  strictEqual(code, 0, err);
}

Deno.test("a plugin is made, checked, registered, reloaded, listed, heard and tested", async () => {
  const { site, workshop } = await startSite();
  await using _ = site;
  const path = `${workshop.folder}/greeter`;

  const checked = await site.run("plugin", "check", path);
  strictEqual(checked.code, 0, checked.out + checked.err);
  match(checked.out, /^handles {3}register, start_request$/m);
  match(checked.out, /^most +number +20/m);
  strictEqual(checked.out.match(/^ok /gm)?.length, 4);
  match(checked.out, /against the one that runs .*: nothing/);

  done(await site.run("vm", "start", "web", "-n", "2"));
  const refused = await site.run("vm", "start", "big", "-n", "6");
  strictEqual(refused.code, 4, refused.err);
  match(refused.err, /Plugin "greeter" refuses\n {2}why: 6 VMs are too many/);

  const [, listed] = (await site.run("plugin", "list", "-o", "name")).out
    .split("\n");
  strictEqual(listed, "users");
  await until("both were greeted", async () => {
    const { out } = await site.run("plugin", "logs", "greeter", "-n", "10");
    return out.match(/register: hello, web-[12]\.default\.admin$/gm)?.length ===
      2;
  });
  const shown = JSON.parse(
    (await site.run("plugin", "show", "greeter", "-o", "json")).out,
  );
  deepStrictEqual(
    shown.registrations.map((
      { event, calls, refusals, failures }: Record<string, unknown>,
    ) => [event, calls, refusals, failures]),
    [["start_request", 2, 1, 0], ["register", 2, 0, 0]],
  );

  // Another version, played what was recorded before it is taken.
  const draft = `${site.folder}/draft`;
  done(await site.bash(`mkdir ${draft} && cp -r ${path} ${draft}/`));
  await workshop.edit("asked > most", "asked >= 2", draft);
  const tested = await site.run(
    ...["plugin", "test", `${draft}/greeter`, "--since", "1h", "--strict"],
  );
  strictEqual(tested.code, 1, tested.out + tested.err);
  match(
    tested.out,
    /start_request web-1\.default\.admin, web-2\.default\.admin/,
  );
  match(tested.out, /now: {2}Plugin "greeter" refuses: 2 VMs are too many/);
  match(tested.out, /, 1 would have been decided otherwise$/m);

  const shadowed = await site.run(
    ...["plugin", "test", `${draft}/greeter`, "--shadow"],
  );
  done(shadowed);
  done(await site.run("vm", "start", "more", "-n", "2"));
  await until("the shadow's answer was compared", async () => {
    const { out } = await site.run("plugin", "show", "greeter", "-o", "json");
    return JSON.parse(out).shadow?.different === 1;
  });

  // A reload while an operation runs: it goes on, and all that follows is new.
  const slow = await site.run(
    ...["vm", "start", "slow", "--sim", "bootMs=2s", "--no-wait"],
  );
  done(slow);
  await workshop.edit(
    "VMs are too many at a time",
    "VMs are more than it likes",
  );
  const dry = await site.run("plugin", "reload", "--check");
  match(dry.out, /^greeter would be changed \(\w{12} → \w{12}\)$/m);
  const reloaded = await site.run("plugin", "reload");
  match(reloaded.out, /^greeter changed /m);
  const again = await site.run("vm", "start", "big", "-n", "6");
  match(again.err, /why: 6 VMs are more than it likes/);
  done(await site.run("vm", "wait", "slow", "--for", "running"));
  const begun = await site.run("op", "show", slow.out.trim(), "-o", "json");
  strictEqual(JSON.parse(begun.out).plugins.greeter, shown.hash);

  // A mistake: nothing has changed, and it is named where it stands.
  await workshop.register(GREETER.replace("register]", "regster]"));
  const wrong = await site.run("plugin", "reload");
  strictEqual(wrong.code, 64, wrong.err);
  match(wrong.err, /plugins\.yaml:4:29: plugins\.greeter\.events\.1\.event/);
  match(wrong.err, /did you mean "register"\?/);
  const still = await site.run("vm", "start", "big", "-n", "6");
  match(still.err, /more than it likes/);

  // Turned off it is not called, also after a crash and in spite of the file.
  await workshop.register(GREETER);
  done(await site.run("plugin", "disable", "greeter"));
  await site.crash();
  await site.restart();
  await until("the site is back", async () => {
    const { code, out } = await site.run("node", "list");
    return code === 0 && /ready/.test(out);
  }, { deadlineMs: 60_000 });
  done(await site.run("vm", "start", "big", "-n", "6"));
  match(
    (await site.run("plugin", "show", "greeter")).out,
    /^enabled +no, by admin .* ago, over the configuration$/m,
  );
  done(await site.run("plugin", "enable", "greeter"));
  strictEqual((await site.run("vm", "start", "huge", "-n", "6")).code, 4);
});

Deno.test("a mistake in a plugin keeps the controller from starting, with no stack trace", async () => {
  const usher = await compiledUsher();
  const folder = await Deno.makeTempDir({ prefix: "usher_life_" });
  try {
    await Deno.writeTextFile(
      `${folder}/ctrl.yaml`,
      `state_dir: ${folder}/state\nlisten: { clients: "127.0.0.1:0", nodes: "127.0.0.1:0" }\nplugins:\n  sample:\n    events: [register]\n    options: { delya: 5s }\n`,
    );
    const { code, stderr } = await new Deno.Command(usher, {
      args: ["ctrl", "--config", `${folder}/ctrl.yaml`],
      env: { HOME: folder, NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const said = new TextDecoder().decode(stderr);
    strictEqual(code, 64, said);
    match(said, /ctrl\.yaml:6:16: plugins\.sample\.options\.delya/);
    match(said, /did you mean "delay"\?/);
    strictEqual(/\n\s+at /.test(said), false, said);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
