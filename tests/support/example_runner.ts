/**
 * Runs the examples of the documentation as a reader would, on a site of
 * their own.
 *
 * Before an example what it speaks of is made: VMs that it names are there
 * and in the state that its verb needs, an id is that of a real operation,
 * and files lie in the working directory. Words that stand for a reader's own
 * (`URL`, `TOKEN`, `ctrl.example.org`) are replaced. Afterwards every VM is
 * destroyed, so no example depends on another.
 *
 * @module
 */
import { strictEqual } from "node:assert/strict";
import { openHttpClient } from "../../src/client/deno.ts";
import type { HttpClient } from "../../src/client/platform.ts";
import { runClient } from "../../src/client/main.ts";
import { type Meaning, meaningOf } from "./command_meaning.ts";
import type { CompiledSite, Ran } from "./compiled_site.ts";
import { FakeIo } from "./fake_client.ts";
import {
  asksPasswords,
  preparePeople,
  typePasswords,
} from "./example_people.ts";
import { prepareClusters, prepareVms } from "./example_vms.ts";
import { templateOf, writePlugin } from "./new_plugin.ts";
import { Pty } from "./pty.ts";
import { until, within } from "./wait.ts";

const READY_MS = 120_000;

/** Runs examples on `site`, in a folder of its own. */
export class ExampleRunner implements Disposable {
  readonly #site: CompiledSite;
  readonly #folder: string;
  #url = "";
  #fingerprint = "";
  #runs = 0;
  #connection: HttpClient | undefined;

  private constructor(site: CompiledSite, folder: string) {
    this.#site = site;
    this.#folder = folder;
  }

  /** Puts what examples need beside them: files, and a `pass` to ask. */
  static async start(
    site: CompiledSite,
    specFile: string,
  ): Promise<ExampleRunner> {
    const folder = `${site.folder}/examples`;
    await Deno.mkdir(`${folder}/bin`, { recursive: true });
    const runner = new ExampleRunner(site, folder);
    const cli = await Deno.readTextFile(`${site.folder}/cli.yaml`);
    runner.#url = /controller: (\S+)/.exec(cli)?.[1] ?? "";
    const whoami = JSON.parse((await site.run("whoami", "-o", "json")).out);
    runner.#fingerprint = whoami.site;
    const password = await Deno.readTextFile(`${site.folder}/admin-password`);
    const ca = await Deno.readTextFile(`${site.folder}/ca.pem`);
    await Deno.writeTextFile(`${folder}/pw`, password);
    await Deno.writeTextFile(`${folder}/ca.pem`, ca);
    await Deno.writeTextFile(`${folder}/site-ca.pem`, ca);
    await Deno.writeTextFile(`${folder}/web.yaml`, specFile);
    await Deno.writeTextFile(
      `${folder}/bin/pass`,
      `#!/bin/sh\ncat '${folder}/pw'\n`,
      { mode: 0o755 },
    );
    return runner;
  }

  [Symbol.dispose](): void {
    this.#connection?.[Symbol.dispose]();
  }

  /** Runs one line to its end; `error` says that it is meant to fail. */
  async run(line: string, error = false): Promise<Ran> {
    this.#runs++;
    const meaning = error ? null : await meaningOf(line);
    const made = await this.#prepare(line, meaning);
    const command = this.#substitute(line, made);
    try {
      return await this.#start(command, meaning);
    } finally {
      if (made.vms) await this.#client("vm", "destroy", "*");
      if (meaning?.name === "node drain") {
        await this.#client("node", "undrain", ...meaning.words);
      }
    }
  }

  /** A command of the client in this process, over one connection: quick. */
  async #client(...argv: string[]): Promise<string> {
    const io = new FakeIo({ env: this.#site.env });
    const code = await runClient(argv, io, (caPem) => ({
      ...this.#connection ??= openHttpClient(caPem),
      [Symbol.dispose]() {},
    }));
    if (argv[1] !== "destroy") strictEqual(code, 0, `${argv}: ${io.err}`);
    return io.out;
  }

  async #prepare(
    line: string,
    meaning: Meaning | null,
  ): Promise<Made> {
    if (meaning === null) return { id: "", token: "", vms: false };
    const { name, words, flags } = meaning;
    const [noun, verb = ""] = name.split(" ");
    let id = "";
    if (noun === "op" && (verb !== "list" || /\bID\b/.test(line))) {
      const more = verb === "cancel"
        ? ["--sim", "bootMs=10m", "--no-wait"]
        : [];
      await this.#client("vm", "start", "web1", ...more);
      id = (await this.#client("op", "list", "-o", "name", "--limit", "1"))
        .trim();
    }
    const client = (...argv: string[]) => this.#client(...argv);
    if (noun === "vm") await prepareVms(verb, words, flags, client);
    if (noun === "cluster") await prepareClusters(verb, words, client);
    if (noun === "plugin") await this.#preparePlugin(line, verb);
    await preparePeople(line, name, this.#folder, client);
    if (noun === "ctrl") await this.#prepareBackup(line, verb);
    if (name === "node declare-dead") await this.#loseNode(words[0] ?? "");
    const token = name === "lnm" ? await this.#client("node", "token") : "";
    return {
      id,
      token: token.trim(),
      vms: noun === "vm" || noun === "op" || noun === "cluster",
    };
  }

  /** The plugin of the examples lies there, unless the example is to make it. */
  async #preparePlugin(line: string, verb: string): Promise<void> {
    for (const made of ["greeter", "site-plugins"]) {
      await Deno.remove(`${this.#folder}/${made}`, { recursive: true })
        .catch(() => {});
    }
    await Deno.mkdir(`${this.#folder}/site-plugins`);
    if (verb === "init" || !/ greeter\b/.test(line)) return;
    if (["forget", "logs", "test"].includes(verb)) {
      const turn = verb === "forget" ? "disable" : "enable";
      await this.#client("plugin", turn, "greeter");
    }
    await writePlugin(`${this.#folder}/greeter`, templateOf("greeter"));
  }

  /** The node was there, and is no more. */
  async #loseNode(node: string): Promise<void> {
    const token = await this.#client("node", "token", "--node", node);
    await this.#runRole(
      `usher lnm --name ${node} --join ${token.trim()}`,
      "lnm",
    );
    await until(`${node} is gone`, async () => {
      const shown = await this.#client("node", "show", node, "-o", "json");
      return JSON.parse(shown).state !== "ready";
    });
  }

  /** A backup lies there, unless the example is to write it. */
  async #prepareBackup(line: string, verb: string): Promise<void> {
    const [path] = /\S+\.backup\b/.exec(line) ?? [];
    if (path === undefined) return;
    await Deno.remove(`${this.#folder}/${path}`).catch(() => {});
    if (verb === "backup" && !line.includes("--force")) return;
    const { code, err } = await this.#runPlain(
      `usher ctrl backup ${path}`,
      false,
    );
    strictEqual(code, 0, err);
  }

  /** What stands for a reader's own, replaced by what is there. */
  #substitute(line: string, { id, token }: Made): string {
    const pairs: [RegExp, string][] = [
      [/^dist\//, ""],
      [/https:\/\/ctrl\.example\.org:8440|\bURL\b/g, this.#url],
      [/(?<=usher login )ctrl\b/g, this.#url],
      [/\bSHA256\b/g, this.#fingerprint],
      [/(?<=--user )ann\b/g, "admin"],
      [/\bTOKEN\b/g, token],
      // What takes a night is shown in a minute of virtual time.
      [/(?<=^usher sim .*)--hours \S+/g, "--hours 0.02"],
      [/(?<=^usher sim .*)--seeds \d+/g, "--seeds 2 --hours 0.02"],
      [/\/srv\/usher\b/g, `${this.#folder}/restored-${this.#runs}`],
      [/\bFILE\b|\/etc\/usher\/ctrl\.yaml/g, `${this.#folder}/ctrl.yaml`],
      [/\bID\b|\b01[0-9a-z]{2,24}\b/g, id],
    ];
    return pairs.reduce(
      (text, [from, to]) => text.replace(from, () => to),
      line,
    );
  }

  async #start(command: string, meaning: Meaning | null): Promise<Ran> {
    if (meaning?.flags["watch"] === true) {
      return await this.#interrupt(command, /\[\?1049h/);
    }
    switch (meaning?.name) {
      case "ctrl":
      case "lnm":
      case "dev":
        if (!meaning.words.includes("admin-token")) {
          return await this.#runRole(command, meaning.name);
        }
        break;
      case "logout":
        await this.#login();
        return await this.#runPlain(command, true);
      case "login":
        if (/--(password|token)-/.test(command)) {
          return await this.#runPlain(command, true);
        }
        return await this.#answer(command);
      case "user create":
      case "user passwd":
        if (asksPasswords(command)) return await this.#answer(command, false);
        break;
      case "node declare-dead":
        if (meaning.flags["yes"] === true) break;
        return await this.#sayYes(command);
      case "vm console":
        if (!command.includes("|")) return await this.#leaveConsole(command);
        break;
      case "events":
        if (!meaning.flags["follow"]) break;
        return await this.#interrupt(command, / vm +change/);
      case "audit list":
        if (!meaning.flags["follow"]) break;
        // Whatever the example narrows it to, somebody is refused.
        return await this.#interrupt(command, /\bnobody\b/, async () => {
          const [pw, ca] = [`${this.#folder}/pw`, `${this.#folder}/ca.pem`];
          await runClient(
            [
              ...["login", this.#url, "--user", "nobody"],
              ...["--password-file", pw, "--ca", ca],
            ],
            new FakeIo({ env: this.#env(true) }),
          );
        });
      case "plugin logs":
        if (!meaning.flags["follow"]) break;
        return await this.#interrupt(command, /hello, change\b/);
    }
    return await this.#runPlain(command, false);
  }

  /** The environment; a session of its own where the site's must not end. */
  #env(ownSession: boolean): Record<string, string> {
    const { env } = this.#site;
    return {
      ...env,
      PATH: `${this.#folder}/bin:${env["PATH"]}`,
      HOME: `${this.#folder}/home-${this.#runs}`,
      TMPDIR: this.#folder,
      USHERCTRL_CONFIG: `${this.#folder}/ctrl.yaml`,
      USHERLNM_CONFIG: `${this.#folder}/lnm.yaml`,
      ...(ownSession ? { USHERCLI_CONFIG: "" } : {}),
    };
  }

  async #runPlain(command: string, ownSession: boolean): Promise<Ran> {
    await this.#configure(`${this.#site.folder}/ctrl`);
    const shell = command.includes("| source")
      ? ["fish", "--no-config", "-c", command]
      : command.startsWith("source <(")
      ? ["zsh", "-f", "-c", `autoload -Uz compinit; compinit -D; ${command}`]
      : ["bash", "--norc", "-o", "pipefail", "-c", command];
    const { code, stdout, stderr } = await this.#spawn(shell, ownSession)
      .output();
    return { code, out: decode(stdout), err: decode(stderr) };
  }

  #spawn([program = "", ...args]: string[], ownSession = false) {
    return new Deno.Command(program, {
      args,
      cwd: this.#folder,
      env: this.#env(ownSession),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }

  async #login(): Promise<void> {
    const { code, err } = await this.#runPlain(
      `usher login ${this.#url} --user admin --password-file pw --ca ca.pem`,
      true,
    );
    strictEqual(code, 0, err);
  }

  /** Configurations of roles that keep to this folder and to free ports. */
  async #configure(ctrlState: string): Promise<void> {
    const own = `${this.#folder}/role-${this.#runs}`;
    await Deno.writeTextFile(
      `${this.#folder}/ctrl.yaml`,
      `state_dir: ${ctrlState}\nlisten:\n  clients: 127.0.0.1:0\n  nodes: 127.0.0.1:0\n`,
    );
    await Deno.writeTextFile(
      `${this.#folder}/lnm.yaml`,
      `name: e${this.#runs}\nstate_dir: ${own}/lnm\nrun_dir: ${own}/run\n` +
        "drivers:\n  qemu:\n    enabled: false\n  sim:\n    enabled: true\n",
    );
  }

  /** A role runs until it says that it is ready, and then until SIGTERM. */
  async #runRole(command: string, role: string): Promise<Ran> {
    await this.#configure(`${this.#folder}/role-${this.#runs}/ctrl`);
    if (role === "lnm" && !command.includes("--join")) {
      const token = await this.#client("node", "token");
      await this.#untilReady(`usher lnm --join ${token.trim()}`);
    }
    return await this.#untilReady(command);
  }

  async #untilReady(command: string): Promise<Ran> {
    const child = this.#spawn(["bash", "--norc", "-c", `exec ${command}`]);
    const err = new Response(child.stderr).text();
    let out = "";
    const ready = async () => {
      for await (
        const text of child.stdout.pipeThrough(new TextDecoderStream())
      ) {
        out += text;
        if (/^ready/m.test(out)) break;
      }
    };
    await within(`${command} is ready`, READY_MS, ready()).finally(() => {
      try {
        child.kill("SIGTERM");
      } catch {
        // It ended by itself, and says why.
      }
    });
    const { code } = await child.status;
    if (!/^ready/m.test(out)) return { code: code || 1, out, err: await err };
    return { code, out, err: await err };
  }

  /** A login on a terminal: whatever it asks is answered. */
  async #answer(command: string, logsIn = true): Promise<Ran> {
    const pw = await Deno.readTextFile(`${this.#folder}/pw`);
    await using pty = this.#terminal(command, logsIn);
    if (!logsIn) {
      await typePasswords(pty, pw.trim());
      return { code: await pty.ended(), out: pty.printed, err: "" };
    }
    if (!command.includes("--ca-fingerprint")) {
      await pty.untilShown(/\[y\/N\]/);
      await pty.type("y\r");
    }
    if (!command.includes("--user")) {
      await pty.untilShown(/user(?: \[.*\])?: /);
      await pty.type("admin\r");
    }
    await pty.untilShown(/password of admin/);
    await pty.type(`${pw.trim()}\r`);
    return { code: await pty.ended(), out: pty.printed, err: "" };
  }

  async #sayYes(command: string): Promise<Ran> {
    await using pty = this.#terminal(command, false);
    await pty.untilShown(/\[y\/N\]/);
    await pty.type("y\r");
    return { code: await pty.ended(), out: pty.printed, err: "" };
  }

  async #leaveConsole(command: string): Promise<Ran> {
    await using pty = this.#terminal(command, false);
    await pty.untilShown(/ready, type and it comes back/);
    await pty.type(command.includes("--no-input") ? "\x03" : "\x1d");
    return { code: await pty.ended(), out: pty.printed, err: "" };
  }

  /** Follows until something has been shown; then a person presses Ctrl-C. */
  async #interrupt(
    command: string,
    wanted: RegExp,
    happens = async () => {
      await this.#client("vm", "register", "change");
      await this.#client("vm", "destroy", "change");
    },
  ): Promise<Ran> {
    await using pty = this.#terminal(command, false);
    // What happens before it listens is not shown, so it happens again.
    const shown = pty.untilShown(wanted);
    const ended = new AbortController();
    const changes = (async () => {
      while (!ended.signal.aborted) await happens();
    })();
    await shown.finally(() => ended.abort());
    await changes;
    await pty.type("\x03");
    return { code: await pty.ended(), out: pty.printed, err: "" };
  }

  #terminal(command: string, ownSession: boolean): Pty {
    return new Pty(command, this.#env(ownSession));
  }
}

/** What was made for an example. */
interface Made {
  readonly id: string;
  readonly token: string;
  readonly vms: boolean;
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
