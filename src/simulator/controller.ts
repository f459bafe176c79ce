/**
 * The simulated controller's machine: the real engine and the real APIs on a
 * disk that survives, started again whenever it dies.
 *
 * @module
 */
import { clientsApi } from "../ctrl/api/app.ts";
import { type Engine, openEngine } from "../ctrl/engine.ts";
import { nodesApi } from "../ctrl/node_api/app.ts";
import { isoNow } from "../ctrl/context.ts";
import { siteValue } from "../ctrl/events/site_value.ts";
import { LiveConfig } from "../ctrl/configuration/live_config.ts";
import { ConfigReload } from "../ctrl/configuration/reload.ts";
import { HostedPlugins, type PluginHosting } from "../ctrl/plugins/hosted.ts";
import type { Site } from "../ctrl/site.ts";
import { messageOf, UsherError } from "../error/mod.ts";
import type { CtrlConfig } from "../schema/config.ts";
import { openMemoryStore } from "../store/memory_store.ts";
import type { Store } from "../store/store.ts";
import { idMaker } from "../sys/id.ts";
import type { Log } from "../sys/log.ts";
import type { SimDisk } from "./disk.ts";
import type { Server } from "./network.ts";
import type { Random } from "./random.ts";
import { Process, type VirtualClock } from "./virtual_clock.ts";

/** How long its service manager waits before it starts it again, in ms. */
const RESTART_MS = 2000;

/** What the controller is made with. */
export interface ControllerParts {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly disk: SimDisk;
  readonly config: CtrlConfig;
  /** How it runs plugins. */
  readonly hosting: PluginHosting;
  readonly log: Log;
  /** Told of each engine, before it serves. */
  readonly onEngine: (engine: Engine) => void;
}

/** One life of the controller's process. */
interface Life {
  readonly process: Process;
  readonly closing: AbortController;
  engine: Engine | null;
  store: Store | null;
  nodes: ((request: Request) => Promise<Response>) | null;
  clients: ReturnType<typeof clientsApi> | null;
}

/** The controller, over all its lives. */
export class Controller {
  readonly #parts: ControllerParts;
  /** What a restart waits on; it outlives every life. */
  readonly #manager: Process;
  #life: Life | null = null;
  #lives = 0;
  /** The token of the administrator that talks to this life. */
  token = "";

  constructor(parts: ControllerParts) {
    this.#parts = parts;
    this.#manager = new Process(parts.clock);
  }

  /** The process that runs, or null. */
  get process(): Process | null {
    return this.#life?.process ?? null;
  }

  /** The engine that serves, or null. */
  get engine(): Engine | null {
    return this.#life?.nodes == null ? null : this.#life.engine;
  }

  /** Who answers nodes now. */
  nodes(): Server | null {
    const { process = null, nodes = null } = this.#life ?? {};
    if (process === null || nodes === null) return null;
    const init = { method: "POST", duplex: "half" } as const;
    return {
      process,
      handle: (body) =>
        nodes(new Request("https://ctrl/v1/session", { ...init, body })),
    };
  }

  /** Who answers a client's `request` now. */
  clients(
    request: (body: ReadableStream<Uint8Array>) => Request,
  ): Server | null {
    const { process = null, clients = null } = this.#life ?? {};
    if (process === null || clients === null) return null;
    const connection = { address: "192.0.2.1" };
    return { process, handle: (body) => clients(request(body), connection) };
  }

  /** Starts it, and again whenever it ends by itself. */
  start(): void {
    const { clock, log } = this.#parts;
    const life: Life = {
      process: new Process(clock),
      closing: new AbortController(),
      engine: null,
      store: null,
      nodes: null,
      clients: null,
    };
    this.#life = life;
    this.#run(life).catch((error) => {
      if (life.process.isDead) return;
      log.error("the controller cannot start", { error: messageOf(error) });
      this.#end(life);
      this.startLater();
    });
  }

  /** Starts it once its service manager has waited. */
  startLater(): void {
    this.#manager.after(RESTART_MS, () => {
      if (this.#life === null) this.start();
    });
  }

  /** Kills it at once; answers the process that is gone. */
  kill(): Process | null {
    const life = this.#life;
    if (life === null) return null;
    this.#end(life);
    return life.process;
  }

  #end(life: Life): void {
    life.process.kill();
    if (this.#life === life) this.#life = null;
  }

  /** Ends it as SIGTERM does; what it does then takes its time. */
  async stop(): Promise<Process | null> {
    const life = this.#life;
    if (life === null) return null;
    life.closing.abort("the controller ends");
    life.engine?.changes.close();
    await life.engine?.runner.stop();
    await life.store?.close().catch(() => {});
    this.#end(life);
    return life.process;
  }

  async #run(life: Life): Promise<void> {
    const { random, disk, config, log, hosting } = this.#parts;
    const { process, closing } = life;
    const its = random.fork(`life ${++this.#lives}`);
    const newId = idMaker(() => process.now(), (length) => its.bytes(length));
    const now = () => process.now();
    const turn = () => process.sleep(0);
    disk.belongTo(process);
    life.store = await openMemoryStore({ database: disk, now, turn, newId });
    const context = { clock: process, newId, log };
    const newSecret = () => newId() + newId();
    const { store } = life;
    const { epoch } = store.holder;
    const at = isoNow(context);
    const known = siteValue({ config, version: "sim", epoch, at });
    const hosted = new HostedPlugins(hosting, { context, site: () => known });
    const engine = await openEngine({
      config,
      context,
      store,
      newSecret,
      version: "sim",
      events: hosted.events,
      asks: hosted.asks,
    });
    life.engine = engine;
    const plugins = await hosted.load({ ...engine, store });
    this.token = engine.accounts.openLocalSession();
    this.#parts.onEngine(engine);
    await engine.recover();
    const site: Site = {
      ...engine,
      plugins,
      context,
      config,
      configuration: new ConfigReload({
        context,
        live: new LiveConfig(config),
        plugins,
        onTaken: () => {},
      }),
      version: "sim",
      ca: { pem: "", fingerprint: "" },
      notices: () => [],
      signPeer: () =>
        Promise.reject(
          new UsherError("unsupported", "A simulated site signs nothing"),
        ),
      nodesUrl: "https://ctrl",
      closing: closing.signal,
    };
    life.clients = clientsApi(site);
    life.nodes = nodesApi(site, engine.session);
    void engine.keep(closing.signal);
  }
}
