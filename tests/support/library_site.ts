/**
 * The site that cases of the client library run against: a controller that can
 * be killed, behind a proxy that can cut its clients off, and two nodes.
 *
 * @module
 */
import { fingerprintOf } from "../../src/client/trust.ts";
import type { SuiteSite } from "../client/suite_site.ts";
import { CtrlProcess, lnmArgv } from "./ctrl_process.ts";
import { Proxy } from "./proxy.ts";
import { Role } from "./role.ts";

/** The site, and its wishes fulfilled. */
export class LibrarySite implements SuiteSite, AsyncDisposable {
  readonly user = "admin";
  readonly nowhere = `https://127.0.0.1:${closedPort()}`;
  readonly #folder: string;
  readonly #ctrl: CtrlProcess;
  readonly #proxy: Proxy;
  readonly #nodes: readonly Role[];

  private constructor(
    folder: string,
    ctrl: CtrlProcess,
    nodes: readonly Role[],
    readonly password: string,
    readonly caPem: string,
    readonly caFingerprint: string,
    readonly otherCaPem: string,
  ) {
    this.#folder = folder;
    this.#ctrl = ctrl;
    this.#nodes = nodes;
    this.#proxy = new Proxy(Number(new URL(ctrl.url).port));
  }

  static async start(otherCaPem: string): Promise<LibrarySite> {
    const folder = await Deno.makeTempDir({ prefix: "usher_library_" });
    const ctrl = await CtrlProcess.start(`${folder}/ctrl`);
    const [, password = ""] = /its password is (\S+)/.exec(ctrl.role.out) ?? [];
    const nodes = await Promise.all(["n1", "n2"].map(async (name) => {
      const { token } = await ctrl.call<{ token: string }>(
        "POST",
        "/v1/node-tokens",
        {},
      );
      const argv = [...lnmArgv(`${folder}/${name}`, name), "--join", token];
      return await Role.ready(argv);
    }));
    const caPem = await Deno.readTextFile(`${folder}/ctrl/tls/ca.pem`);
    return new LibrarySite(
      folder,
      ctrl,
      nodes,
      password,
      caPem,
      await fingerprintOf(caPem),
      otherCaPem,
    );
  }

  get url(): string {
    return `https://127.0.0.1:${this.#proxy.port}`;
  }

  async crash(): Promise<void> {
    await this.#ctrl.role.kill();
    await this.#ctrl.again();
  }

  cut(): Promise<void> {
    this.#proxy.cut();
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxy[Symbol.asyncDispose]();
    for (const node of this.#nodes) await node.kill();
    await this.#ctrl[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** A port that nothing listens on. */
function closedPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
