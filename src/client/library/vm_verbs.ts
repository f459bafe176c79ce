/**
 * The verbs on VMs, each with the options of its own request.
 *
 * @module
 */
import type { Verb } from "../../schema/operation.ts";
import type { VmRequestInput } from "../../schema/request.ts";
import type { RequestOptions, SentRequest } from "./request.ts";

/** One name or several: full, short, globs, or beginnings of ids. */
export type Names = string | readonly string[];

/** What a verb takes besides the names, and how it is waited for. */
export type VerbOptions<V extends Verb> =
  & Omit<Extract<VmRequestInput, { verb: V }>, "verb" | "names">
  & RequestOptions;

/** What can be asked of VMs; `send` is what carries it. */
export abstract class VmVerbs {
  /** Sends any verb. */
  abstract send<V extends Verb>(
    verb: V,
    names: Names,
    options: VerbOptions<V>,
  ): SentRequest;

  /** Starts VMs; makes those that are not there, `count` of them. */
  start(names: Names, options: VerbOptions<"start"> = {}): SentRequest {
    return this.send("start", names, options);
  }

  /** Cuts the power and turns it on again. */
  cycle(names: Names, options: VerbOptions<"cycle"> = {}): SentRequest {
    return this.send("cycle", names, options);
  }

  /** Moves VMs to other nodes. */
  migrate(names: Names, options: VerbOptions<"migrate"> = {}): SentRequest {
    return this.send("migrate", names, options);
  }

  /** Freezes VMs in memory. */
  pause(names: Names, options: VerbOptions<"pause"> = {}): SentRequest {
    return this.send("pause", names, options);
  }

  /** Lets paused VMs go on. */
  resume(names: Names, options: VerbOptions<"resume"> = {}): SentRequest {
    return this.send("resume", names, options);
  }

  /** Asks guests to shut down, and starts them again. */
  reboot(names: Names, options: VerbOptions<"reboot"> = {}): SentRequest {
    return this.send("reboot", names, options);
  }

  /** Asks guests to turn themselves off. */
  shutdown(names: Names, options: VerbOptions<"shutdown"> = {}): SentRequest {
    return this.send("shutdown", names, options);
  }

  /** Cuts the power. */
  poweroff(names: Names, options: VerbOptions<"poweroff"> = {}): SentRequest {
    return this.send("poweroff", names, options);
  }

  /** Makes VMs known without starting them. */
  register(names: Names, options: VerbOptions<"register"> = {}): SentRequest {
    return this.send("register", names, options);
  }

  /** Forgets stopped VMs. */
  unregister(
    names: Names,
    options: VerbOptions<"unregister"> = {},
  ): SentRequest {
    return this.send("unregister", names, options);
  }

  /** Cuts the power and forgets. */
  destroy(names: Names, options: VerbOptions<"destroy"> = {}): SentRequest {
    return this.send("destroy", names, options);
  }
}
