import assert from "node:assert/strict";
import { MAX_TEXT, MAX_TIMERS } from "./lockdown.ts";

interface Answer {
  readonly value?: unknown;
  readonly error?: string;
  readonly lines: string[];
}

/** What a plugin's module gives in a locked worker without permissions. */
async function run(code: string, kinds: string[] = []): Promise<Answer> {
  const url = new URL(
    "../../../tests/support/locked_worker.ts",
    import.meta.url,
  );
  const worker = new Worker(url, {
    type: "module",
    deno: { permissions: "none" },
  });
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(event.message));
  };
  worker.postMessage({ code, kinds });
  try {
    return await promise;
  } finally {
    worker.terminate();
  }
}

/** Runs each expression, which may await, and says what it gives or throws. */
async function probe(
  expressions: Record<string, string>,
  kinds: string[] = [],
): Promise<Record<string, unknown>> {
  const parts = Object.entries(expressions).map(([name, code]) =>
    `try { out[${JSON.stringify(name)}] = await (async () => (${code}))(); }
     catch (e) { out[${JSON.stringify(name)}] = "threw " + e.message; }`
  );
  const { value, error } = await run(
    `const out = {}; ${parts.join("\n")} export default out;`,
    kinds,
  );
  assert.equal(error, undefined);
  return value as Record<string, unknown>;
}

const absent = (what: string) => `threw ${what} is not there for plugins`;

Deno.test("globals that reach other workers, the disk or the host are gone", async () => {
  const names = [
    ...["postMessage", "close", "BroadcastChannel", "Worker"],
    ...["caches", "Cache", "localStorage"],
  ];
  const found = await probe(
    Object.fromEntries(
      names.map((
        name,
      ) => [
        name,
        `typeof globalThis.${name} + ("${name}" in globalThis ? " there" : "")`,
      ]),
    ),
  );
  for (const name of names) assert.equal(found[name], "undefined", name);
});

Deno.test("without permissions nothing is left of Deno that acts, and its insides are out of reach", async () => {
  const found = await probe({
    kept: "Object.keys(Deno).sort()",
    symbols: "Object.getOwnPropertySymbols(Deno).length",
    internal: "typeof Deno.internal",
    assigned: "(Deno.kill = 1)",
    replaced: "(globalThis.Deno = {})",
    defined: "Object.defineProperty(globalThis, 'Deno', { value: {} })",
    deleted: "delete globalThis.Deno",
  });
  assert.deepEqual(found.kept, [
    ...["PermissionStatus", "Permissions", "args", "build", "env"],
    ...["errors", "inspect", "noColor", "permissions", "refTimer"],
    ...["unrefTimer", "version"],
  ]);
  assert.equal(found.symbols, 0);
  assert.equal(found.internal, "undefined");
  for (const name of ["assigned", "replaced", "defined", "deleted"]) {
    assert.match(String(found[name]), /^threw/, name);
  }
});

Deno.test("a granted kind of permission brings what needs it, and nothing else", async () => {
  const found = await probe({
    connect: "typeof Deno.connect",
    readFile: "typeof Deno.readFile",
    writeFile: "typeof Deno.writeFile",
    command: "typeof Deno.Command",
    kill: "typeof Deno.kill",
  }, ["net", "read"]);
  assert.deepEqual(found, {
    connect: "function",
    readFile: "function",
    writeFile: "undefined",
    command: "undefined",
    kill: "undefined",
  });
});

Deno.test("no signal can be listened to, sent or kept away", async () => {
  const found = await probe({
    on: "process.on('SIGTERM', () => {})",
    once: "process.once('SIGINT', () => {})",
    kill: "process.kill(process.pid, 'SIGKILL')",
    other: "typeof process.on('beforeExit', () => {})",
  });
  assert.equal(found.on, absent("process.on(signal)"));
  assert.equal(found.once, absent("process.on(signal)"));
  assert.equal(found.kill, absent("process.kill"));
  assert.equal(found.other, "object");
});

Deno.test("the process cannot be ended, moved or rebound", async () => {
  const deeds = ["exit", "abort", "reallyExit", "chdir", "umask", "dlopen"];
  const found = await probe(
    Object.fromEntries(deeds.map((name) => [name, `process.${name}(0)`])),
  );
  for (const name of deeds) {
    assert.equal(found[name], absent(`process.${name}`), name);
  }
});

Deno.test("no second realm and no channel to other workers can be made, wherever the class comes from", async () => {
  const threads = "(await import('node:worker_threads'))";
  const found = await probe({
    thread: `new ${threads}.Worker("1", { eval: true })`,
    byDefault: `new ${threads}.default.Worker("1", { eval: true })`,
    required: "new (process.getBuiltinModule('node:worker_threads')).Worker" +
      "('1', { eval: true })",
    derived: `new (class extends ${threads}.Worker {})("1", { eval: true })`,
    mended:
      `Object.setPrototypeOf(${threads}.Worker, (await import("node:events")).EventEmitter)`,
    channel: `new ${threads}.BroadcastChannel("x")`,
    parent: `${threads}.parentPort?.postMessage`,
  });
  for (const name of ["thread", "byDefault", "required", "derived"]) {
    assert.equal(found[name], absent("node:worker_threads"), name);
  }
  assert.match(String(found.mended), /^threw/);
  assert.equal(found.channel, absent("BroadcastChannel"));
  assert.equal(found.parent, undefined);
});

Deno.test("no descriptor of the process is opened by its number", async () => {
  const found = await probe({
    sockets: `(async () => {
      const net = await import("node:net");
      const made = [];
      for (let fd = 3; fd < 64; fd++) {
        try { new net.Socket({ fd }); made.push(fd) } catch { /* refused */ }
      }
      return made;
    })()`,
    listener: `new Promise((done) => {
      process.getBuiltinModule("node:net").createServer()
        .on("error", (e) => done("error"))
        .listen({ fd: 6 }, () => done("listens"));
    })`,
  });
  assert.deepEqual(found.sockets, []);
  assert.notEqual(found.listener, "listens");
});

Deno.test("what is written to the console and the standard streams is handed on, and cut", async () => {
  const { lines } = await run(`
    console.log("a", { b: 1 });
    console.error("c");
    console.debug("d");
    console.table([1]);
    console.assert(false, "e");
    process.stdout.write("out\\n");
    process.stderr.write(new TextEncoder().encode("err"));
    console.log("x".repeat(100000));
    export default 0;
  `);
  assert.deepEqual(lines.slice(0, 7), [
    ...["info a { b: 1 }", "error c", "debug d", "info [ 1 ]"],
    ...["error Assertion failed e", "info out", "warn err"],
  ]);
  assert.equal(lines[7]?.length, "info ".length + MAX_TEXT + 1);
});

Deno.test("a value that is dangerous to show is not run", async () => {
  const { lines } = await run(`
    console.log({ get x() { throw new Error("run") } });
    console.log(new Proxy({}, { get() { throw new Error("run") } }));
    console.log({ [Symbol.for("Deno.customInspect")]() { throw new Error("run") } });
    export default 0;
  `);
  assert.equal(lines.length, 3);
  assert.match(lines[2] ?? "", /cannot be shown/);
});

Deno.test("timers are bounded, and those that ended or were stopped leave room", async () => {
  const found = await probe({
    tooMany: `(() => { for (;;) setTimeout(() => {}, 1e6) })()`,
    cleared: `(() => { for (let id = 1; id < 5000; id++) clearTimeout(id);
      return typeof setTimeout(() => {}, 1) })()`,
    ended: `(async () => { for (let i = 0; i < 3000; i++)
      await new Promise((done) => setImmediate(done)); return "went on" })()`,
    text: `setTimeout("1", 1)`,
  });
  assert.equal(
    found.tooMany,
    `threw ${MAX_TIMERS} timers may wait at a time`,
  );
  assert.match(String(found.cleared), /number|object/);
  assert.equal(found.ended, "went on");
  assert.match(String(found.text), /needs a function/);
});

Deno.test("what every object inherits cannot be added to, and JSON and promises stay as they are", async () => {
  const found = await probe({
    added: "(Object.prototype.polluted = 1)",
    seen: "({}).polluted",
    json: "(JSON.stringify = () => 'forged')",
    then: "(Promise.prototype.then = () => {})",
    data: "Object.defineProperty(MessageEvent.prototype, 'data', { value: 1 })",
    own: "Object.assign({}, { toString: () => 'mine' }).toString()",
    assigned: "(() => { const o = {}; o.toString = () => 'mine'; " +
      "return o.toString() })()",
  });
  for (const name of ["added", "json", "then", "data"]) {
    assert.match(String(found[name]), /^threw/, name);
  }
  assert.equal(found.seen, undefined);
  assert.equal(found.own, "mine");
  assert.equal(found.assigned, "mine");
});

Deno.test("what plugins need is there: fetch, streams, crypto, timers, ports, node modules", async () => {
  const found = await probe({
    fetch: "(await fetch('data:text/plain,x')).text()",
    crypto: "crypto.randomUUID().length",
    sleep: "new Promise((done) => setTimeout(() => done('slept'), 1))",
    interval:
      `new Promise((done) => { const id = setInterval(() => { clearInterval(id); done("ticked") }, 1) })`,
    port:
      `new Promise((done) => { const { port1, port2 } = new MessageChannel();
      port1.onmessage = (e) => { port1.close(); done(e.data) }; port2.postMessage("sent") })`,
    abort: "AbortSignal.timeout(1e6).aborted",
    buffer: "(await import('node:buffer')).Buffer.from('x').toString('hex')",
    net: "typeof (await import('node:net')).connect",
    emitter: "new (await import('node:events')).EventEmitter().emit('x')",
    clone: "structuredClone({ a: 1 }).a",
  });
  assert.deepEqual(found, {
    fetch: "x",
    crypto: 36,
    sleep: "slept",
    interval: "ticked",
    port: "sent",
    abort: false,
    buffer: "78",
    net: "function",
    emitter: false,
    clone: 1,
  });
});
