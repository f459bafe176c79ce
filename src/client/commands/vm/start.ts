/**
 * `usher vm start` and `usher vm register`: VMs that may be new.
 *
 * @module
 */
import type { SpecInput } from "../../../schema/request.ts";
import {
  choice,
  type Command,
  defineCommand,
  type FlagValues,
  list,
  parsed,
  text,
  wholeNumber,
  type Words,
} from "../../command.ts";
import { readMemoryMiB } from "../../quantity.ts";
import { UsageError } from "../../usage.ts";
import { REQUEST_FLAGS, runRequest } from "../../wait.ts";
import { readDisk, readNic, readSim, readXen } from "./devices.ts";
import { checkName, readRequestWords } from "./names.ts";
import { placementOf, readNodeLabel } from "./placement.ts";

/** The most VMs of one request; schema/request.ts says the same. */
const MAX_COUNT = 10_000;
const MAX_VCPUS = 512;

const WORDS: Words = {
  usage: "NAMES... [key=value...]",
  min: 1,
  max: Infinity,
  completes: "vm",
};

const SPEC_FLAGS = {
  count: parsed(
    "COUNT",
    "make so many, NAME-1 to NAME-COUNT",
    wholeNumber("number of VMs", { min: 1, max: MAX_COUNT }),
    { short: "n" },
  ),
  vcpus: parsed(
    "N",
    "virtual processors",
    wholeNumber("number of processors", { min: 1, max: MAX_VCPUS }),
  ),
  memory: parsed("SIZE", "memory, such as 512MiB or 4GiB", readMemoryMiB),
  kernel: text("PATH", "a kernel on the node to boot directly"),
  initrd: text("PATH", "its initial file system"),
  cmdline: text("TEXT", "its command line"),
  disk: list(
    "DISK",
    "/path, or path=…|base=…[,format=raw|qcow2][,size=…][,readonly][,shared]",
    readDisk,
  ),
  nic: list(
    "NIC",
    "user[,forward=tcp:127.0.0.1:2222:22], bridge=br0 or tap=tap0, each [,mac=…]",
    readNic,
  ),
  "on-node-loss": choice(
    ["wait", "restart"],
    "what becomes of them when their node is lost; wait by default",
  ),
  "node-label": list(
    "KEY=VALUE",
    "a label that their node must have",
    readNodeLabel,
  ),
  "apart-from": list(
    "NAME",
    "VMs, by name or pattern, that they must not share a node with",
    checkName,
    { completes: "vm" },
  ),
  "together-with": list(
    "NAME",
    "VMs, by name or pattern, of which one must be on their node",
    checkName,
    { completes: "vm" },
  ),
  driver: text("NAME", "the driver that runs them; the site's by default"),
  machine: text("TYPE", "QEMU's machine type, under libvirt too"),
  cpu: text("MODEL", "QEMU's CPU model, under libvirt too"),
  xen: list(
    "KEY=VALUE",
    "what Xen is told: type=pv|pvh|hvm, onCrash=destroy|preserve, cpus=0-3, …",
    readXen,
  ),
  spec: text("FILE", "all of the above from a YAML file; flags win", {
    completes: "file",
  }),
  sim: list("KEY=VALUE", "how a simulated VM behaves", readSim),
} as const;

const START_FLAGS = {
  ...SPEC_FLAGS,
  on: text("NODE", "start on this node", { completes: "node" }),
  ...REQUEST_FLAGS,
} as const;

const REGISTER_FLAGS = {
  ...SPEC_FLAGS,
  on: text("NODE", "the node that they belong to when they are started", {
    completes: "node",
  }),
  ...REQUEST_FLAGS,
} as const;

type SpecFlags = FlagValues<typeof SPEC_FLAGS>;

export const start: Command<typeof START_FLAGS> = defineCommand({
  about:
    "Start VMs. Names that are new become VMs with the flags' description; those that are there are started as they are.",
  words: WORDS,
  flags: START_FLAGS,
  examples: [
    ["usher vm start web1", "one VM with the site's defaults"],
    ["usher vm start -n 10 web --memory 512MiB", "web-1 to web-10"],
    [
      "usher vm start db --disk base=/srv/debian.qcow2,size=20GiB --nic bridge=br0",
      "on an overlay",
    ],
    [
      "usher vm start -n 2 front --apart-from 'front-*'",
      "each on a node of its own",
    ],
    [
      "usher vm start web1 --spec web.yaml role=front",
      "from a file, with an argument for plugins",
    ],
    ["usher vm start web1 --no-wait", "print the operation's id and go"],
  ],
  async run(context, { words, flags }) {
    const request = await creation(words, flags);
    return await runRequest(context, {
      verb: "start",
      ...request,
      ...(flags.on === undefined ? {} : { on: flags.on }),
    }, flags);
  },
});

export const register: Command<typeof REGISTER_FLAGS> = defineCommand({
  about: "Make VMs known without starting them.",
  words: WORDS,
  flags: REGISTER_FLAGS,
  examples: [
    ["usher vm register db1 --memory 8GiB", "to be started later"],
    ["usher vm register db2 --on n2", "to be started there"],
  ],
  async run(context, { words, flags }) {
    const request = await creation(words, flags);
    return await runRequest(context, {
      verb: "register",
      ...request,
      ...(flags.on === undefined ? {} : { on: flags.on }),
    }, flags);
  },
});

async function creation(words: readonly string[], flags: SpecFlags) {
  const { names, args } = readRequestWords(words);
  if (flags.count !== undefined && names.length !== 1) {
    throw new UsageError(
      `-n ${flags.count} needs one name, and ${names.length} were given`,
      "write usher vm start -n COUNT NAME",
    );
  }
  return {
    names,
    args,
    spec: await readSpecFlags(flags),
    ...(flags.count === undefined ? {} : { count: flags.count }),
  };
}

/** What the flags say of a new VM, over what the spec file says. */
export async function readSpecFlags(flags: SpecFlags): Promise<SpecInput> {
  const file = flags.spec === undefined
    ? {}
    : await (await import("../../spec_file.ts")).readSpecFile(flags.spec);
  const { vcpus, memory, driver } = flags;
  const onNodeLoss = flags["on-node-loss"];
  const boot = bootOf(file, flags);
  const placement = placementOf(file.placement, flags);
  const spec = {
    ...file,
    ...(vcpus === undefined ? {} : { vcpus }),
    ...(memory === undefined ? {} : { memoryMiB: memory }),
    ...(driver === undefined ? {} : { driver }),
    ...(onNodeLoss === undefined ? {} : { onNodeLoss }),
    ...(boot === undefined ? {} : { boot }),
    ...(placement === undefined ? {} : { placement }),
    ...(flags.disk.length === 0 ? {} : { disks: flags.disk }),
    ...(flags.nic.length === 0 ? {} : { nics: flags.nic }),
    ...(flags.sim.length === 0
      ? {}
      : { sim: { ...file.sim, ...Object.fromEntries(flags.sim) } }),
    ...(flags.xen.length === 0
      ? {}
      : { xen: { ...file.xen, ...Object.fromEntries(flags.xen) } }),
  };
  // The controller fills in the defaults of disks and nics.
  return { ...spec, ...machineOf(file, flags) } as SpecInput;
}

/** Where `--machine` and `--cpu` go: to both drivers of QEMU, since the site may choose between them. */
function machineOf(file: SpecInput, { driver, machine, cpu }: SpecFlags) {
  const given = {
    ...(machine === undefined ? {} : { machine }),
    ...(cpu === undefined ? {} : { cpu }),
  };
  if (Object.keys(given).length === 0) return {};
  const its = driver ?? file.driver;
  return {
    ...(its === "libvirt" ? {} : { qemu: { ...file.qemu, ...given } }),
    ...(its === "qemu" ? {} : { libvirt: { ...file.libvirt, ...given } }),
  };
}

function bootOf(file: SpecInput, { kernel, initrd, cmdline }: SpecFlags) {
  const base = kernel === undefined ? file.boot : { kernel, cmdline: "" };
  if (base !== undefined) {
    return {
      ...base,
      ...(initrd === undefined ? {} : { initrd }),
      ...(cmdline === undefined ? {} : { cmdline }),
    };
  }
  if (initrd === undefined && cmdline === undefined) return undefined;
  throw new UsageError(
    "--initrd and --cmdline need a kernel: none is named",
    "add --kernel PATH",
  );
}
