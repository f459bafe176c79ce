/**
 * What events carry: the arguments that handlers of plugins get, in the
 * original's order.
 *
 * Everything here is plain JSON, since it crosses the borders of a process and
 * of a worker. Requests come with who asked for them and which VMs they mean;
 * a handler reads that and cannot change it.
 *
 * @module
 */
import { z } from "zod";
import { NodeName, Uid, VmName } from "./name.ts";
import {
  CycleRequest,
  DestroyRequest,
  MigrateRequest,
  PauseRequest,
  PoweroffRequest,
  RebootRequest,
  RegisterRequest,
  ResumeRequest,
  ShutdownRequest,
  StartRequest,
  UnregisterRequest,
} from "./request.ts";
import { Role } from "./stored.ts";

/** What somebody shows at a login, or a node at the start of a session. */
export const Credentials = z.strictObject({
  /** The user's name, or the node's. */
  user: z.string(),
  /** The password, or the node's secret. */
  password: z.string(),
  /** The address that it comes from; empty where it is not known. */
  address: z.string(),
});
/** What somebody shows at a login, or a node at the start of a session. */
export type Credentials = z.infer<typeof Credentials>;

/** What a checker of credentials knows of a user beyond "yes". */
export const Identity = z.strictObject({
  /** The role of this session; the account's own when null. */
  role: Role.nullable(),
  /** Groups that a directory puts the user in. */
  groups: z.array(z.string().max(256)).max(1000),
});
/** What a checker of credentials knows of a user beyond "yes". */
export type Identity = z.infer<typeof Identity>;

/** A client that is connected: one session, from its first request on. */
export const ClientValue = z.strictObject({
  /** Names the connection, and opens nothing. */
  id: z.string(),
  user: z.string(),
  role: Role,
  groups: z.array(z.string()),
  address: z.string(),
  since: z.string(),
});
/** A client that is connected. */
export type ClientValue = z.infer<typeof ClientValue>;

/** A user's named group of VMs. */
export const Cluster = z.strictObject({
  v: z.literal(1),
  /** Two parts, `cluster.user`. */
  name: z.string(),
  /** Who owns it: the second part. */
  user: z.string(),
  createdAt: z.string(),
  /** Who made it: its owner, or an administrator. */
  createdBy: z.string(),
});
/** A user's named group of VMs. */
export type Cluster = z.infer<typeof Cluster>;

/** What plugins may know of the controller and its configuration. */
export const SiteValue = z.strictObject({
  version: z.string(),
  /** Which controller in the life of the state this is. */
  epoch: z.int(),
  /** The DNS suffix of VM names; empty when the site has none. */
  nameSuffix: z.string(),
  startedAt: z.string(),
});
/** What plugins may know of the controller and its configuration. */
export type SiteValue = z.infer<typeof SiteValue>;

/** A VM that a request means. */
export const AskedVm = z.strictObject({
  name: VmName,
  /** Null for one that the request makes. */
  uid: Uid.nullable(),
  /** Where it is now; null for one without a node. */
  node: NodeName.nullable(),
});
/** A VM that a request means. */
export type AskedVm = z.infer<typeof AskedVm>;

/** What every request carries besides what was asked. */
const asked = {
  id: z.string(),
  user: z.string(),
  role: Role,
  /** Groups of the user, as the directory told them at login. */
  groups: z.array(z.string()),
  /** The plugin that filed it; null when a client did. */
  plugin: z.string().nullable(),
};
const named = { ...asked, vms: z.array(AskedVm) };

/** A request to start, with who asks and which VMs it means. */
export const StartValue = z.strictObject({ ...StartRequest.shape, ...named });
/** A request to start, with who asks and which VMs it means. */
export type StartValue = z.infer<typeof StartValue>;
/** A request to migrate, with who asks and which VMs it means. */
export const MigrateValue = z.strictObject({
  ...MigrateRequest.shape,
  ...named,
});
/** A request to migrate, with who asks and which VMs it means. */
export type MigrateValue = z.infer<typeof MigrateValue>;
export const RegisterValue = z.strictObject({
  ...RegisterRequest.shape,
  ...named,
});
export const ShutdownValue = z.strictObject({
  ...ShutdownRequest.shape,
  ...named,
});
export const RebootValue = z.strictObject({ ...RebootRequest.shape, ...named });
export const PoweroffValue = z.strictObject({
  ...PoweroffRequest.shape,
  ...named,
});
export const CycleValue = z.strictObject({ ...CycleRequest.shape, ...named });
export const PauseValue = z.strictObject({ ...PauseRequest.shape, ...named });
export const ResumeValue = z.strictObject({ ...ResumeRequest.shape, ...named });
export const UnregisterValue = z.strictObject({
  ...UnregisterRequest.shape,
  ...named,
});
export const DestroyValue = z.strictObject({
  ...DestroyRequest.shape,
  ...named,
});

/** A read of VMs. An edit of `names` or `filter` can only narrow it. */
export const ListValue = z.strictObject({
  verb: z.literal("list"),
  ...asked,
  /** Names and patterns; all that the caller may see when empty. */
  names: z.array(z.string().max(200)).max(10_000),
  filter: z.string().max(4096),
});
/** A read of VMs. */
export type ListValue = z.infer<typeof ListValue>;

/** A read of nodes. An edit of `names` or `filter` can only narrow it. */
export const LnmListValue = ListValue.extend({
  verb: z.literal("lnm_list"),
});
/** A read of nodes. */
export type LnmListValue = z.infer<typeof LnmListValue>;

/** Any request, as the `request` event carries it. */
export const RequestValue = z.discriminatedUnion("verb", [
  StartValue,
  MigrateValue,
  RegisterValue,
  ShutdownValue,
  RebootValue,
  PoweroffValue,
  CycleValue,
  PauseValue,
  ResumeValue,
  UnregisterValue,
  DestroyValue,
  ListValue,
  LnmListValue,
]);
/** Any request, as the `request` event carries it. */
export type RequestValue = z.infer<typeof RequestValue>;
