/**
 * Every command of the command line, as everybody: nobody, a node with its own
 * secret, another user, a viewer, the owner, an administrator, and a token of
 * the owner's that is for looking.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { COMMANDS, NOUNS } from "../../src/client/commands/index.ts";
import { EXIT } from "../../src/client/exit.ts";
import { type Shell, withShell } from "../support/site_shell.ts";

/** In the order of the columns below. */
const WHO = ["bob", "vic", "ann", "root", "reader"] as const;
type Who = typeof WHO[number];

/**
 * A line for each command, and what comes of it for another user, a viewer, the
 * owner, an administrator and the owner's token for looking: `m` they may, `d`
 * it is denied, `h` what is named is not there for them. Nobody and nodes are
 * denied everything here.
 */
const LINES: Readonly<Record<string, readonly [line: string, who: string]>> = {
  "vm start": ["vm start web.default.ann --plan", "ddmmd"],
  "vm list": ["vm list", "mmmmm"],
  "vm show": ["vm show web.default.ann", "hmmmm"],
  "vm explain": ["vm explain web.default.ann", "hmmmm"],
  "vm shutdown": ["vm shutdown web.default.ann --plan", "hdmmd"],
  "vm poweroff": ["vm poweroff web.default.ann --plan", "hdmmd"],
  "vm cycle": ["vm cycle web.default.ann --plan", "hdmmd"],
  "vm reboot": ["vm reboot web.default.ann --plan", "hdmmd"],
  "vm migrate": ["vm migrate web.default.ann --plan", "hdmmd"],
  "vm pause": ["vm pause web.default.ann --plan", "hdmmd"],
  "vm resume": ["vm resume web.default.ann --plan", "hdmmd"],
  "vm destroy": ["vm destroy web.default.ann --plan", "hdmmd"],
  "vm register": ["vm register web.default.ann --plan", "ddmmd"],
  "vm unregister": ["vm unregister web.default.ann --plan", "hdmmd"],
  "vm wait": ["vm wait web.default.ann --for running --timeout 1s", "hmmmm"],
  "node list": ["node list", "mmmmm"],
  "node show": ["node show n1", "mmmmm"],
  "node token": ["node token", "dddmd"],
  "node drain": ["node drain n1 --plan", "dddmd"],
  "node undrain": ["node undrain n1", "dddmd"],
  "node declare-dead": ["node declare-dead n1 --yes", "dddmd"],
  "op list": ["op list", "mmmmm"],
  "op show": ["op show OPERATION", "hmmmm"],
  "op attach": ["op attach OPERATION", "hmmmm"],
  "op cancel": ["op cancel OPERATION", "hdmmd"],
  "plugin list": ["plugin list", "dddmd"],
  "plugin show": ["plugin show users", "dddmd"],
  "plugin enable": ["plugin enable users", "dddmd"],
  "plugin disable": ["plugin disable users", "dddmd"],
  "plugin forget": ["plugin forget users --yes", "dddmd"],
  "plugin reload": ["plugin reload", "dddmd"],
  "plugin logs": ["plugin logs users", "dddmd"],
  "cluster create": ["cluster create default.ann", "ddmmd"],
  "cluster list": ["cluster list", "mmmmm"],
  "cluster show": ["cluster show default.ann", "hmmmm"],
  "cluster share": ["cluster share default.ann --user eve", "hdmmd"],
  "cluster unshare": ["cluster unshare default.ann --user eve", "hdmmd"],
  "cluster delete": ["cluster delete default.ann", "hdmmd"],
  "cluster start": ["cluster start default.ann --plan", "hdmmd"],
  "cluster shutdown": ["cluster shutdown default.ann --plan", "hdmmd"],
  "cluster reboot": ["cluster reboot default.ann --plan", "hdmmd"],
  "cluster poweroff": ["cluster poweroff default.ann --plan", "hdmmd"],
  "cluster cycle": ["cluster cycle default.ann --plan", "hdmmd"],
  "cluster pause": ["cluster pause default.ann --plan", "hdmmd"],
  "cluster resume": ["cluster resume default.ann --plan", "hdmmd"],
  "cluster migrate": ["cluster migrate default.ann --plan", "hdmmd"],
  "cluster unregister": ["cluster unregister default.ann --plan", "hdmmd"],
  "cluster destroy": ["cluster destroy default.ann --plan", "hdmmd"],
  "quota list": ["quota list", "mmmmm"],
  "quota show": ["quota show ann", "hmmmm"],
  "quota set": ["quota set eve --vms 5", "dddmd"],
  "user create": ["user create zed --password-stdin", "dddmd"],
  "user list": ["user list", "dddmd"],
  "user show": ["user show ann", "hhmmm"],
  "user set-role": ["user set-role eve viewer", "dddmd"],
  "user passwd": ["user passwd eve --password-stdin", "hhhmd"],
  "user disable": ["user disable eve", "dddmd"],
  "user enable": ["user enable eve", "dddmd"],
  "user delete": ["user delete eve", "dddmd"],
  "token create": ["token create own --read", "mmmmd"],
  "token list": ["token list", "mmmmd"],
  "token revoke": ["token revoke other --user ann", "hhmhd"],
  "session list": ["session list", "mmmmd"],
  "session end": ["session end nosuchsession", "hhhhd"],
  "audit list": ["audit list", "dddmd"],
  "audit head": ["audit head", "dddmd"],
  "audit verify": ["audit verify", "dddmd"],
  events: ["events", "mmmmm"],
  whoami: ["whoami", "mmmmm"],
};

/** Commands that ask no controller, or none of it that is closed, each with why. */
const OPEN: Readonly<Record<string, string>> = {
  "vm console": "is the route of that name alone, in authorisation_test.ts",
  "plugin check": "runs a plugin here",
  "plugin test": "runs a plugin here",
  "plugin init": "writes files",
  "event list": "shows the catalogue",
  "event show": "shows the catalogue",
  "config show": "reads files",
  "config check": "reads files",
  completion: "prints a script",
  shell: "its commands are these",
  version: "is for everybody",
  login: "is how one becomes somebody",
  logout: "ends what one has; in users_cli_test.ts",
  ctrl: "a role",
  lnm: "a role",
  dev: "a role",
  sim: "a role",
};

function commandNames(): string[] {
  const verbs = Object.entries(NOUNS).flatMap(([noun, { verbs }]) =>
    Object.keys(verbs).map((verb) => `${noun} ${verb}`)
  );
  return [...verbs, ...Object.keys(COMMANDS)].toSorted();
}

/** The tokens of everybody, and an operation of ann's. */
async function people({ site, run }: Shell) {
  const { accounts } = site.site.controller.site;
  const open = async (name: string, role: "user" | "viewer" | "admin") => {
    await accounts.create(name, role, "correct horse");
    return (await accounts.openSession(name, 600_000)).token;
  };
  const tokens: Record<Who, string> = {
    bob: await open("bob", "user"),
    vic: await open("vic", "viewer"),
    ann: await open("ann", "user"),
    root: await open("root", "admin"),
    reader: "",
  };
  await open("eve", "user");
  const env = { USHER_TOKEN: tokens.ann };
  await run("token create other", { env });
  tokens.reader = (await run("token create reader --read", { env })).out.trim();
  await run("vm start web", { env });
  const operation = (await run("op list -o name", { env })).out.trim();
  return { tokens, operation };
}

/** The secret with which the node n1 comes to the other listener. */
async function nodeSecret({ site }: Shell): Promise<string> {
  const folder = site.site.cliConfig.replace(/\/[^/]*$/, "");
  return JSON.parse(await Deno.readTextFile(`${folder}/n1/credential.json`))
    .secret;
}

function meant({ code, err }: { code: number; err: string }): "m" | "d" | "h" {
  if (code === EXIT.denied) return "d";
  return /There is no|No VM/.test(err) ? "h" : "m";
}

Deno.test("every command answers everybody as it should", (t) =>
  withShell(1, async (shell) => {
    deepStrictEqual(
      [...Object.keys(LINES), ...Object.keys(OPEN)].toSorted(),
      commandNames(),
      "a new command needs a line here",
    );
    const { tokens, operation } = await people(shell);
    const node = await nodeSecret(shell);
    const input = "battery staple\n";
    for (const [name, [line, expected]] of Object.entries(LINES)) {
      await t.step(name, async () => {
        const words = line.replace("OPERATION", operation);
        for (const token of ["nonsense", node]) {
          const env = { USHER_TOKEN: token };
          const ran = await shell.run(words, { env, input });
          strictEqual(ran.code, EXIT.denied, `${words}: ${ran.err}`);
        }
        const told: string[] = [];
        for (const who of WHO) {
          const env = { USHER_TOKEN: tokens[who] };
          const ran = await shell.run(words, { env, input });
          told.push(
            `${who} ${meant(ran)}${ran.err && `  ${ran.code} ${ran.err}`}`,
          );
        }
        strictEqual(
          told.map((one) => one.split(" ")[1]?.slice(0, 1)).join(""),
          expected,
          told.join("\n"),
        );
      });
    }
  }));
