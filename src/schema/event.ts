/**
 * The catalogue of events: the one place that says which there are, what they
 * carry, and what becomes of a handler's answer. Types, validation, the
 * reference in `docs/` and `usher event list` are made from it.
 *
 * Append only: names and the order of arguments are the original's, and
 * plugins are written against them.
 *
 * @module
 */
import { z } from "zod";
import {
  ClientValue,
  Cluster,
  Credentials,
  CycleValue,
  Identity,
  ListValue,
  LnmListValue,
  MigrateValue,
  PauseValue,
  PoweroffValue,
  RebootValue,
  RequestValue,
  ResumeValue,
  ShutdownValue,
  SiteValue,
  StartValue,
} from "./event_value.ts";
import { Node } from "./node.ts";
import { Problem } from "./problem.ts";
import { Vm } from "./vm.ts";

/**
 * What becomes of a chain's value. `decides`: it is what usher goes on with,
 * and a handler that fails refuses. `tells`: it goes from handler to handler
 * and is dropped, and a handler that fails is logged and passed over.
 */
export type EventClass = "decides" | "tells";

/** One event. */
export interface EventKind {
  readonly group: "client" | "cluster" | "controller" | "lnm" | "vm";
  /** When it fires, how often, and what holds then. */
  readonly about: string;
  readonly class: EventClass;
  /** The arguments, in order. */
  readonly args: z.ZodTuple<readonly z.ZodType[]>;
  /** What the arguments are called, in the same order. */
  readonly names: readonly string[];
  /** Keys of each argument that must come back as they were. */
  readonly frozen: readonly (readonly string[])[];
  /** How long one handler may take, unless the configuration says otherwise. */
  readonly deadlineMs: number;
  /** Whether it is recorded for replays: never what carries a secret. */
  readonly recorded: boolean;
}

const ASKED = ["id", "verb", "user", "role", "groups", "plugin", "vms"];
const VM = ["v", "uid", "name"];
const DECIDE_MS = 5000;
const TELL_MS = 30_000;

/** A request of one kind: once per request, before anything is done. */
function request<T extends z.ZodType>(
  what: string,
  value: T,
  group: EventKind["group"] = "vm",
) {
  return {
    group,
    about: what,
    class: "decides",
    args: z.tuple([value]),
    names: ["request"],
    frozen: [ASKED],
    deadlineMs: DECIDE_MS,
    recorded: true,
  } as const;
}

/** Something that happened to one VM. */
function vm(about: string) {
  return {
    group: "vm",
    about,
    class: "tells",
    args: z.tuple([Vm]),
    names: ["vm"],
    frozen: [VM],
    deadlineMs: TELL_MS,
    recorded: true,
  } as const;
}

/** What was asked for one VM and did not come to be. */
function failure(about: string) {
  return {
    ...vm(about),
    args: z.tuple([Vm, Problem]),
    names: ["vm", "failure"],
    frozen: [VM, []],
  } as const;
}

/** Something that happened to a client, a node, the controller or a cluster. */
function told<T extends z.ZodType>(
  group: EventKind["group"],
  about: string,
  { name, value, frozen }: {
    name: string;
    value: T;
    frozen: readonly string[];
  },
) {
  return {
    group,
    about,
    class: "tells",
    args: z.tuple([value]),
    names: [name],
    frozen: [frozen],
    deadlineMs: TELL_MS,
    recorded: true,
  } as const;
}

/** A check of credentials. */
function authenticate(group: "client" | "lnm", about: string) {
  return {
    group,
    about,
    class: "decides",
    deadlineMs: DECIDE_MS,
    recorded: false,
  } as const;
}

/** A clock of the configuration. */
function clock(about: string) {
  return {
    group: "controller",
    about,
    class: "tells",
    args: z.tuple([]),
    names: [],
    frozen: [],
    deadlineMs: TELL_MS,
    recorded: true,
  } as const;
}

const CLIENT = {
  name: "client",
  value: ClientValue,
  frozen: ["id", "user"],
};
const LNM = { name: "lnm", value: Node, frozen: ["v", "name"] };

/** Every event of usher's own, by name. Append only. */
export const EVENTS = {
  client_authenticate: {
    ...authenticate(
      "client",
      "A client logs in with a name and a password. The last `valid` decides; with no handler nobody gets in.",
    ),
    args: z.tuple([Credentials, z.boolean(), Identity]),
    names: ["credentials", "valid", "identity"],
    frozen: [["user", "password", "address"], [], []],
  },
  client_connect: told(
    "client",
    "A client has connected: the first request of a session, or the first after its connection was over.",
    CLIENT,
  ),
  client_disconnect: told(
    "client",
    "A client has disconnected: at logout, when its session expires, or 60 s after its last stream or request.",
    CLIENT,
  ),
  cluster_register: told(
    "cluster",
    "A new cluster is known: its first VM is. Once in its life, after it is durable.",
    { name: "cluster", value: Cluster, frozen: ["v", "name", "user"] },
  ),
  ctrl_start: told(
    "controller",
    "The controller has started and serves. Once per start, also after a crash.",
    { name: "site", value: SiteValue, frozen: ["version", "epoch"] },
  ),
  list_request: request(
    "A client asks for VMs. After `request`; an edit can only narrow what is shown.",
    ListValue,
    "controller",
  ),
  periodic: clock("The period of the registration is over, again and again."),
  request: request(
    "A request of any kind has come in. Once per request, before the event of its kind.",
    RequestValue,
    "controller",
  ),
  timer: clock(
    "The time that the registration names with `when` has come. Once, also over restarts of the controller.",
  ),
  lnm_list_request: request(
    "A client asks for nodes. After `request`; an edit can only narrow what is shown.",
    LnmListValue,
    "controller",
  ),
  lnm_authenticate: {
    ...authenticate(
      "lnm",
      "A node shows its name and secret at the start of a session. The last `valid` decides; with no handler no node gets in.",
    ),
    args: z.tuple([Credentials, z.boolean()]),
    names: ["credentials", "valid"],
    frozen: [["user", "password", "address"], []],
  },
  lnm_connect: told(
    "lnm",
    "A node is connected and has told of every domain that it runs.",
    LNM,
  ),
  lnm_disconnect: told(
    "lnm",
    "A node's session is over. Its VMs run on, and are `unknown` once its lease is over.",
    LNM,
  ),
  register: vm(
    "A VM is known: a new one, before its start begins, or one that was found on a node.",
  ),
  unregister: vm("A VM is no longer known. It carries what was known last."),
  state_change: vm("The state of a VM is another than before."),
  start_request: request("Somebody asks to start VMs.", StartValue),
  start: vm("A VM that was to start runs."),
  start_failure: failure("The start of a VM has failed."),
  cycle_request: request("Somebody asks to cycle VMs.", CycleValue),
  cycle: vm("A VM's power was cut and turned on again."),
  cycle_failure: failure("A VM could not be cycled."),
  migrate_request: request("Somebody asks to migrate VMs.", MigrateValue),
  migrate: {
    ...vm("A VM runs on another node. The second argument is the one it left."),
    args: z.tuple([Vm, Node]),
    names: ["vm", "from"],
    frozen: [VM, ["v", "name"]],
  },
  migrate_failure: failure("A VM could not be migrated, and is where it was."),
  pause_request: request("Somebody asks to pause VMs.", PauseValue),
  pause: vm("A VM is paused."),
  pause_failure: failure("A VM could not be paused."),
  resume_request: request("Somebody asks to resume VMs.", ResumeValue),
  resume: vm("A VM goes on after a pause."),
  resume_failure: failure("A VM could not go on."),
  reboot_request: request("Somebody asks to reboot VMs.", RebootValue),
  reboot: vm("A VM was shut down by its guest and started again."),
  reboot_failure: failure("A VM could not be rebooted."),
  shutdown_request: request("Somebody asks to shut VMs down.", ShutdownValue),
  shutdown: vm("A VM's guest has turned itself off, as it was asked to."),
  shutdown_failure: failure("A VM could not be shut down."),
  poweroff_request: request(
    "Somebody asks to cut the power of VMs.",
    PoweroffValue,
  ),
  poweroff: vm("A VM's power was cut."),
  poweroff_failure: failure("A VM's power could not be cut."),
} as const satisfies Readonly<Record<string, EventKind>>;

/** The name of an event of usher's own. */
export type EventName = keyof typeof EVENTS;

/** The arguments of an event, as handlers get them. */
export type EventArgs<E extends EventName> = z.infer<
  (typeof EVENTS)[E]["args"]
>;

/** Whether `name` is an event of usher's own. */
export function isEventName(name: string): name is EventName {
  return Object.hasOwn(EVENTS, name);
}
