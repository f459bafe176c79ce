/**
 * What a node keeps to be let in again: where the controller is, whom to
 * trust, and the node's own secret. Mode 0600, in the state directory.
 *
 * @module
 */
import { z } from "zod";
import { messageOf, toProblem, UsherError } from "../error/mod.ts";
import { EnrolAnswer, type JoinToken } from "../schema/frame.ts";
import { decodeJoinToken } from "../schema/join_token.ts";
import { Problem } from "../schema/problem.ts";
import {
  makeFolder,
  readTextOrNull,
  removeIfThere,
  writeDurably,
} from "../sys/file.ts";
import { HttpClient } from "../sys/http_client.ts";
import { fromProblem } from "../error/mod.ts";

const Credential = z.object({
  url: z.string(),
  ca: z.string(),
  name: z.string(),
  secret: z.string(),
});
/** What lets a node in again. */
export type Credential = z.infer<typeof Credential>;

const ENROL_MS = 15_000;

function pathOf(stateDir: string): string {
  return `${stateDir}/credential.json`;
}

/** Where the node keeps what other nodes know it by. */
export function peerFolder(stateDir: string): string {
  return `${stateDir}/peer`;
}

/** The credential in `stateDir`, or null when this node never joined. */
export async function readCredential(
  stateDir: string,
): Promise<Credential | null> {
  const text = await readTextOrNull(pathOf(stateDir));
  if (text === null) return null;
  try {
    return Credential.parse(JSON.parse(text));
  } catch (error) {
    throw new UsherError(
      "invalid_input",
      `Cannot read ${pathOf(stateDir)}: ${messageOf(error)}`,
      {
        hint: 'remove it and join again with a token from "usher node token"',
      },
    );
  }
}

/** What a join token says; whether it is still good only the controller knows. */
export function readJoinToken(word: string): JoinToken {
  const token = decodeJoinToken(word.trim());
  if (token !== null) return token;
  throw new UsherError(
    "invalid_input",
    "This is no join token, or a part of it is missing",
    { hint: 'print one with "usher node token" and give it whole' },
  );
}

/** Uses up a join token and keeps what the controller gave for it. */
export async function join(
  word: string,
  name: string,
  version: string,
  stateDir: string,
): Promise<Credential> {
  const token = readJoinToken(word);
  await makeFolder(stateDir);
  // A certificate of a site that it was in before is none of this one's.
  await removeIfThere(peerFolder(stateDir));
  const answer = await enrol(token.url, token.ca, {
    secret: token.secret,
    name,
    version,
  });
  const credential = {
    url: token.url,
    ca: token.ca,
    name: answer.name,
    secret: answer.secret,
  };
  await writeDurably(
    pathOf(stateDir),
    `${JSON.stringify(credential, null, 2)}\n`,
  );
  return credential;
}

async function enrol(
  url: string,
  ca: string,
  body: unknown,
): Promise<EnrolAnswer> {
  using client = new HttpClient(ca);
  let response: Response;
  try {
    response = await client.fetch(`${url}/v1/enrol`, {
      method: "POST",
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(ENROL_MS),
    });
  } catch (error) {
    throw new UsherError(
      "unavailable",
      `Cannot reach the controller at ${url}: ${messageOf(error)}`,
      {
        hint: "check the address, and that this token is of that site",
        cause: error,
      },
    );
  }
  const answer = await response.json();
  if (!response.ok) {
    const problem = Problem.safeParse(answer);
    throw fromProblem(
      problem.success ? problem.data : toProblem(`HTTP ${response.status}`),
    );
  }
  return EnrolAnswer.parse(answer);
}
