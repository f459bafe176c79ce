/**
 * A site whose nodes are dom0s of the Xen lab: the controller runs on this
 * machine, the compiled executable alone is copied into each dom0, and joins
 * with a token. People's commands run here, too.
 *
 * @module
 */
import type { VmView } from "../../src/schema/change.ts";
import { compiledUsher } from "./compiled.ts";
import { ProcessSite } from "./process_site.ts";
import { Role } from "./role.ts";
import type { Ran } from "./roles_site.ts";
import { until } from "./wait.ts";
import { bootPair, OUTSIDE, XEN_MS, XenHost } from "./xen_host.ts";

/** Where the executable lies in a dom0. */
export const USHER = "/usr/local/bin/usher";

/** However slow `xl` is in there. */
const XEN = {
  enabled: true,
  bridges: ["xenbr*"],
  start_timeout: "10m",
  verb_timeout: "5m",
};

/** What a site of the lab is made of. */
export interface XenSiteOptions {
  /** One host, or two on a private network. */
  readonly hosts?: 1 | 2;
  /** Part `drivers` of each `lnm.yaml`. */
  readonly drivers?: Readonly<Record<string, unknown>>;
  readonly memoryMiB?: number;
  /** More files of this machine, by their paths in the dom0s. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A domain as Xen has it. */
export interface XenDomain {
  readonly domid: number;
  /** Such as `-b----`: blocked, thus running and idle. */
  readonly flags: string;
}

/** A running site of the lab. */
export class XenSite implements AsyncDisposable {
  readonly hosts: readonly XenHost[];
  readonly #usher: string;
  readonly #site: ProcessSite;
  readonly #folder: string;
  readonly #drivers: Readonly<Record<string, unknown>>;

  private constructor(
    { usher, site, hosts, folder, drivers }: {
      readonly usher: string;
      readonly site: ProcessSite;
      readonly hosts: readonly XenHost[];
      readonly folder: string;
      readonly drivers: Readonly<Record<string, unknown>>;
    },
  ) {
    this.#usher = usher;
    this.#site = site;
    this.hosts = hosts;
    this.#folder = folder;
    this.#drivers = drivers;
  }

  /** Starts it; resolves once every host is a node that is ready. */
  static async start(
    { hosts = 1, drivers = { xen: XEN }, memoryMiB, files = {} }:
      XenSiteOptions = {},
  ): Promise<XenSite> {
    const usher = await compiledUsher();
    const folder = await Deno.makeTempDir({ prefix: "uxs" });
    await using undo = new AsyncDisposableStack();
    undo.defer(() => Deno.remove(folder, { recursive: true }));
    const machine = {
      files: { [USHER]: usher, ...files },
      ...(memoryMiB === undefined ? {} : { memoryMiB }),
    };
    const booted = hosts === 1
      ? [await XenHost.boot(machine)]
      : await bootPair(machine, folder);
    for (const host of booted) undo.use(host);
    // Join tokens carry the first name: the one that this machine has in there.
    const site = await ProcessSite.start({
      ...{ nodes: [], usher },
      // Emulated processors are away for long where the machine is busy.
      ctrl: { names: [OUTSIDE], node_lease: "2m" },
    });
    undo.use(site);
    const its = new XenSite({ usher, site, hosts: booted, folder, drivers });
    await its.#login();
    for (const host of booted) await its.#join(host);
    undo.move();
    return its;
  }

  /** The controller and its API. */
  get ctrl(): ProcessSite {
    return this.#site;
  }

  /** The only host, or the first. */
  get host(): XenHost {
    const [first] = this.hosts;
    if (first === undefined) throw new Error("There is no host");
    return first;
  }

  /** Starts the node of a host that has joined, or joins with `token`; does not wait for it. */
  async startLnm(host: XenHost, token?: string): Promise<void> {
    const join = token === undefined ? "" : ` --join ${token}`;
    await host.must(
      // In a session of its own, as a service manager would start it.
      `setsid ${USHER} lnm${join} </dev/null >>/var/log/usher.log 2>&1 &\n` +
        "echo $! >/run/usher-lnm.pid",
    );
  }

  /** Kills the node of a host, and nothing else there. */
  async killLnm(host: XenHost): Promise<void> {
    await host.must("kill -KILL $(cat /run/usher-lnm.pid)");
  }

  async #join(host: XenHost): Promise<void> {
    const config = {
      name: host.name,
      drivers: { qemu: { enabled: false }, ...this.#drivers },
      migration: { address: host.address },
    };
    await host.must(
      `mkdir -p /etc/usher\ncat >/etc/usher/lnm.yaml <<'END'\n${
        JSON.stringify(config)
      }\nEND`,
    );
    const token = await this.usher("node", "token", "--node", host.name);
    await this.startLnm(host, token);
    try {
      await this.#site.untilReady(host.name);
    } catch (error) {
      throw new Error(`${error}\n${await this.log(host)}`);
    }
  }

  /** Waits until the console of a VM has printed `text`, now or before. */
  async untilPrinted(name: string, text: string): Promise<void> {
    await using console = this.start("vm", "console", name, "--no-input");
    await console.says(new RegExp(text), XEN_MS);
  }

  /**
   * Types a line at the console of a VM whose guest sends it back, and waits for
   * that; again where the machine was too slow to take it before the command left,
   * which is after `linger`.
   */
  async type(name: string, line: string, linger = "3s"): Promise<void> {
    await until(`${name} sends back what is typed`, async () => {
      const { code, out, err } = await this.run(
        ["vm", "console", name, "--linger", linger],
        `${line}\r`,
      );
      if (code !== 0) throw new Error(err);
      return out.includes(line);
    }, { deadlineMs: XEN_MS });
  }

  /** The domains of a host but dom0, by name, as `xl list` has them. */
  async domains(host: XenHost): Promise<ReadonlyMap<string, XenDomain>> {
    const rows = (await host.must("xl list")).split("\n").slice(1);
    return new Map(
      rows.flatMap((row) => {
        const [, name = "", domid, flags = ""] =
          /^(.*?) +(\d+) +\d+ +\d+ +(\S+) +[\d.]+$/.exec(row) ?? [];
        const its = { domid: Number(domid), flags };
        return its.domid > 0 ? [[name, its]] : [];
      }),
    );
  }

  /** Waits until a VM is in a state; its record then. */
  async untilState(name: string, ...states: string[]): Promise<VmView> {
    return await until(`${name} is ${states.join(" or ")}`, async () => {
      const vm = await this.#site.vm(name);
      if (states.includes(vm.status.state)) return vm;
      throw new Error(`it is ${vm.status.state}: ${vm.status.reason}`);
    }, { deadlineMs: XEN_MS, everyMs: 200 });
  }

  /** What the node of a host has logged. */
  async log(host: XenHost): Promise<string> {
    return (await host.run("tail -n 60 /var/log/usher.log")).out;
  }

  /** Runs `usher ARGS` to its end. */
  async run(args: readonly string[], input = ""): Promise<Ran> {
    const child = new Deno.Command(this.#usher, {
      args: [...args],
      env: this.#env,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      signal: AbortSignal.timeout(XEN_MS),
    }).spawn();
    const writer = child.stdin.getWriter();
    // One that does not read its input may have ended already.
    await writer.write(new TextEncoder().encode(input)).catch(() => {});
    await writer.close().catch(() => {});
    const { code, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
  }

  /** Runs `usher ARGS`; throws what it says when it fails. Answers what it prints. */
  async usher(...args: string[]): Promise<string> {
    const { code, out, err } = await this.run(args);
    if (code === 0) return out.trim();
    throw new Error(`usher ${args.join(" ")} ended with ${code}: ${err}`);
  }

  /** Starts `usher ARGS`, which is ended by whoever started it. */
  start(...args: string[]): Role {
    return new Role(args, { usher: this.#usher, env: this.#env });
  }

  get #env(): Record<string, string> {
    return { HOME: this.#folder, USHERCLI_CONFIG: "", NO_COLOR: "1" };
  }

  async #login(): Promise<void> {
    const { ctrl, url } = this.#site;
    const password = await ctrl.says(/its password is (\S+)/);
    const fingerprint = await ctrl.says(/SHA-256 (\S+)/);
    const { code, err } = await this.run([
      ...["login", url, "--user", "admin", "--password-stdin"],
      ...["--ca-fingerprint", fingerprint],
    ], password);
    if (code !== 0) throw new Error(err);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const host of this.hosts) await host[Symbol.asyncDispose]();
    await this.#site[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}
