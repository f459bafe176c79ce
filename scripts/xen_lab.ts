/**
 * Boots the Xen lab for people who want to look into it: builds it when it is
 * not there, boots one or two hosts, and runs each line that is typed in the
 * dom0 of the first, or of the second after `2:`. It ends with its input, or by
 * Control-C, and all of it with it.
 *
 *   scripts/deno run -A scripts/xen_lab.ts [--hosts 2] [--memory MIB] [PATH=FILE...]
 *
 * A FILE of this machine lies at PATH in each dom0. Logs stay in
 * `.cache/xen_lab/last/`. The tests of `tests/xen/` boot their own.
 *
 * @module
 */
import {
  bootPair,
  whyNoXenLab,
  XEN_LAB,
  XenHost,
  type XenHostOptions,
} from "../tests/support/xen_host.ts";

const FOLDER = `${XEN_LAB}/last`;

interface Asked {
  readonly hosts: 1 | 2;
  readonly machine: XenHostOptions;
}

/** What the arguments ask for; null when they say nothing that is known. */
function parse(args: readonly string[]): Asked | null {
  let hosts: 1 | 2 = 1;
  let memoryMiB: number | undefined;
  const files: Record<string, string> = {};
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    const [, path, file] = /^(\/[^=]+)=(.+)$/.exec(arg) ?? [];
    if (arg === "--hosts" && args[at + 1] === "2") hosts = 2;
    else if (arg === "--memory") memoryMiB = Number(args[at + 1]);
    else if (path !== undefined && file !== undefined) files[path] = file;
    else return null;
    if (arg.startsWith("--")) at++;
  }
  const memory = memoryMiB === undefined ? {} : { memoryMiB };
  return { hosts, machine: { files, ...memory } };
}

async function boot({ hosts, machine }: Asked): Promise<readonly XenHost[]> {
  await Deno.remove(FOLDER, { recursive: true }).catch(() => {});
  await Deno.mkdir(`${FOLDER}/xen1`, { recursive: true });
  return hosts === 2
    ? await bootPair(machine, FOLDER)
    : [await XenHost.boot({ ...machine, folder: `${FOLDER}/xen1` })];
}

/** Runs what is typed, until there is no more. */
async function serve(hosts: readonly XenHost[]): Promise<void> {
  let rest = "";
  for await (
    const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())
  ) {
    rest += text;
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) await runLine(hosts, line);
  }
}

async function runLine(
  hosts: readonly XenHost[],
  line: string,
): Promise<void> {
  const [, number = "1", script = ""] = /^(?:([12]):)?\s*(.*)$/.exec(line) ??
    [];
  const host = hosts[Number(number) - 1];
  if (host === undefined) return console.error(`There is no host ${number}`);
  const { code, out } = await host.run(script);
  console.log(`${out.trimEnd()}\n[${host.name}: ${code}]`);
}

async function main(args: readonly string[]): Promise<number> {
  const asked = parse(args);
  if (asked === null) {
    console.error(
      "usage: xen_lab.ts [--hosts 2] [--memory MIB] [/PATH=FILE...]",
    );
    return 64;
  }
  console.error("the lab is built, where it is not there");
  const missing = whyNoXenLab();
  if (missing !== undefined) {
    console.error(`xen_lab: ${missing}`);
    return 1;
  }
  const end = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => end.resolve());
  }
  console.error(`${asked.hosts} hosts boot; logs are in ${FOLDER}`);
  const booting = boot(asked);
  await Promise.race([booting.then(serve), end.promise]);
  for (const host of await booting) await host[Symbol.asyncDispose]();
  return 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
