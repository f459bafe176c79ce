/**
 * What a worker would let a plugin do though it was given no permission, taken
 * away before the plugin is loaded.
 *
 * This is the inner wall. The outer one is the plugin's process, which is
 * watched and killed from outside, whose output is captured, and whose frames
 * carry what no worker can read (docs/decisions/0053): a way around this wall
 * ends there.
 *
 * What stays of `Deno` is a list, so that what a later Deno adds is not there.
 *
 * @module
 */
import type { PermissionSet } from "../../schema/plugin.ts";

/** What is written to the console, standard output or standard error goes here. */
export type WallWriter = (
  level: "debug" | "info" | "warn" | "error",
  text: string,
) => void;

/** How a worker is locked down. */
export interface Wall {
  /** The kinds of permission that it has; what needs none of them goes. */
  readonly kinds: readonly (keyof PermissionSet)[];
  readonly write: WallWriter;
}

/** So many timers may be waiting at a time. */
export const MAX_TIMERS = 1000;
/** The longest text that is handed on at a time, in UTF-16 units. */
export const MAX_TEXT = 8192;

// deno-lint-ignore no-explicit-any -- a global scope, which is anything
type Scope = Record<PropertyKey, any>;

/** Globals that reach other workers, the process, the disk or the host. */
const GONE = [
  ...["postMessage", "close"],
  ...["BroadcastChannel", "Worker", "SharedWorker"],
  ...["caches", "Cache", "CacheStorage", "localStorage", "sessionStorage"],
  ...["alert", "confirm", "prompt"],
];

/** What is left of `Deno`, by the permission that it is for. */
const KEPT: Readonly<Record<"always" | keyof PermissionSet, string[]>> = {
  // Modules of Node look at `Deno.env` when they are loaded, and it refuses.
  always: [
    ...[
      "build",
      "env",
      "errors",
      "inspect",
      "noColor",
      "permissions",
      "version",
    ],
    ...["Permissions", "PermissionStatus", "refTimer", "unrefTimer"],
  ],
  net: [
    ...["HttpClient", "connect", "connectTls", "createHttpClient", "listen"],
    ...["listenDatagram", "listenTls", "resolveDns", "serve", "startTls"],
    "upgradeWebSocket",
  ],
  read: [
    ...["FsFile", "SeekMode", "lstat", "lstatSync", "open", "openSync"],
    ...["readDir", "readDirSync", "readFile", "readFileSync", "readLink"],
    ...["readLinkSync", "readTextFile", "readTextFileSync", "realPath"],
    ...["realPathSync", "stat", "statSync", "watchFs"],
  ],
  write: [
    ...["FsFile", "SeekMode", "chmod", "chmodSync", "chown", "chownSync"],
    ...["copyFile", "copyFileSync", "create", "createSync", "link"],
    ...["linkSync", "makeTempDir", "makeTempDirSync", "makeTempFile"],
    ...["makeTempFileSync", "mkdir", "mkdirSync", "open", "openSync"],
    ...["remove", "removeSync", "rename", "renameSync", "symlink"],
    ...["symlinkSync", "truncate", "truncateSync", "utime", "utimeSync"],
    ...["writeFile", "writeFileSync", "writeTextFile", "writeTextFileSync"],
  ],
  env: [],
  sys: [
    ...["gid", "hostname", "loadavg", "networkInterfaces", "osRelease"],
    ...["osUptime", "systemMemoryInfo", "uid"],
  ],
  run: ["ChildProcess", "Command"],
};

/** The permission that brings something of `Deno`; null for what no permission does. */
export function permissionFor(name: string): keyof PermissionSet | null {
  const kinds = Object.keys(KEPT).filter((it) => it !== "always");
  return (kinds as (keyof PermissionSet)[])
    .find((kind) => KEPT[kind].includes(name)) ?? null;
}

/** Of `process`: what ends, signals, frees or rebinds the whole of it. */
const PROCESS_DEEDS = [
  ...["_kill", "abort", "binding", "chdir", "disconnect", "dlopen", "exit"],
  ...["_debugProcess", "_linkedBinding", "initgroups", "kill", "openStdin"],
  ...["reallyExit", "send", "setegid", "seteuid", "setgid", "setgroups"],
  ...["setuid", "umask"],
];

/** Takes away what the worker of this global scope must not have. Run before anything of the plugin's. */
export function lockDown(scope: object, wall: Wall): void {
  const world = scope as Scope;
  const { inspect } = world.Deno;
  refuseRealms(world);
  refuseDescriptors(world.process);
  for (const name of GONE) delete world[name];
  lockProcess(world.process, wall.write);
  fix(world, "Deno", reduced(world.Deno, wall.kinds));
  fix(world, "console", makeConsole(world.console, inspect, wall.write));
  limitTimers(world);
  freezeShared(world);
}

/**
 * No second realm, in which all of this would be there again, and no channel
 * to other workers. The classes are the same wherever they are imported from,
 * and a derived constructor asks its class's prototype for the one above it,
 * so this holds for `node:worker_threads` as for the globals.
 */
function refuseRealms(world: Scope): void {
  const threads = world.process.getBuiltinModule("node:worker_threads");
  const classes: Scope = {
    Worker: world.Worker,
    "node:worker_threads": threads.Worker,
    BroadcastChannel: world.BroadcastChannel,
  };
  for (const [name, made] of Object.entries(classes)) {
    Object.setPrototypeOf(made, refuse(name));
    Object.preventExtensions(made);
  }
}

/**
 * Descriptors of the process, the host's socket to the controller among them,
 * can be opened by number, and no permission is asked for it.
 */
function refuseDescriptors(process: Scope): void {
  for (
    const [module, name] of [
      ["pipe_wrap", "Pipe"],
      ["tcp_wrap", "TCP"],
      ["udp_wrap", "UDP"],
      ["tty_wrap", "TTY"],
    ] as const
  ) {
    const prototype = process.binding(module)[name]?.prototype;
    if (prototype) fix(prototype, "open", refuse("a descriptor by number"));
  }
}

function reduced(deno: Scope, kinds: Wall["kinds"]): Scope {
  const kept: Scope = { args: [] };
  for (const name of ["always", ...kinds] as const) {
    for (const key of KEPT[name]) {
      if (key in deno) kept[key] = deno[key];
    }
  }
  return Object.freeze(kept);
}

function lockProcess(process: Scope, write: WallWriter): void {
  for (const name of PROCESS_DEEDS) {
    if (name in process) fix(process, name, refuse(`process.${name}`));
  }
  fix(process, "stdout", makeOutput("info", write));
  fix(process, "stderr", makeOutput("warn", write));
  fix(process, "stdin", null);
  fix(process, "report", null);
  for (
    const name of [
      ...["on", "once", "addListener", "prependListener"],
      "prependOnceListener",
    ]
  ) {
    const original = process[name];
    if (typeof original === "function") {
      fix(process, name, withoutSignals(original));
    }
  }
}

/** Node listens to a signal when a listener for an event of its name is added. */
function withoutSignals(add: (...args: unknown[]) => unknown) {
  return function (this: unknown, event: unknown, ...rest: unknown[]) {
    if (/^SIG/.test(String(event))) refuse("process.on(signal)")();
    return add.call(this, event, ...rest);
  };
}

/** As much of a Writable as programs use of standard output. */
function makeOutput(level: "info" | "warn", write: WallWriter): Scope {
  const output: Scope = {
    isTTY: false,
    writable: true,
    write(chunk: unknown, ...rest: unknown[]) {
      const text = chunk instanceof Uint8Array
        ? new TextDecoder().decode(chunk.subarray(0, 4 * MAX_TEXT))
        : String(chunk);
      write(level, cut(text.replace(/\n$/, "")));
      const done = rest.at(-1);
      if (typeof done === "function") queueMicrotask(() => done());
      return true;
    },
    end: () => output,
  };
  for (const name of ["on", "once", "off", "emit", "removeListener"]) {
    output[name] = () => output;
  }
  return output;
}

type Inspect = (value: unknown, options: object) => string;

function makeConsole(
  original: Scope,
  inspect: Inspect,
  write: WallWriter,
): Scope {
  const say = (level: Parameters<WallWriter>[0]) => (...values: unknown[]) =>
    write(level, cut(values.map((value) => show(value, inspect)).join(" ")));
  const made: Scope = {};
  // What is not named here (tables, timers, counts) has nowhere to go.
  for (const name of Object.keys(original)) made[name] = () => {};
  for (const name of ["log", "info", "dir", "table"]) made[name] = say("info");
  made.debug = say("debug");
  made.warn = say("warn");
  for (const name of ["error", "trace"]) made[name] = say("error");
  made.assert = (isTrue: unknown, ...values: unknown[]) => {
    if (!isTrue) say("error")("Assertion failed", ...values);
  };
  return made;
}

function show(value: unknown, inspect: Inspect): string {
  if (typeof value === "string") return value;
  try {
    return inspect(value, { depth: 4, iterableLimit: 100, colors: false });
  } catch {
    return "(a value that cannot be shown)";
  }
}

function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`;
}

/** Timers cost the worker alone, and end with it; the bound names who makes them without end. */
function limitTimers(world: Scope): void {
  const waiting = new Set<unknown>();
  const bound = (name: string, isOnce: boolean) => {
    const start = world[name];
    fix(world, name, (run: unknown, ...rest: unknown[]) => {
      if (typeof run !== "function") {
        throw new TypeError(`${name} needs a function`);
      }
      if (waiting.size >= MAX_TIMERS) {
        throw new RangeError(`${MAX_TIMERS} timers may wait at a time`);
      }
      const id = start((...args: unknown[]) => {
        if (isOnce) waiting.delete(timerKey(id));
        return run(...args);
      }, ...rest);
      waiting.add(timerKey(id));
      return id;
    });
  };
  bound("setTimeout", true);
  bound("setInterval", false);
  bound("setImmediate", true);
  for (const name of ["clearTimeout", "clearInterval", "clearImmediate"]) {
    const stop = world[name];
    fix(world, name, (id: unknown) => {
      waiting.delete(timerKey(id));
      stop(id);
    });
  }
}

/** A timer is a number, or an object that can be given as its number. */
function timerKey(id: unknown): unknown {
  const isNumber = typeof id === "object" && id !== null &&
    Symbol.toPrimitive in id;
  return isNumber ? Number(id) : id;
}

/**
 * Keeps what the guest itself runs on as it is, so that a plugin's mistake
 * does not look like the guest's: nothing can be added to what every object
 * inherits, and JSON, promises and events cannot be replaced.
 */
function freezeShared(world: Scope): void {
  Object.preventExtensions(world.Object.prototype);
  const frozen = [world.JSON, world.Promise, world.Promise.prototype];
  for (const name of ["EventTarget", "Event", "MessageEvent"]) {
    frozen.push(world[name].prototype);
  }
  frozen.forEach((each) => Object.freeze(each));
}

/** It is called, or stands above a class whose objects cannot be made then. */
function refuse(what: string): () => never {
  return function () {
    throw new Error(`${what} is not there for plugins`);
  };
}

/** Sets it for good: neither an assignment nor a definition changes it after. */
function fix(target: Scope, name: string, value: unknown): void {
  const current = Object.getOwnPropertyDescriptor(target, name);
  if (current !== undefined && !current.configurable) return;
  Object.defineProperty(target, name, {
    value,
    enumerable: current?.enumerable ?? false,
    writable: false,
    configurable: false,
  });
}
