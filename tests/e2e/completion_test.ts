/**
 * Completion in the shells themselves: a person types half a name and Tab.
 *
 * What a shell then runs says what it completed: half a name is no name, so
 * only a completed one shows a VM or a node.
 *
 * @module
 */
import { strictEqual } from "node:assert/strict";
import { CompiledSite } from "../support/compiled_site.ts";
import { Pty } from "../support/pty.ts";
import { until } from "../support/wait.ts";

interface Shell {
  /** Starts it without anybody's own configuration. */
  readonly command: string;
  /** Loads the completion, as docs/command-line.md says. */
  readonly load: string;
}

const SHELLS: Readonly<Record<string, Shell>> = {
  bash: {
    command: "bash --noprofile --norc -i",
    load: `eval "$(usher completion bash)"`,
  },
  zsh: {
    command: "zsh -f -i",
    load: "autoload -Uz compinit; compinit -D; source <(usher completion zsh)",
  },
  fish: {
    command: "fish --no-config --interactive",
    load: "usher completion fish | source",
  },
};

/** What is typed before Enter, and what the completed line shows. */
const LINES: readonly (readonly [typed: string, shows: RegExp])[] = [
  ["usher vm show sol\t", /^name +solo\.default\.admin$/m],
  ["usher node sh\t n\t", /^name +n1$/m],
  ["usher vm list --no-h\t", /^solo\.default\.admin +running/m],
  ["usher vm pow\t sol\t", /solo\.default\.admin +(already )?stopped on n1/],
  [
    "usher vm register filed --spec FOLDER/spec-f\t",
    /filed\.default\.admin +(already )?absent/,
  ],
  [
    "usher vm start sol\t --on=n\t",
    /solo\.default\.admin +(already )?running on n1/,
  ],
];

Deno.test("shells complete live names", async (t) => {
  await using site = await CompiledSite.start({ nodes: 1 });
  strictEqual((await site.run("vm", "start", "solo")).code, 0);
  await Deno.writeTextFile(`${site.folder}/spec-file.yaml`, "vcpus: 1\n");
  for (const [name, { command, load }] of Object.entries(SHELLS)) {
    await t.step(name, async () => {
      await using pty = new Pty(command, site.env);
      await enter(pty, load);
      for (const [typed, shows] of LINES) {
        await until(`${name} completes ${typed}`, async () => {
          const before = pty.printed.length;
          await enter(pty, typed.replace("FOLDER", site.folder));
          return shows.test(plain(pty.printed.slice(before)));
        }, { deadlineMs: 60_000 }).catch((error) => {
          throw new Error(`${error.message}; it shows:\n${pty.printed}`);
        });
      }
      await pty.type("exit\r");
      await pty.ended();
    });
  }
});

let lines = 0;

/** Types a line, and waits until the shell has run it. */
async function enter(pty: Pty, line: string): Promise<void> {
  const mark = `line-${++lines}-is-done`;
  await pty.type(`${line}\r`);
  // In two parts, so that what is typed is not taken for what is printed.
  await pty.type(`echo ${mark.slice(0, 4)}""${mark.slice(4)}\r`);
  await until(
    `the shell has run "${line}"`,
    () => new RegExp(`^${mark}`, "m").test(plain(pty.printed)),
    { deadlineMs: 60_000 },
  ).catch((error) => {
    throw new Error(`${error.message}; it shows:\n${pty.printed}`);
  });
}

/** What a terminal got, without colours and titles, a line each. */
function plain(printed: string): string {
  // deno-lint-ignore no-control-regex -- these are what it takes out
  const commands = /\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|\x1b\(B/g;
  return printed.replace(commands, "").replace(/\r/g, "\n");
}
