import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import {
  forgetSession,
  readCredentials,
  writeCredentials,
} from "./credentials.ts";

const SESSION = {
  controller: "https://ctrl:8440/",
  user: "ann",
  token: "t0ken",
  caPem: "PEM",
  expiresAt: "2030-01-01T00:00:00.000Z",
};

async function inFolder(test: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(`${folder}/deep/credentials.json`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("credentials: no file means no session", () =>
  inFolder(async (path) => {
    deepStrictEqual((await readCredentials(path)).sessions, {});
  }));

Deno.test("credentials: a session is found by its controller's origin, in a file for its owner only", () =>
  inFolder(async (path) => {
    await writeCredentials(path, SESSION);
    await writeCredentials(path, {
      ...SESSION,
      controller: "https://other:8440",
      user: "bob",
    });
    const { current, sessions } = await readCredentials(path);
    strictEqual(current, "https://other:8440");
    strictEqual(sessions["https://ctrl:8440"]?.user, "ann");
    strictEqual(sessions["https://other:8440"]?.user, "bob");
    strictEqual((await Deno.stat(path)).mode! & 0o777, 0o600);
  }));

Deno.test("credentials: a file that others may read is refused", () =>
  inFolder(async (path) => {
    await writeCredentials(path, SESSION);
    await Deno.chmod(path, 0o640);
    await rejects(readCredentials(path), /others may read it \(mode 640\)/);
  }));

Deno.test("credentials: a damaged file is named", () =>
  inFolder(async (path) => {
    await writeCredentials(path, SESSION);
    await Deno.writeTextFile(path, "{");
    await rejects(readCredentials(path), /damaged/);
  }));

Deno.test("credentials: a forgotten session keeps its CA alone, others stay", () =>
  inFolder(async (path) => {
    await writeCredentials(path, SESSION);
    await writeCredentials(path, { ...SESSION, controller: "https://b:1" });
    await forgetSession(path, "https://ctrl:8440");
    const { sessions } = await readCredentials(path);
    strictEqual(sessions["https://ctrl:8440"]?.token, "");
    strictEqual(sessions["https://ctrl:8440"]?.caPem, "PEM");
    strictEqual(sessions["https://b:1"]?.token, "t0ken");
  }));
