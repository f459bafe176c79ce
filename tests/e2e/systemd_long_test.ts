/**
 * usher as services of a real systemd, in a Debian guest of its own kernel: one
 * file is installed as controller and as node, and guests outlive whatever
 * happens to the node's service. The same kernel has all controllers of cgroup
 * v2, so it holds plugins to their limits there as a service's own group.
 *
 * One guest for all, since each takes a minute; steps stand in the order of a
 * service's life.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { compiledUsher } from "../support/compiled.ts";
import { DebianGuest, whyNoDebian } from "../support/debian_guest.ts";
import type { Installation } from "../support/installations.ts";
import { readRepository } from "../support/repository.ts";

/** A line of the documentation as it is run in there; the file is in /root. */
function documented(line: Installation, token = ""): string {
  return `cd /root && ${line.replace("TOKEN", token)}`;
}

const MIB = 2 ** 20;
const BOMB_MIB = 150;
/** What a service that hangs is given before it is started anew. */
const WATCHDOG_S = 20;

const CTRL = {
  listen: { clients: "127.0.0.1:8440", nodes: "127.0.0.1:8441" },
  plugin_dirs: ["/srv/site"],
  plugins: {
    users: {
      events: [
        { event: "client_authenticate", deadline: "5m" },
        { event: "lnm_authenticate", deadline: "5m" },
      ],
      grants: { ctx: ["accounts", "state"] },
      limits: { start: "10m", cpu: 4 },
    },
    bomb: runs({
      script: "exec dd if=/dev/zero of=/dev/null bs=400M count=1",
      limits: { memory: `${BOMB_MIB}MiB`, cpu: 2 },
    }),
    forks: runs({
      script: "while :; do sleep 1000 >/dev/null 2>&1 & done",
      limits: { memory: "700MiB", cpu: 2 },
    }),
  },
};

const LNM = {
  drivers: { qemu: { accel: "tcg", start_timeout: "10m" } },
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

/** A script that writes a file of the guest. */
function writes(path: string, text: string): string {
  return `mkdir -p ${path.slice(0, path.lastIndexOf("/"))}
cat >${path} <<'END-OF-FILE'
${text}
END-OF-FILE
`;
}

/** All that an installation could leave behind. */
const LISTING = `{
  find /etc /usr/local /var/lib/usher /run/usher /root -xdev \\
    -not -path '/root/.usher*' -not -path '/etc/*-' 2>/dev/null || true
  getent passwd usher || true
} | sort`;

/** Processes of guests. */
const QEMUS = `for one in /proc/[0-9]*; do
  case $(readlink $one/exe || true) in */qemu-system-x86_64) echo \${one#/proc/} ;; esac
done`;

/** The node's process, and that of its guest. */
const PIDS = `echo $(systemctl show -P MainPID usher-lnm) $(${QEMUS})`;

const GROUPS = "/sys/fs/cgroup/system.slice/usher-ctrl.service";

/** Writes the groups of the controller down, again and again, for as long as the guest lives. */
const WATCH_GROUPS = `
cat >/root/groups.sh <<'END'
while sleep 1; do
  for group in ${GROUPS}/*/; do
    echo "group \${group#${GROUPS}/}" \\
      "memory $(cat $group/memory.max) swap $(cat $group/memory.swap.max)" \\
      "cpu $(cat $group/cpu.max) weight $(cat $group/cpu.weight)" \\
      "tasks of $(cat $group/pids.max)"
  done
done >>/root/groups 2>/dev/null
END
systemd-run --quiet --unit groups bash /root/groups.sh`;

Deno.test({
  name:
    "under a real systemd usher is installed, watched, upgraded and taken away, and its guests and plugins keep what they were promised",
  ignore: whyNoDebian() !== undefined,
  async fn(t) {
    await using guest = await DebianGuest.boot(await compiledUsher());
    const before = await guest.must(LISTING);

    await t.step("install puts the controller in place", async () => {
      const dry = await guest.must(
        documented("usher ctrl install --dry-run").replace("usher", "./usher"),
      );
      match(dry, /^would put \/usr\/local\/bin\/usher$/m);
      strictEqual(await guest.must(LISTING), before);
      await guest.must(documented("./usher ctrl install --no-start"));
      const text = await readRepository("tests/fixtures/control_group/runs.ts");
      const plugins = ["bomb", "forks"].map((name) =>
        writes(`/srv/site/${name}.ts`, text.replace('"runs"', `"${name}"`))
      );
      await guest.must(
        plugins.join("") +
          writes("/etc/usher/ctrl.yaml", JSON.stringify(CTRL)) +
          writes("/etc/usher/lnm.yaml", JSON.stringify(LNM)) + WATCH_GROUPS,
      );
      // It says that it serves, and systemd waits for that.
      await guest.must(documented("./usher ctrl install"));
      match(
        await guest.must("journalctl -u usher-ctrl -o cat"),
        /ready: clients on port 8440/,
      );
      strictEqual(
        await guest.must(
          "stat -c %U /proc/$(systemctl show -P MainPID usher-ctrl)",
        ),
        "usher",
      );
    });

    await t.step(
      "the journal has each field, and how grave it is",
      async () => {
        const text = await guest.must(
          "journalctl -u usher-ctrl USHER_MESSAGE='limits of plugins' -o json -n 1",
        );
        const line = JSON.parse(text);
        strictEqual(line.PRIORITY, "6");
        strictEqual(line.SYSLOG_IDENTIFIER, "usher");
        strictEqual(line._TRANSPORT, "journal");
        deepStrictEqual(JSON.parse(line.USHER_KEPT_BY_KERNEL), [
          ...["memory", "cpu", "pids"],
        ]);
      },
    );

    await t.step(
      "the kernel holds plugins to their limits, together with the programs that they start",
      async () => {
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
        const groups = await guest.must("cat /root/groups");
        const max = (BOMB_MIB + 32) * MIB;
        const [, pid] = new RegExp(
          `group plugin-(\\d+)/ memory ${max} swap 0 cpu 200000 100000 weight \\d+ tasks of 512$`,
          "m",
        ).exec(groups) ?? [];
        ok(pid !== undefined, groups);
        match(groups, /group controller\/ .* weight 1000 /);
        // What was killed has left no group, and the controller is still there.
        await guest.must(`test ! -e ${GROUPS}/plugin-${pid}`);
        await guest.must("systemctl is-active usher-ctrl");
      },
    );

    await t.step(
      "lnm install --join makes a node of it, whose guest runs",
      async () => {
        await guest.must(`
        said=$(journalctl -u usher-ctrl -o cat)
        password=$(sed -n 's/.*its password is //p' <<<"$said")
        ca=$(sed -n 's/.*CA SHA-256 //p' <<<"$said")
        usher login https://127.0.0.1:8440 --user admin --password-stdin --ca-fingerprint "$ca" <<<"$password"
        token=$(usher node token)
        ${documented("usher lnm install --dry-run --join TOKEN", '"$token"')}
        ${documented("./usher lnm install --join TOKEN", '"$token"')}`);
        await guest.prints(
          /^connected to the controller$/m,
          "systemctl show -P StatusText usher-lnm",
        );
        await guest.must(
          "usher vm start web --memory 32MiB --disk path=/srv/guest/boot.raw,format=raw",
        );
      },
    );

    /** The guest's process; it is the same, and usher knows it. */
    const pids = async () => (await guest.must(PIDS)).split(" ");
    let [lnm = "", qemu = ""] = await pids();
    const isUntouched = async (how: RegExp) => {
      const [now = "", same] = await pids();
      match(qemu, /^\d+$/);
      strictEqual(same, qemu);
      ok(how.test("new") ? now !== lnm : now === lnm, `${lnm} ${now}`);
      lnm = now;
    };

    await t.step("restart: same guest, same process", async () => {
      await guest.must("systemctl restart usher-lnm");
      await isUntouched(/new/);
      await guest.prints(/ running /, "usher vm list");
    });

    await t.step(
      "a service that hangs is started anew, and guests run on",
      async () => {
        const drop = `[Service]\nWatchdogSec=${WATCHDOG_S}s\n`;
        await guest.must(
          writes("/etc/systemd/system/usher-lnm.service.d/test.conf", drop) +
            "systemctl daemon-reload; systemctl restart usher-lnm\n" +
            "kill -STOP $(systemctl show -P MainPID usher-lnm)",
        );
        const states = await guest.prints(
          /^1 active$/m,
          "echo $(systemctl show -P NRestarts usher-lnm) $(systemctl is-active usher-lnm)",
        );
        match(states, /^1 active/);
        match(
          await guest.must("journalctl -u usher-lnm -o cat"),
          /Watchdog timeout/,
        );
        await isUntouched(/new/);
        await guest.must(
          "rm -r /etc/systemd/system/usher-lnm.service.d; systemctl daemon-reload",
        );
      },
    );

    await t.step(
      "a process of the service that the kernel ends for its memory takes nobody with it",
      async () => {
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
        await isUntouched(/same/);
      },
    );

    await t.step(
      "stop ends the manager alone, and start finds the guest",
      async () => {
        await guest.must("systemctl stop usher-lnm");
        strictEqual(
          (await guest.must(QEMUS)).trim(),
          qemu,
        );
        await guest.must("systemctl start usher-lnm");
        await isUntouched(/new/);
      },
    );

    await t.step(
      "an upgrade in place replaces the file, and guests run on",
      async () => {
        // A byte that nobody reads: the padding of an ELF file's first lines.
        const out = await guest.must(`
        cp /root/usher /root/newer
        printf x | dd of=/root/newer bs=1 seek=15 conv=notrunc status=none
        mv /root/newer /root/usher
        ${documented("./usher lnm install")}
        cmp /root/usher /usr/local/bin/usher`);
        match(out, /^restart usher-lnm$/m);
        match(out, /^keeps \/etc\/usher\/lnm\.yaml/m);
        match(out, /usher-ctrl runs the older file still/);
        await isUntouched(/new/);
      },
    );

    await t.step(
      "uninstall names what stays, touches no guest, and at last leaves nothing",
      async () => {
        const refused = await guest.run(
          documented("usher lnm uninstall --purge"),
        );
        match(refused.out, /Cannot purge: 1 guest/);
        ok(refused.code !== 0);
        await guest.prints(/ running /, "usher vm list");
        await guest.must("usher vm destroy web");
        await guest.must("usher lnm uninstall --purge");
        const out = await guest.must("/root/usher ctrl uninstall --purge");
        match(out, /keeps \/etc\/usher\/ctrl\.yaml, which was edited/);
        await guest.must(
          "rm /root/groups* /etc/usher/*.yaml; rmdir /etc/usher; systemctl daemon-reload",
        );
        strictEqual(await guest.must(LISTING), before);
        match(
          await guest.must("systemctl list-units --all 'usher*'"),
          /^0 loaded/m,
        );
      },
    );
  },
});
