import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import {
  forgetSession,
  prepareCredentials,
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

Deno.test("credentials: a place that cannot be written is named before a login, with a way out", () =>
  inFolder(async (path) => {
    await writeCredentials(path, SESSION);
    await prepareCredentials(path);
    const { sessions } = await readCredentials(path);
    strictEqual(sessions["https://ctrl:8440"]?.token, "t0ken", "it is kept");
    // Below a file there is no folder to be made, whoever asks.
    const below = `${path}/more/credentials.json`;
    deepStrictEqual((await readCredentials(below)).sessions, {});
    await rejects(prepareCredentials(below), {
      code: "permission_denied",
      message: /a part of its path is no folder$/,
    });
    // A kernel's own tree takes no files, not even root's.
    const refused = "/sys/usher/credentials.json";
    for (
      const write of [
        () => prepareCredentials(refused),
        () => writeCredentials(refused, SESSION),
      ]
    ) {
      await rejects(write, (error: Error) => {
        const { code, details } = error as Error & {
          code: string;
          details: { hint?: string };
        };
        strictEqual(code, "permission_denied", error.message);
        match(error.message, /^Cannot keep sessions in \/sys\/usher\//);
        match(details.hint ?? "", /credentials in a cli\.yaml.*USHER_TOKEN/);
        return true;
      });
    }
  }));
