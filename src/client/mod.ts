/**
 * The client library, imported as `@usher/client`: what programs of others use
 * to manage VMs. The command line is made of the same parts.
 *
 * ```ts
 * const client = await connect({ controller, caFingerprint, user, password });
 * const { outcomes } = await client.start(["web"], { count: 3 }).result;
 * ```
 *
 * It runs under Deno and, as the package that `deno task npm` makes, under
 * Node; nothing that it is made of names either but the one file that
 * "#machine" stands for. docs/clients.md shows the way through it.
 *
 * @module
 */
export { connect, type ConnectOptions } from "./library/connect.ts";
export { type CallOptions, Client } from "./library/client.ts";
export type { Names, VerbOptions } from "./library/vm_verbs.ts";
export type { Credentials, Secret } from "./library/session.ts";
export type { OnCallbackError } from "./library/callbacks.ts";
export { type RequestOptions, SentRequest } from "./library/request.ts";
export { LiveSite, type WatchOptions } from "./library/live_site.ts";
export type { Difference, Kind, Kinds, LiveEvents } from "./library/copies.ts";
export { type ConsoleOptions, GuestConsole } from "./library/console.ts";
export { allDone, type FailedOutcome, failuresOf } from "./library/outcomes.ts";
export { type AppConfig, getConfig } from "./app_config.ts";
export type { Answer, Body } from "./api.ts";
export type { Progress } from "./follow.ts";
export { fingerprintOf } from "./trust.ts";
export {
  type ErrorCode,
  type ErrorDetails,
  isUsherError,
  UsherError,
} from "../error/mod.ts";
export type { NodeView, VmView } from "../schema/change.ts";
export type { ClusterView } from "../schema/cluster.ts";
export type { Operation, Outcome, Result, Verb } from "../schema/operation.ts";
export type { VmRequestInput } from "../schema/request.ts";
export type { RouteName } from "../schema/route.ts";
