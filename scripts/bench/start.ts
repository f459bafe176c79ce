/**
 * Real guests through the whole of usher: API, controller, link, LNM, driver,
 * beside bare QEMU and libvirt, each in turn in the same run.
 *
 * @module
 */
import { RolesSite } from "../../tests/support/roles_site.ts";
import { bareQemu, GUEST, MEMORY_MIB } from "./bare_qemu.ts";
import { EXECUTABLE, runQuietly } from "./command.ts";
import { Libvirt } from "./libvirt.ts";
import { beside, median, type Row, time } from "./row.ts";

const ROUNDS = 15;
const SPEC = { memoryMiB: MEMORY_MIB, boot: GUEST };
const FLAGS = [
  ...["--memory", `${MEMORY_MIB}MiB`, "--kernel", GUEST.kernel],
  ...["--initrd", GUEST.initrd, "--cmdline", GUEST.cmdline],
];

/** Milliseconds of a start and of a power cut. */
interface Pair {
  readonly start: number;
  readonly poweroff: number;
}

/** A start and a poweroff of the micro guest, and what they add to QEMU's own. */
export async function benchStart(): Promise<Row[]> {
  await using site = await RolesSite.start(EXECUTABLE, "qemu");
  await using libvirt = await Libvirt.open(site.dir);
  const [bare, api, command, virsh]: Pair[][] = [[], [], [], []];
  for (let round = -1; round < ROUNDS; round++) {
    const pairs = [
      await bareQemu(`${site.dir}/bare-${round}`),
      await throughApi(site, `a${round + 1}`),
      await byCommand(site, `c${round + 1}`),
      libvirt === null ? null : await byVirsh(libvirt, `v${round + 1}`),
    ];
    if (round < 0) continue; // the first of each fills caches
    [bare, api, command, virsh].forEach((all, i) => {
      const pair = pairs[i];
      if (pair) all?.push(pair);
    });
  }
  return [
    ...["start", "poweroff"].map((key) =>
      apiRow(key as keyof Pair, bare ?? [], api ?? [])
    ),
    ...["start", "poweroff"].map((key) =>
      commandRow(key as keyof Pair, command ?? [], virsh ?? [])
    ),
  ];
}

async function throughApi(site: RolesSite, name: string): Promise<Pair> {
  const pair = {
    start: await time(() =>
      site.request({ verb: "start", names: [name], spec: SPEC })
    ),
    poweroff: await time(() =>
      site.request({ verb: "poweroff", names: [name] })
    ),
  };
  await site.request({ verb: "destroy", names: [name] });
  return pair;
}

async function byCommand(site: RolesSite, name: string): Promise<Pair> {
  const vm = (verb: string, ...rest: string[]) =>
    runQuietly(EXECUTABLE, ["vm", verb, name, ...rest], site.env);
  const pair = {
    start: await time(() => vm("start", ...FLAGS)),
    poweroff: await time(() => vm("poweroff")),
  };
  await vm("destroy");
  return pair;
}

async function byVirsh(libvirt: Libvirt, name: string): Promise<Pair> {
  return {
    start: await time(() => libvirt.create(name)),
    poweroff: await time(() => libvirt.destroy(name)),
  };
}

function middle(pairs: readonly Pair[], key: keyof Pair): number {
  return median(pairs.map((pair) => pair[key]));
}

function apiRow(key: keyof Pair, bare: Pair[], api: Pair[]): Row {
  const value = middle(api, key);
  const floor = middle(bare, key);
  const name = key === "start"
    ? "start of the micro guest through the API, to running"
    : "poweroff of it through the API";
  const target = key === "start" ? "< 20 ms" : "< 10 ms";
  const note = `adds ${(value - floor).toFixed(1)} ms; target ${target}`;
  return beside({ name, value, unit: "ms", note }, "bare QEMU", floor);
}

function commandRow(key: keyof Pair, command: Pair[], virsh: Pair[]): Row {
  const row = {
    name: `usher vm ${key} of it, the whole command`,
    value: middle(command, key),
    unit: "ms",
  };
  if (virsh.length === 0) {
    return { ...row, note: "libvirt is not installed here" };
  }
  const rival = key === "start" ? "virsh create" : "virsh destroy";
  return beside(row, rival, middle(virsh, key));
}
