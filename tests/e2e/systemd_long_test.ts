/**
 * The life of usher's services under a real systemd, in a Debian guest of its own
 * kernel: one file is installed as controller and as node, read anew, hung, out of
 * memory, stopped, upgraded and taken away, and its guest outlives all of it.
 *
 * The lines of the documentation that change their machine are run here, each
 * (`tests/support/installations.ts`). What fits into every run is in
 * systemd_test.ts.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { compiledUsher } from "../support/compiled.ts";
import { DebianGuest, whyNoDebian } from "../support/debian_guest.ts";
import {
  type Installation,
  INSTALLATIONS,
  SERVICE_COMMANDS,
} from "../support/installations.ts";
import { REPOSITORY } from "../support/repository.ts";
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
/** What a service that hangs is given before it is started anew. */
const WATCHDOG_S = 20;

const CTRL_YAML = "/etc/usher/ctrl.yaml";
const LNM_YAML = "/etc/usher/lnm.yaml";

type Documented = Installation | typeof SERVICE_COMMANDS[number];

/** Lines of the documentation as they are run in there; the new file is in /root. */
class Documentation {
  readonly #left = new Set<Documented>([...INSTALLATIONS, ...SERVICE_COMMANDS]);

  /** A script that runs `line`. */
  line(line: Documented, token = ""): string {
    this.#left.delete(line);
    return `cd /root && ${line.replace("TOKEN", token)}`;
  }

  /** Those that no script was made of. */
  get left(): Documented[] {
    return [...this.#left];
  }
}

/** All that an installation could leave behind. */
const LISTING = `{
  find /etc /usr/local /var/lib/usher /run/usher /root -xdev \\
    -not -path '/root/.usher*' -not -path '/etc/*-' 2>/dev/null || true
  getent passwd usher || true
} | sort`;

async function putsController(
  guest: DebianGuest,
  doc: Documentation,
  before: string,
): Promise<void> {
  const dry = await guest.must(
    doc.line("usher ctrl install --dry-run").replace("usher", "./usher"),
  );
  match(dry, /^would put \/usr\/local\/bin\/usher$/m);
  strictEqual(await guest.must(LISTING), before);
  await guest.must(doc.line("./usher ctrl install --no-start"));
  await guest.must(writes(CTRL_YAML, ctrlYaml()));
  await guest.must(doc.line("./usher ctrl install"));
  match(
    await guest.must(doc.line("journalctl --unit usher-ctrl")),
    /ready: clients on port 8440/,
  );
  strictEqual(
    await guest.must(
      "stat -c %U /proc/$(systemctl show -P MainPID usher-ctrl)",
    ),
    "usher",
  );
}

/** What is right is taken by the same process; what is wrong fails the reload, with its place. */
async function readsAnew(
  guest: DebianGuest,
  doc: Documentation,
): Promise<void> {
  const pid = await guest.must("systemctl show -P MainPID usher-ctrl");
  await guest.must(writes(CTRL_YAML, ctrlYaml({ session_ttl: "2h" })));
  await guest.must("systemctl reload usher-ctrl");
  match(
    await guest.must("journalctl -u usher-ctrl -o cat -n 20"),
    /^taken: session_ttl 30d → 2h$/m,
  );
  await guest.must(writes(CTRL_YAML, ctrlYaml({ sesion_ttl: "2h" })));
  const { code } = await guest.run("systemctl reload usher-ctrl");
  ok(code !== 0);
  match(
    await guest.must("journalctl -u usher-ctrl -o cat -n 20"),
    /ctrl\.yaml:1:\d+: unknown key "sesion_ttl"/,
  );
  // At a signal nobody waits for an answer, so it stands in the log.
  await guest.must("systemctl kill --kill-whom=main -s HUP usher-ctrl");
  await guest.prints(
    /the configuration was not taken; what runs goes on/,
    doc.line("journalctl --unit usher-ctrl --priority err"),
  );
  await guest.must(writes(CTRL_YAML, ctrlYaml()));
  await guest.must("systemctl reload usher-ctrl");
  strictEqual(
    await guest.must("systemctl show -P MainPID usher-ctrl"),
    pid,
  );
  await guest.must(
    doc.line("journalctl USHER_PLUGIN=bomb --output json"),
  );
}

async function makesNode(
  guest: DebianGuest,
  doc: Documentation,
): Promise<void> {
  match(
    await guest.must(doc.line("./usher lnm install")),
    /^leave usher-lnm off: this node has not joined a site/m,
  );
  await guest.must(writes(LNM_YAML, lnmYaml()));
  await guest.must(`${LOGIN}
    token=$(usher node token)
    ${doc.line("usher lnm install --dry-run --join TOKEN", '"$token"')}
    ${doc.line("./usher lnm install --join TOKEN", '"$token"')}`);
  // The same file by its other name.
  match(await guest.must("ush -c 'nodes'"), /^node1 /m);
  await startVm(guest);
}

async function isWatched(
  guest: DebianGuest,
  processes: NodeProcesses,
): Promise<void> {
  const drop = `[Service]\nWatchdogSec=${WATCHDOG_S}s\n`;
  await guest.must(
    writes("/etc/systemd/system/usher-lnm.service.d/test.conf", drop) +
      "systemctl daemon-reload; systemctl restart usher-lnm\n" +
      "kill -STOP $(systemctl show -P MainPID usher-lnm)",
  );
  await guest.prints(
    /^1 active$/m,
    "echo $(systemctl show -P NRestarts usher-lnm) $(systemctl is-active usher-lnm)",
  );
  match(
    await guest.must("journalctl -u usher-lnm -o cat"),
    /Watchdog timeout/,
  );
  await processes.guestRunsOn("in a new process");
  await guest.must(
    "rm -r /etc/systemd/system/usher-lnm.service.d; systemctl daemon-reload",
  );
}

async function survivesOom(
  guest: DebianGuest,
  processes: NodeProcesses,
): Promise<void> {
  const group = "/sys/fs/cgroup/system.slice/usher-lnm.service";
  await guest.must(`
    echo $(($(cat ${group}/memory.current) + 64 * ${MIB})) >${group}/memory.max
    (
      echo $BASHPID >${group}/cgroup.procs
      echo 1000 >/proc/self/oom_score_adj
      exec dd if=/dev/zero of=/dev/null bs=400M count=1 2>/dev/null
    ) || true
    grep -q 'oom_kill [1-9]' ${group}/memory.events
    echo max >${group}/memory.max
    systemctl is-active usher-lnm`);
  await processes.guestRunsOn("in the same");
}

/** With lines of JSON in the journal from here on, since that takes a restart. */
async function stopsAndStarts(
  guest: DebianGuest,
  processes: NodeProcesses,
): Promise<void> {
  await guest.must(writes(LNM_YAML, lnmYaml({ log: { format: "json" } })));
  await guest.must("systemctl stop usher-lnm");
  await guest.must(`test -d /proc/${processes.qemu}`);
  await guest.must("systemctl start usher-lnm");
  await processes.guestRunsOn("in a new process");
  const entry = JSON.parse(
    await guest.prints(
      /connected to the controller/,
      "journalctl -u usher-lnm -o json | grep 'level.*connected to the controller' | tail -n 1",
    ),
  );
  const { level, message } = JSON.parse(entry.MESSAGE);
  deepStrictEqual([level, message, entry.PRIORITY], [
    "info",
    "connected to the controller",
    "6",
  ]);
}

async function upgrades(
  guest: DebianGuest,
  doc: Documentation,
  processes: NodeProcesses,
): Promise<void> {
  // A byte that nobody reads: the padding of an ELF file's first lines.
  const out = await guest.must(`
    cp /root/usher /root/newer
    printf x | dd of=/root/newer bs=1 seek=15 conv=notrunc status=none
    mv /root/newer /root/usher
    ${doc.line("./usher lnm install")}
    cmp /root/usher /usr/local/bin/usher`);
  match(out, /^restart usher-lnm$/m);
  match(out, /^keeps \/etc\/usher\/lnm\.yaml/m);
  match(out, /usher-ctrl runs the older file still/);
  await processes.guestRunsOn("in a new process");
  await guest.prints(/ running /, "usher vm list");
}

async function isTakenAway(
  guest: DebianGuest,
  doc: Documentation,
  before: string,
): Promise<void> {
  const refused = await guest.run(doc.line("usher lnm uninstall --purge"));
  match(refused.out, /1 guest\(s\) run on this machine/);
  ok(refused.code !== 0);
  await guest.must("usher vm destroy web");
  const dry = await guest.must(doc.line("usher lnm uninstall --dry-run"));
  match(dry, /^would stop usher-lnm/m);
  match(
    await guest.must(doc.line("usher lnm uninstall")),
    /^keeps \/var\/lib\/usher\/lnm: usher lnm uninstall --purge removes it$/m,
  );
  await guest.must(doc.line("usher lnm uninstall --purge"));
  await guest.must(doc.line("usher ctrl uninstall --dry-run"));
  const out = await guest.must(doc.line("usher ctrl uninstall --purge"));
  match(out, /keeps \/etc\/usher\/ctrl\.yaml, which was edited/);
  await guest.must(
    "rm /etc/usher/*.yaml; rmdir /etc/usher; systemctl daemon-reload",
  );
  strictEqual(await guest.must(LISTING), before);
  match(
    await guest.must("systemctl list-units --all 'usher*'"),
    /^0 loaded/m,
  );
}

const VERSIONS =
  "echo $(. /etc/os-release; echo $PRETTY_NAME), Linux $(uname -r), $(systemctl --version | head -n 1)";

/** `docs/services.md`. */
function page(seconds: ReadonlyMap<string, number>, machine: string): string {
  const rows = [...seconds].map(([step, took]) => `| ${step} | ${took} |`);
  return `# The last run under systemd

Written by the run itself (\`deno task test:long\`): usher's services in a virtual machine
of its own, without a processor that helps it, so what takes a second on a machine
takes ten here. At each step the guest of the node must run on in the process it was
started in. What of it fits two minutes is part of every run of the tests.

| | |
|---|---|
| date | ${new Date().toISOString().slice(0, 10)} |
| machine | ${machine} |

| step | seconds |
|---|---|
${rows.join("\n")}
`;
}

Deno.test({
  name:
    "under a real systemd usher is installed, read anew, watched, upgraded and taken away, and its guest runs on in its process",
  ignore: whyNoDebian() !== undefined,
  async fn(t) {
    await using guest = await DebianGuest.boot(await compiledUsher());
    const before = await guest.must(LISTING);
    const doc = new Documentation();
    let processes: NodeProcesses;
    const seconds = await stepsOf(t, {
      "install puts the controller in place": () =>
        putsController(guest, doc, before),
      "systemctl reload has the configuration read anew, or fails and says where it is wrong":
        () => readsAnew(guest, doc),
      async "lnm install --join makes a node of it, whose guest runs"() {
        await makesNode(guest, doc);
        processes = await NodeProcesses.of(guest);
      },
      "a service that hangs is started anew": () => isWatched(guest, processes),
      "a process of the service that the kernel ends for its memory takes nobody with it":
        () => survivesOom(guest, processes),
      "stop ends the manager alone, and start finds the guest": () =>
        stopsAndStarts(guest, processes),
      "an upgrade in place replaces the file": () =>
        upgrades(guest, doc, processes),
      "uninstall names what stays, touches no guest, and at last leaves nothing":
        () => isTakenAway(guest, doc, before),
      "every line of the documentation was run": () => {
        deepStrictEqual(doc.left, []);
        return Promise.resolve();
      },
    });
    await Deno.writeTextFile(
      `${REPOSITORY}docs/services.md`,
      page(seconds, await guest.must(VERSIONS)),
    );
  },
});
