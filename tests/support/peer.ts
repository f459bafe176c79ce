/**
 * A node that is played by its test: it says and hears the frames of a
 * session, against the inside of a controller.
 *
 * @module
 */
import { Admission } from "../../src/ctrl/auth/admission.ts";
import { ownChecks } from "./own_checks.ts";
import { decodeLines } from "../../src/link/ndjson.ts";
import { openSession } from "../../src/ctrl/node_api/session.ts";
import type { NodeSessionParts } from "../../src/ctrl/node_api/session_parts.ts";
import { lookOnce } from "../../src/ctrl/nodes/node_watch.ts";
import { Nodes } from "../../src/ctrl/nodes/nodes.ts";
import type { AuditNote } from "../../src/schema/audit.ts";
import type { DomainFrame } from "../../src/schema/frame.ts";
import { newSecret } from "../../src/sys/id.ts";
import { SmallCtrl } from "./small_ctrl.ts";
import { until } from "./wait.ts";

/** A controller that awaits node n1. */
export interface World extends AsyncDisposable {
  readonly ctrl: SmallCtrl;
  readonly parts: NodeSessionParts;
  readonly secret: string;
  /** What was noted in the audit log. */
  readonly noted: AuditNote[];
  /** One look of the node watch. */
  look(): Promise<void>;
}

/** Opens one; a node may take `helloMs` to say what it runs. */
export async function world(helloMs = 30_000): Promise<World> {
  const ctrl = await SmallCtrl.open();
  const { context, records, links, runner, store } = ctrl;
  // No node is connected yet.
  links.link("n1").session = null;
  await records.write([{ kind: "node", key: "n1", value: null }]);
  const nodes = await Nodes.load(context, records, store, newSecret);
  const token = await nodes.newToken(null, 60_000);
  const { secret } = await nodes.enrol({
    secret: token.secret,
    name: "n1",
    version: "0",
  });
  const { domains, leftovers } = ctrl;
  const events = ownChecks({
    accounts: () => ({ check: () => Promise.resolve(null) }),
    nodes: () => nodes,
  });
  const admission = new Admission({ context, events });
  const noted: AuditNote[] = [];
  const audit = { note: (note: AuditNote) => void noted.push(note) };
  const common = { context, records, links, nodes, domains, leaseMs: 60_000 };
  return {
    ctrl,
    secret,
    noted,
    parts: { ...common, runner, admission, audit, helloMs },
    look: () => lookOnce({ ...common, leftovers }),
    [Symbol.asyncDispose]: () => ctrl[Symbol.asyncDispose](),
  };
}

/** A node's end of a session: what it says, and what it hears. */
export class Peer implements Disposable {
  readonly heard: { type: string; reason?: string }[] = [];
  readonly #say: ReadableStreamDefaultController<Uint8Array>;
  readonly done: Promise<void>;

  constructor(parts: NodeSessionParts) {
    let say!: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => void (say = controller),
    });
    this.#say = say;
    const { outgoing } = openSession(parts, body);
    this.done = this.#listen(outgoing);
  }

  async #listen(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const frame of decodeLines(stream, 1e6)) {
      this.heard.push(frame as { type: string });
    }
  }

  say(frame: unknown): void {
    const line = new TextEncoder().encode(`${JSON.stringify(frame)}\n`);
    try {
      this.#say.enqueue(line);
    } catch {
      // The controller closed it.
    }
  }

  hello(secret: string, bootId = "boot", more: object = {}): void {
    this.say({
      type: "hello",
      name: "n1",
      secret,
      version: "0",
      protocol: 1,
      bootId,
      capacity: { cpus: 1, memoryMiB: 1024 },
      drivers: [],
      domainCount: 100,
      resume: null,
      ...more,
    });
  }

  domains(domains: readonly Partial<DomainFrame>[], last = true): void {
    this.say({ type: "domains", domains: domains.map(domain), last });
  }

  async until(type: string): Promise<{ type: string; reason?: string }> {
    return await until(
      `a frame "${type}" is heard`,
      () => this.heard.find((frame) => frame.type === type),
      { deadlineMs: 20_000 },
    );
  }

  [Symbol.dispose](): void {
    try {
      this.#say.close();
    } catch {
      // The controller closed it.
    }
  }
}

/** A domain as a node reports it. */
export function domain(more: Partial<DomainFrame>): DomainFrame {
  return {
    driver: "sim",
    uid: null,
    domain: "d",
    name: "d",
    state: "running",
    reason: "",
    incarnation: null,
    generation: 0,
    ...more,
  };
}
