/**
 * usher as services of a real systemd, in a Debian guest with a kernel of its
 * own: installed from its one file, a guest that outlives a restart of its
 * node, a journal that can be searched. That kernel has all controllers of
 * cgroup v2, so it holds plugins to their limits, in the groups that usher makes
 * below that of its service; what usher decides of groups is tested with
 * groups in memory (`tests/support/fake_groups.ts`).
 *
 * The whole life of the services is in systemd_long_test.ts.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { compiledUsher } from "../support/compiled.ts";
import { DebianGuest, whyNoDebian } from "../support/debian_guest.ts";
import { readRepository } from "../support/repository.ts";
import {
  ctrlYaml,
  lnmYaml,
  LOGIN,
  NodeProcesses,
  startVm,
  stepsOf,
  writes,
} from "../support/service_guest.ts";

const MIB = 2 ** 20;
const BOMB_MIB = 150;
/** A third of a processor: enough to start with, and less than what spins takes. */
const SPIN_CPU = 0.35;
const PERIOD_US = 100_000;

/** The same plugin thrice. Starting takes long there, and is not what it is about. */
const PLUGINS = {
  bomb: runs({
    script: "exec dd if=/dev/zero of=/dev/null bs=400M count=1",
    limits: { memory: `${BOMB_MIB}MiB`, cpu: 2 },
  }),
  forks: runs({
    script: "while :; do sleep 1000 >/dev/null 2>&1 & done",
    limits: { memory: "700MiB", cpu: 2 },
  }),
  spin: runs({
    script: "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done",
    limits: { memory: "700MiB", cpu: SPIN_CPU },
  }),
};

function runs(
  { script, limits }: {
    readonly script: string;
    readonly limits: Readonly<Record<string, unknown>>;
  },
) {
  return {
    limits: { ...limits, start: "10m" },
    grants: { run: ["/bin/busybox"] },
    options: { script },
    events: [{ event: "timer", when: "+1s", deadline: "5m" }],
  };
}

const GROUPS = "/sys/fs/cgroup/system.slice/usher-ctrl.service";

/** Writes the groups of the controller down, again and again, for as long as the guest lives. */
const WATCH_GROUPS = `
cat >/root/groups.sh <<'END'
while sleep 1; do
  for group in ${GROUPS}/*/; do
    echo "group \${group#${GROUPS}/}" \\
      "memory $(cat $group/memory.max) swap $(cat $group/memory.swap.max)" \\
      "cpu $(cat $group/cpu.max) weight $(cat $group/cpu.weight)" \\
      "tasks of $(cat $group/pids.max)" $(cat $group/cpu.stat)
  done
done >>/root/groups 2>/dev/null
END
systemd-run --quiet --unit groups bash /root/groups.sh`;

async function installCtrl(guest: DebianGuest): Promise<void> {
  await guest.must(
    writes("/etc/usher/ctrl.yaml", ctrlYaml()) +
      writes("/etc/usher/lnm.yaml", lnmYaml()),
  );
  // It says that it serves, and systemd waits for that.
  await guest.must("cd /root && ./usher ctrl install");
  match(
    await guest.must("journalctl -u usher-ctrl -o cat"),
    /ready: clients on port 8440/,
  );
}

async function nodeRestarts(guest: DebianGuest): Promise<void> {
  await guest.must(`${LOGIN}
    /root/usher lnm install --join "$(usher node token)"`);
  await startVm(guest);
  const processes = await NodeProcesses.of(guest);
  await guest.must("systemctl restart usher-lnm");
  await processes.guestRunsOn("in a new process");
  await guest.prints(/ running /, "usher vm list");
  // What follows is about the controller, and has the machine for itself.
  await guest.must("usher vm destroy web && systemctl stop usher-lnm");
}

async function takesPlugins(guest: DebianGuest): Promise<void> {
  const text = await readRepository("tests/fixtures/control_group/runs.ts");
  const plugins = Object.keys(PLUGINS).map((name) =>
    writes(`/srv/site/${name}.ts`, text.replace('"runs"', `"${name}"`))
  );
  const config = ctrlYaml({ plugin_dirs: ["/srv/site"], plugins: PLUGINS });
  await guest.must(
    plugins.join("") + writes("/etc/usher/ctrl.yaml", config) + WATCH_GROUPS,
  );
  // Their timers count from the controller's start.
  await guest.must("systemctl restart usher-ctrl");
}

async function journalHasFields(guest: DebianGuest): Promise<void> {
  const line = JSON.parse(
    await guest.must(
      "journalctl -u usher-ctrl USHER_MESSAGE='limits of plugins' -o json -n 1",
    ),
  );
  strictEqual(line.PRIORITY, "6");
  strictEqual(line.SYSLOG_IDENTIFIER, "usher");
  strictEqual(line._TRANSPORT, "journal");
  deepStrictEqual(JSON.parse(line.USHER_KEPT_BY_KERNEL), [
    ...["memory", "cpu", "pids"],
  ]);
}

async function limitsHold(guest: DebianGuest): Promise<void> {
  const ended = await guest.prints(
    /the kernel ended its process/,
    "journalctl -u usher-ctrl -p err -o cat USHER_PLUGIN=bomb",
  );
  match(
    ended,
    /the kernel ended its process, which would have had more than 150 MiB of memory, its limit/,
  );
  const forks = await guest.prints(
    /ended with/,
    "journalctl -u usher-ctrl -o cat USHER_PLUGIN=forks | grep 'ended with'",
  );
  match(forks, /ended with [1-9]\d*: .*can't fork/);
  const max = (BOMB_MIB + 32) * MIB;
  const groups = await guest.must("cat /root/groups");
  const [, pid] = new RegExp(
    `group plugin-(\\d+)/ memory ${max} swap 0 cpu 200000 ${PERIOD_US} weight \\d+ tasks of 512 `,
  ).exec(groups) ?? [];
  ok(pid !== undefined, groups);
  match(groups, /group controller\/ .* weight 1000 /);
  // What was killed has left no group, and the controller is still there.
  await guest.must(`test ! -e ${GROUPS}/plugin-${pid}`);
  await guest.must("systemctl is-active usher-ctrl");
}

/** What it took is told by the kernel in its own periods, so no clock of ours matters. */
async function quotaHolds(guest: DebianGuest): Promise<void> {
  await guest.prints(
    /ended with 0/,
    "journalctl -u usher-ctrl -o cat USHER_PLUGIN=spin",
  );
  const quota = SPIN_CPU * PERIOD_US;
  const lines = (await guest.must("cat /root/groups")).split("\n")
    .filter((line) => line.includes(` cpu ${quota} ${PERIOD_US} `));
  const stat = (name: string) =>
    Number(new RegExp(` ${name} (\\d+)`).exec(lines.at(-1) ?? "")?.[1]);
  const [periods, throttled] = [stat("nr_periods"), stat("nr_throttled")];
  ok(throttled > 10, lines.at(-1));
  ok(stat("usage_usec") <= 1.5 * quota * (periods + 1), lines.at(-1));
}

Deno.test({
  name:
    "under a real systemd guests outlive a restart of their node, and the kernel holds plugins to their limits together with the programs that they start",
  ignore: whyNoDebian() !== undefined,
  async fn(t) {
    await using guest = await DebianGuest.boot(await compiledUsher());
    await stepsOf(t, {
      "install puts the controller in place": () => installCtrl(guest),
      "the journal has each field, and how grave it is": () =>
        journalHasFields(guest),
      "restart: same guest, same process": () => nodeRestarts(guest),
      "the controller starts again with plugins": () => takesPlugins(guest),
      "memory and processes that are too many end with the plugin alone": () =>
        limitsHold(guest),
      "a plugin that spins is held to its share of a processor": () =>
        quotaHolds(guest),
    });
  },
});
