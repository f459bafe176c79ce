/**
 * What a driver says of an act that does not fit what there is, moves among
 * them: the same words under every hypervisor.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";

interface Named {
  readonly handle: { readonly name: string };
}

interface Moving {
  readonly handle: {
    readonly name: string;
    readonly move: {
      readonly role: "source" | "target";
      readonly peer: string;
    } | null;
  };
}

/** An act that does not fit what there is. */
export function cannotNow(
  act: string,
  { handle: { name } }: Named,
  why: string,
): UsherError {
  return new UsherError("wrong_state", `Cannot ${act} VM "${name}": ${why}`);
}

/** A guest that did not shut down in its grace; `besides` is what the hypervisor has to say of that. */
export function disobeyed(
  { handle: { name } }: Named,
  graceMs: number,
  besides = "",
): UsherError {
  return new UsherError(
    "timed_out",
    `Cannot shut down VM "${name}": the guest did not obey within ${graceMs} ms; it runs on${besides}`,
    { hint: "Power it off to stop it without asking." },
  );
}

/** What this hypervisor cannot move at all, however often it is asked. */
export function cannotMove(
  name: string,
  why: string,
  hint?: string,
): UsherError {
  return new UsherError("unsupported", `Cannot move VM "${name}": ${why}`, {
    hint,
  });
}

/** A target that has a domain of the VM already, which no move has brought. */
export function hasItAlready(name: string, node: string): UsherError {
  return new UsherError(
    "already_exists",
    `Cannot move VM "${name}" to node "${node}": there is a domain of it already`,
  );
}

/** Throws `wrong_state` for what must not be done to a domain on the move. */
export function refuseOnTheMove(domain: Moving, act: string): void {
  const { move } = domain.handle;
  if (move === null) return;
  const where = move.role === "target" ? "from" : "to";
  throw cannotNow(act, domain, `it is on its way ${where} ${move.peer}`);
}
