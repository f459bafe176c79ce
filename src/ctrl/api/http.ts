/**
 * HTTP for the clients' API: the one place that turns errors into answers,
 * bodies into checked values, and tokens into callers.
 *
 * @module
 */
import type { Context } from "hono";
import type { z } from "zod";
import { isAbort, messageOf, toProblem, UsherError } from "../../error/mod.ts";
import { type Issue, meantIssue } from "../../schema/issue.ts";
import { inWords } from "../../schema/issue_words.ts";
import type { Problem } from "../../schema/problem.ts";
import { suffices, tokenNeed } from "../../core/token_scope.ts";
import type { Access, Route } from "../../schema/route.ts";
import type { Role } from "../../schema/stored.ts";
import type { TokenNeed } from "../../schema/token_scope.ts";
import type { Clock } from "../../sys/clock.ts";
import type { Caller } from "../auth/caller.ts";
import { callOf } from "./audited.ts";
import type { Site } from "../site.ts";

/** The largest body of a request: 10,000 names fit well. */
export const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** How long a body may take to arrive. */
export const BODY_MS = 30_000;

const RANK: Readonly<Record<Role, number>> = { viewer: 0, user: 1, admin: 2 };
const NEEDS: Readonly<Record<Access, number>> = {
  public: -1,
  viewer: 0,
  user: 1,
  admin: 2,
};

/** Who calls, once their role suffices for `route`, and what their token is for. */
export function callerFor(
  site: Site,
  request: Request,
  route: Route,
): Caller {
  const header = request.headers.get("authorization");
  const token = header?.startsWith("Bearer ") === true
    ? header.slice("Bearer ".length)
    : null;
  const caller = site.accounts.authenticate(token);
  callOf(request)?.known(caller);
  const { access } = route;
  if (RANK[caller.role] < NEEDS[access]) {
    throw new UsherError(
      "permission_denied",
      `This needs the role "${access}"; "${caller.user}" is a ${caller.role}`,
    );
  }
  checkScope(caller, route);
  return caller;
}

/** Here for every route; which verbs and VMs, what handles them asks of the caller. */
function checkScope({ scope, user }: Caller, route: Route): void {
  const need = tokenNeed(route);
  if (scope === undefined || suffices(scope, need)) return;
  const { tokenName } = scope;
  throw new UsherError(
    "permission_denied",
    need === "never"
      ? "This needs a login, and cannot be done with an API token"
      : `API token "${tokenName}" of "${user}" is not for this`,
    { subject: tokenName, hint: SCOPE_HINT[need] },
  );
}

const SCOPE_HINT: Readonly<Record<TokenNeed, string>> = {
  read: "make a token that is for it",
  verb: "it is for looking; usher token create --verb VERB makes one that acts",
  act: "it takes a token without --read, --verb and --vm",
  admin: "it takes an administrator's token, made with --admin",
  never: "log in with a password: usher login URL",
};

/** The body of a request, checked. Throws `invalid_input` naming the field. */
export async function readBody<Schema extends z.ZodType>(
  clock: Clock,
  request: Request,
  schema: Schema,
): Promise<z.output<Schema>> {
  const text = await readText(clock, request);
  let value: unknown;
  try {
    value = JSON.parse(text === "" ? "{}" : text);
  } catch (error) {
    throw new UsherError(
      "invalid_input",
      `The body is not JSON: ${messageOf(error)}`,
    );
  }
  const body = check(schema, value);
  callOf(request)?.body(body);
  return body;
}

/** `value` by `schema`. Throws `invalid_input` naming the first field that is wrong. */
export function check<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = meantIssue(parsed.error.issues[0] as Issue | undefined);
  const field = issue === undefined ? "" : issue.path.map(String).join(".");
  throw new UsherError(
    "invalid_input",
    `Cannot take ${field === "" ? "the body" : `"${field}"`}: ${
      inWords(issue?.message ?? "it is wrong")
    }`,
    {
      ...(field === "" ? {} : { field }),
    },
  );
}

async function readText(clock: Clock, request: Request): Promise<string> {
  if (request.body === null) return "";
  const length = Number(request.headers.get("content-length") ?? 0);
  if (length > MAX_BODY_BYTES) throw tooLarge();
  const reader = request.body.getReader();
  using _timer = clock.after(
    BODY_MS,
    () => void reader.cancel("too slow").catch(() => {}),
  );
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const started = clock.monotonic();
  let text = "";
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.length;
      if (size > MAX_BODY_BYTES) {
        void reader.cancel().catch(() => {});
        throw tooLarge();
      }
      text += decoder.decode(value, { stream: true });
    }
    if (clock.monotonic() - started >= BODY_MS) {
      throw new UsherError(
        "invalid_input",
        `The body did not end within ${BODY_MS / 1000} s`,
      );
    }
    return text + decoder.decode();
  } catch (error) {
    if (error instanceof TypeError) {
      throw new UsherError("invalid_input", "The body is not valid UTF-8");
    }
    throw error;
  }
}

function tooLarge(): UsherError {
  return new UsherError(
    "invalid_input",
    `The body is larger than ${MAX_BODY_BYTES} bytes`,
    {
      hint: "ask for fewer VMs in one request",
    },
  );
}

/** What is told of anything thrown; a bug is logged whole. */
export function problemOf(site: Site, error: unknown, path?: string): Problem {
  const problem = toProblem(error);
  if (problem.code === "internal" && !isAbort(error)) {
    site.context.log.error("a request failed unexpectedly", {
      path,
      error: error instanceof Error
        ? error.stack ?? error.message
        : String(error),
    });
  }
  return problem;
}

/** The answer to anything thrown. */
export function problemResponse(
  site: Site,
  error: unknown,
  context?: Context,
): Response {
  const problem = problemOf(site, error, context?.req.path);
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: { "content-type": "application/problem+json" },
  });
}
