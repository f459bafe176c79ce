/**
 * What an administrator does in a dom0 of the Xen lab past usher, with consoles,
 * saved guests and Xen's own daemons, and what a person sees of it by the
 * command line.
 *
 * @module
 */
import { match, strictEqual } from "node:assert/strict";
import { XEN_MS, type XenHost } from "./xen_host.ts";
import {
  bootFlags,
  domidOf,
  flagsOf,
  type LifeStep,
  stateOf,
  WEB,
} from "./xen_life.ts";
import { until } from "./wait.ts";

const XEN_BIN = "/usr/lib/xen-*/bin";
const XENSTORED = `${XEN_BIN}/oxenstored --pid-file /run/xenstore.pid`;
const QUIETLY = "</dev/null >/dev/null 2>&1";

/** `xl console`, held by somebody at a terminal, without which it takes nothing that is typed. */
class Hand implements AsyncDisposable {
  readonly #host: XenHost;
  /** Of what holds the line. */
  readonly pid: string;

  private constructor(host: XenHost, pid: string) {
    this.#host = host;
    this.pid = pid;
  }

  static async take(host: XenHost, domain: string): Promise<Hand> {
    await host.must(
      "rm -f /root/hand.* && mkfifo /root/hand.in\n" +
        `setsid script -qefc "exec xl console '${domain}'" /dev/null ` +
        "<>/root/hand.in >/root/hand.out 2>&1 &",
    );
    const pids = await host.prints(/^\d+$/m, "pidof xenconsole");
    return new Hand(host, pids.trim());
  }

  async type(line: string): Promise<void> {
    await this.#host.must(`printf '${line}\\r' >/root/hand.in`);
  }

  async sees(line: string): Promise<void> {
    await this.#host.prints(new RegExp(line), "cat /root/hand.out");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host.must(
      `kill -KILL ${this.pid}; while kill -0 ${this.pid} 2>/dev/null; do sleep 0.1; done`,
    );
  }
}

/** Starts Xen's console daemon anew, with these arguments. */
async function restartConsoles(
  host: XenHost,
  args: string,
  signal = "TERM",
): Promise<void> {
  await host.must(
    `pid=$(cat /run/xenconsoled.pid); kill -${signal} $pid\n` +
      "while kill -0 $pid 2>/dev/null; do sleep 0.1; done\n" +
      `${XEN_BIN}/xenconsoled ${args} --pid-file=/run/xenconsoled.pid ${QUIETLY}`,
  );
}

/** Deeds of people in dom0. */
export const BY_HAND: readonly LifeStep[] = [
  {
    name:
      "a console that somebody holds by hand is shared: both see all, and neither loses a byte",
    async run(site) {
      await using hand = await Hand.take(site.host, WEB);
      await site.type("web", "typed-from-afar-again");
      await hand.sees("typed-from-afar-again");
      await hand.type("typed-by-hand");
      await hand.sees("typed-by-hand");
      await site.untilPrinted("web", "typed-by-hand");
    },
  },
  {
    name:
      "where Xen keeps no log a console is one person's: whoever comes second is told, and the first keeps it",
    async run(site) {
      await restartConsoles(site.host, "");
      await site.usher("vm", "start", "quiet", ...bootFlags());
      const name = "quiet.default.admin";
      {
        await using hand = await Hand.take(site.host, name);
        const { code, err } = await site.run(["vm", "console", "quiet"]);
        strictEqual(code === 0, false, "it took what was taken");
        match(err, new RegExp(`process ${hand.pid} of its node has it`));
        match(err, /XENCONSOLED_ARGS/);
        await hand.type("still-the-hands");
        await hand.sees("still-the-hands");
      }
      await site.type("quiet", "now-from-afar");
      {
        await using _console = site.start(
          ...["vm", "console", "quiet", "--no-input"],
        );
        await site.host.prints(/^\d+$/m, "pidof xenconsole");
        const { out } = await site.host.run(
          `timeout 60 xl console '${name}' </dev/null`,
        );
        match(out, /Could not lock/);
      }
      await site.usher("vm", "destroy", "quiet");
      await restartConsoles(site.host, "--log=all");
      await site.type("web", "logged-again");
    },
  },
  {
    name:
      "a guest that is saved by hand has ended here, and is itself again once it is restored",
    async run(site) {
      const { status } = await site.ctrl.vm("web");
      await site.host.must(`xl save ${WEB} /root/web.saved`);

      const saved = await site.untilState("web", "crashed", "stopped");
      match(saved.status.reason, /saved or moved away by hand/);

      await site.host.must(`xl restore /root/web.saved && rm /root/web.saved`);
      const { status: after } = await site.untilState("web", "running");
      strictEqual(after.incarnation, status.incarnation);
      await site.type("web", "restored-by-hand");
      const before = await domidOf(site, WEB);
      await site.usher("vm", "cycle", "web");
      await until(
        "a cycle gave another domain",
        async () => await domidOf(site, WEB) !== before,
        { deadlineMs: XEN_MS, everyMs: 200 },
      );
      match(await flagsOf(site, WEB), /^[r-][b-]----$/);
    },
  },
  {
    name: "the xenstore is replaced while it serves, and nothing is noticed",
    async run(site) {
      const before = await domidOf(site, WEB);
      await site.host.must(
        `xenstore-control live-update -s -t 60 $(ls ${XEN_BIN}/oxenstored)`,
      );
      await site.usher("vm", "pause", "web");
      match(await flagsOf(site, WEB), /p/);
      await site.usher("vm", "resume", "web");
      await site.type("web", "after-the-update");
      strictEqual(await domidOf(site, WEB), before);
      strictEqual(await stateOf(site, "web"), "running");
    },
  },
  {
    name:
      "the xenstore is killed and started with nothing in it: what runs is still known, is powered off, and starts again",
    async run(site) {
      const before = await domidOf(site, WEB);
      const { status } = await site.ctrl.vm("web");
      await site.host.must(
        `kill -KILL $(cat /run/xenstore.pid)\n${XENSTORED} ${QUIETLY}\n` +
          `${XEN_BIN}/xen-init-dom0 ${QUIETLY}`,
      );
      // It has the rings of all guests, and does not ask for the store again.
      await restartConsoles(site.host, "--log=all", "KILL");

      // A domain without a name is known by its uuid.
      match(
        await site.host.must("xl list"),
        new RegExp(`^\\(null\\) +${before} `, "m"),
      );
      await site.ctrl.untilReady(site.host.name);
      const { status: after } = await site.untilState("web", "running");
      strictEqual(after.incarnation, status.incarnation);
      await site.usher("vm", "cycle", "web");
      match(await flagsOf(site, WEB), /^[r-][b-]----$/);
      strictEqual(await domidOf(site, WEB) === before, false);
      await site.type("web", "after-the-loss");
      await site.host.prints(
        /has lost its xenstore|xenstore tells nothing/,
        "tail -n 20 /var/log/usher.log",
      );
    },
  },
];
