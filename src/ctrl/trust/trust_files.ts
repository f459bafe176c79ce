/**
 * The files that a controller's trust is kept in, and the CA that is made
 * there when there is none.
 *
 * A certificate and its key are one file, written durably, so a crash leaves
 * the old pair or the new one. A damaged CA is refused instead of replaced:
 * no node and no client would trust the new one.
 *
 * @module
 */
import { messageOf, UsherError } from "../../error/mod.ts";
import { isoTime } from "../../sys/clock.ts";
import {
  listFolder,
  makeFolder,
  readTextOrNull,
  removeIfThere,
  writeDurably,
} from "../../sys/file.ts";
import { pemBlocks } from "../../sys/pem.ts";
import type { Validity } from "../../sys/validity.ts";
import { checkKeyFits } from "./certificate_check.ts";
import { type KeyPair, makeCa } from "./certificates.ts";

/** Makes the folder, and clears what a crash left in it. */
export async function prepareFolder(folder: string): Promise<void> {
  try {
    await makeFolder(folder);
    for (const name of await listFolder(folder)) {
      if (name.endsWith(".tmp")) await removeIfThere(`${folder}/${name}`);
    }
  } catch (error) {
    throw cannotKeep(folder, error);
  }
}

/** The CA called `name` in `folder`, made when it is not there. */
export async function openCa(
  folder: string,
  now: number,
  name = "ca",
): Promise<KeyPair> {
  const path = `${folder}/${name}-key.pem`;
  const text = await read(path);
  const ca = text === null ? await makeCa(now) : readPair(text);
  if (ca === null) throw damagedCa(path);
  if (text === null) await keep(path, ca.keyPem + ca.certPem);
  else {await checkKeyFits(ca, path, path).catch(() => {
      throw damagedCa(path);
    });}
  const shown = `${folder}/${name}.pem`;
  if (await read(shown) !== ca.certPem) await keep(shown, ca.certPem, 0o644);
  return ca;
}

function damagedCa(path: string): UsherError {
  return new UsherError(
    "invalid_input",
    `Cannot use the site's CA "${path}": the file is damaged`,
    {
      hint:
        "Restore it from a backup; without it, remove it, and every client and node must log in and join anew",
    },
  );
}

/** The key and the certificate in a text; null when it is none of ours. */
export function readPair(text: string): KeyPair | null {
  const [key, certificate] = pemBlocks(text);
  if (key?.label !== "PRIVATE KEY" || certificate?.label !== "CERTIFICATE") {
    return null;
  }
  return { keyPem: key.pem, certPem: certificate.pem };
}

/** Throws `invalid_input` for a certificate whose time is over or has not come; `place` names it. */
export function checkTime(
  { notBefore, notAfter }: Validity,
  now: number,
  place: string,
): void {
  if (now > notAfter) {
    throw new UsherError(
      "invalid_input",
      `Cannot use "${place}": it has expired, it ended at ${isoTime(notAfter)}`,
      {
        hint:
          `put one in its place that holds, or check this machine's clock: it says ${
            isoTime(now)
          }`,
      },
    );
  }
  if (now < notBefore) {
    throw new UsherError(
      "invalid_input",
      `Cannot use "${place}": it begins at ${isoTime(notBefore)}`,
      {
        hint: `check this machine's clock: it says ${isoTime(now)}`,
      },
    );
  }
}

/** The text of a file; null when it is not there. */
export async function read(path: string): Promise<string | null> {
  try {
    return await readTextOrNull(path);
  } catch (error) {
    throw new UsherError(
      "unavailable",
      `Cannot read "${path}": ${messageOf(error)}`,
      { cause: error },
    );
  }
}

/** Writes a file durably. */
export async function keep(
  path: string,
  text: string,
  mode = 0o600,
): Promise<void> {
  try {
    await writeDurably(path, text, { mode });
  } catch (error) {
    throw cannotKeep(path, error);
  }
}

function cannotKeep(path: string, error: unknown): UsherError {
  return new UsherError(
    "unavailable",
    `Cannot write "${path}": ${messageOf(error)}`,
    {
      hint: "Check that the state directory is writable and has room",
      cause: error,
    },
  );
}
