/**
 * The controller's certificate: renewed while it serves, and made anew when
 * the controller gets other names.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { connect } from "node:tls";
import { type Controller, startCtrl } from "../../src/ctrl/ctrl.ts";
import { runLnm } from "../../src/lnm/lnm.ts";
import { decodeLines } from "../../src/link/ndjson.ts";
import { CtrlConfig, LnmConfig } from "../../src/schema/config.ts";
import { encodeJoinToken } from "../../src/schema/join_token.ts";
import { type Clock, systemClock } from "../../src/sys/clock.ts";
import { HttpClient } from "../../src/sys/http_client.ts";
import { silentLog } from "../../src/sys/log.ts";
import { localPlugins } from "../support/local_plugins.ts";
import { until, within } from "../support/wait.ts";

const DAY = 86_400_000;

/** The machine's clock, behind by some days, whose long sleeps end when told. */
class LateClock implements Clock {
  behindMs: number;
  #wake = Promise.withResolvers<void>();

  constructor(behindMs: number) {
    this.behindMs = behindMs;
  }

  now(): number {
    return Date.now() - this.behindMs;
  }

  monotonic(): number {
    return systemClock.monotonic();
  }

  boot(): number {
    return systemClock.boot();
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms < DAY / 24) return await systemClock.sleep(ms, signal);
    const aborted = Promise.withResolvers<never>();
    signal?.addEventListener("abort", () => aborted.reject(signal.reason), {
      once: true,
    });
    await Promise.race([this.#wake.promise, aborted.promise]);
  }

  after(ms: number, run: () => void): Disposable {
    return systemClock.after(ms, run);
  }

  /** It is today, and an hour is over. */
  catchUp(): void {
    this.behindMs = 0;
    const { resolve } = this.#wake;
    this.#wake = Promise.withResolvers();
    resolve();
  }
}

function start(
  folder: string,
  names: string[],
  clock: Clock = systemClock,
): Promise<Controller> {
  const config = CtrlConfig.parse({
    state_dir: `${folder}/ctrl`,
    listen: { clients: "127.0.0.1:0", nodes: "127.0.0.1:0" },
    names,
    session_ttl: "1000d",
  });
  return startCtrl({
    config,
    version: "0",
    log: silentLog,
    clock,
    plugins: localPlugins(),
  });
}

/** What a port shows to someone new. */
function shownBy(
  port: number,
  ca: string,
): Promise<{ fingerprint: string; names: string }> {
  return within(
    "a certificate",
    30_000,
    new Promise((resolve, reject) => {
      const socket = connect(
        { host: "127.0.0.1", port, ca, servername: "localhost" },
        () => {
          const { fingerprint256, subjectaltname } = socket
            .getPeerCertificate();
          resolve({ fingerprint: fingerprint256, names: subjectaltname ?? "" });
          socket.destroy();
        },
      );
      socket.once("error", reject);
    }),
  );
}

async function inFolder(
  test: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "usher_certificate_" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Starts a VM over a connection of its own; answers how that ended. */
async function startVm(
  controller: Controller,
  token: string,
  name: string,
): Promise<string> {
  using client = new HttpClient(controller.site.ca.pem);
  const response = await client.fetch(
    `https://127.0.0.1:${controller.clientsPort}/v1/requests?follow=1`,
    {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ verb: "start", names: [name] }),
    },
  );
  const lines = (await response.text()).trimEnd().split("\n");
  return JSON.parse(lines.at(-1) ?? "").result.outcomes[0].state;
}

Deno.test("certificate: renewed while it serves; open streams live on and new connections get the new one", () =>
  inFolder(async (folder) => {
    // Of the ninety days of a leaf made then, 29 are left now: less than a third.
    const clock = new LateClock(61 * DAY);
    await using controller = await start(folder, ["127.0.0.1"], clock);
    const { accounts, ca, links, nodes, nodesUrl } = controller.site;
    const { token } = await accounts.openSession("admin", 1000 * DAY);
    const ending = new AbortController();
    const { secret } = await nodes.newToken("n1", DAY);
    const lnm = runLnm({
      config: LnmConfig.parse({
        name: "n1",
        state_dir: `${folder}/lnm`,
        run_dir: `${folder}/run`,
        drivers: { sim: { enabled: true }, qemu: { enabled: false } },
      }),
      join: encodeJoinToken({ url: nodesUrl, ca: ca.pem, secret }),
      version: "0",
      log: silentLog,
    }, ending.signal);
    await until("the node is connected", () => links.get("n1")?.ready, {
      deadlineMs: 60_000,
    });
    const session = links.get("n1")?.session;
    using watcher = new HttpClient(ca.pem);
    const watch = await watcher.fetch(
      `https://127.0.0.1:${controller.clientsPort}/v1/watch?kinds=vm`,
      { headers: { authorization: `Bearer ${token}` } },
    );
    const lines = decodeLines(watch.body!, 1e6);
    await lines.next();
    const ports = [controller.clientsPort, controller.nodesPort];
    const before = await Promise.all(
      ports.map((port) => shownBy(port, ca.pem)),
    );

    clock.catchUp();
    await until("both ports show another certificate", async () => {
      const now = await Promise.all(ports.map((port) => shownBy(port, ca.pem)));
      return now.every(({ fingerprint }, i) =>
        fingerprint !== before[i]?.fingerprint
      );
    }, { deadlineMs: 60_000 });

    strictEqual(await startVm(controller, token, "web"), "succeeded");
    strictEqual(links.get("n1")?.session, session, "the node never left");
    await within(
      "the watch that was open shows it",
      30_000,
      (async () => {
        for await (const line of lines) {
          if (JSON.stringify(line).includes('"state":"running"')) return;
        }
        throw new Error("the watch ended");
      })(),
    );
    ending.abort("the test is over");
    await lnm;
  }));

Deno.test("certificate: other names in the configuration give another one, by the same CA", () =>
  inFolder(async (folder) => {
    const shown: { fingerprint: string; names: string }[] = [];
    const cas: string[] = [];
    for (const names of [["old.example"], ["new.example", "10.1.2.3"]]) {
      await using controller = await start(folder, names);
      cas.push(controller.site.ca.pem);
      shown.push(await shownBy(controller.clientsPort, cas[0] ?? ""));
      match(controller.site.nodesUrl, new RegExp(`//${names[0]}:`));
    }
    strictEqual(cas[0], cas[1]);
    match(shown[0]?.names ?? "", /DNS:old\.example/);
    match(shown[1]?.names ?? "", /DNS:new\.example.*IP Address:10\.1\.2\.3/);
    ok(!shown[1]?.names.includes("old.example"));
    // Loopback is always in, so that the owner can always look.
    deepStrictEqual(
      shown.map(({ names }) => /DNS:localhost.*127\.0\.0\.1/.test(names)),
      [true, true],
    );
  }));
