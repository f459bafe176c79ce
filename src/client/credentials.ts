/**
 * Sessions kept between commands: one file, one entry per controller.
 *
 * The file holds secrets, so it is written with mode 0600 and refused when
 * others may read it. A session is found by the controller's origin and never
 * sent to another one.
 *
 * @module
 */
import { makeFolder, statOrNull, writeDurably } from "../sys/file.ts";
import { readPlainOrNull, whyUnusable } from "../sys/given_file.ts";
import { failure } from "./failure.ts";
import { UsageError } from "./usage.ts";

/** A login at one controller. */
export interface Session {
  /** The controller's URL. */
  readonly controller: string;
  readonly user: string;
  /** Empty after a logout. */
  readonly token: string;
  /** The site's CA; the machine's own authorities count when absent. */
  readonly caPem?: string | undefined;
  /** ISO 8601 in UTC. */
  readonly expiresAt: string;
}

/** What the file holds. */
export interface Credentials {
  readonly v: 1;
  /** The controller of the last login, taken when nothing else names one. */
  readonly current: string | null;
  /** By the controller's origin. */
  readonly sessions: Readonly<Record<string, Session>>;
}

const NONE: Credentials = { v: 1, current: null, sessions: {} };
const READABLE_BY_OTHERS = 0o077;

/** The key of a controller: scheme, host and port. */
export function controllerOrigin(url: string): string {
  try {
    return new URL(url).origin;
  } catch {
    throw new UsageError(
      `"${url}" is no address of a controller`,
      "write https://HOST:8440",
    );
  }
}

/** All sessions in `path`; none when there is no such file. */
export async function readCredentials(path: string): Promise<Credentials> {
  const text = await readPlainOrNull(path);
  if (text === null) return NONE;
  const mode = (await statOrNull(path))?.mode ?? 0;
  if ((mode & READABLE_BY_OTHERS) !== 0) {
    throw await failure(
      "permission_denied",
      `Cannot use ${path}: others may read it (mode ${
        (mode & 0o777).toString(8)
      })`,
      { hint: `chmod 600 ${path}` },
    );
  }
  return await parseCredentials(path, text);
}

async function parseCredentials(
  path: string,
  text: string,
): Promise<Credentials> {
  try {
    const value = JSON.parse(text);
    if (value?.v === 1 && typeof value.sessions === "object") return value;
  } catch {
    // Told below, together with a shape that is not ours.
  }
  throw await failure("invalid_input", `Cannot read ${path}: damaged`, {
    hint: `remove it and log in again: rm ${path}; usher login URL`,
  });
}

/** Adds a session to `path`, or replaces the one of the same controller. */
export async function writeCredentials(
  path: string,
  session: Session,
): Promise<void> {
  const origin = controllerOrigin(session.controller);
  const known = await readCredentials(path);
  await save(path, {
    v: 1,
    current: origin,
    sessions: {
      ...known.sessions,
      [origin]: { ...session, controller: origin },
    },
  });
}

/** Forgets the session of `controller`; its CA, no secret, stays known. */
export async function forgetSession(
  path: string,
  controller: string,
): Promise<void> {
  const known = await readCredentials(path);
  const origin = controllerOrigin(controller);
  const session = known.sessions[origin];
  if (session === undefined) return;
  await save(path, {
    ...known,
    sessions: { ...known.sessions, [origin]: { ...session, token: "" } },
  });
}

/**
 * Makes sure that a session could be kept in `path`, before anybody is asked
 * for a secret or a session begins that would be lost. Throws
 * `permission_denied` with a way out.
 */
export async function prepareCredentials(path: string): Promise<void> {
  await save(path, await readCredentials(path));
}

async function save(path: string, credentials: Credentials): Promise<void> {
  try {
    await makeFolder(path.slice(0, path.lastIndexOf("/")) || "/");
    await writeDurably(path, `${JSON.stringify(credentials, null, 2)}\n`);
  } catch (error) {
    throw await failure(
      "permission_denied",
      `Cannot keep sessions in ${path}: ${whyUnusable(error)}`,
      {
        hint:
          "name a file that can be written as credentials in a cli.yaml (USHERCLI_CONFIG may name that), or do without a login: USHER_TOKEN takes an API token",
      },
    );
  }
}
