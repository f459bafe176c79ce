import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { ROOT } from "./support.ts";

/** An npm whose every package holds one program, which is not the runtime. */
const FAKE_NPM = `#!/bin/sh
set -e
echo "$@" >>"$FAKE_LOG"
while [ "$1" != --pack-destination ]; do shift; done
mkdir package
truncate -s 51M package/program
tar -czf "$2/x.tgz" package
rm -r package
`;

/** An npm that reaches nothing. */
const NO_NPM = `#!/bin/sh
echo "no answer from the registry" >&2
exit 1
`;

async function denort(npm: string) {
  const folder = await Deno.makeTempDir({ prefix: "usher_denort_" });
  try {
    for (const path of ["scripts", "bin"]) {
      await Deno.mkdir(`${folder}/${path}`);
    }
    for (const name of ["denort.sh", "progress"]) {
      await Deno.copyFile(
        `${ROOT}scripts/${name}`,
        `${folder}/scripts/${name}`,
      );
    }
    await Deno.writeTextFile(`${folder}/bin/npm`, npm, { mode: 0o755 });
    const { code, stdout, stderr } = await new Deno.Command(
      `${folder}/scripts/denort.sh`,
      {
        env: {
          PATH: `${folder}/bin:${Deno.env.get("PATH")}`,
          FAKE_LOG: `${folder}/log`,
        },
        stdin: "null",
      },
    ).output();
    const left = [...Deno.readDirSync(`${folder}/.tools`)]
      .map(({ name }) => name);
    const decoder = new TextDecoder();
    return {
      code,
      left,
      printed: decoder.decode(stdout),
      said: decoder.decode(stderr),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("denort.sh refuses a runtime of another digest, and keeps nothing of it", async () => {
  const { code, left, printed, said } = await denort(FAKE_NPM);
  strictEqual(code, 1, said);
  strictEqual(printed, "");
  match(said, /did not hold the expected runtime/);
  deepStrictEqual(left, []);
});

Deno.test("denort.sh says what npm said when a package cannot be had", async () => {
  const { code, left, printed, said } = await denort(NO_NPM);
  strictEqual(code, 1, said);
  strictEqual(printed, "");
  match(said, /no answer from the registry[^]*Cannot get \S+ from npm/);
  deepStrictEqual(left, []);
});
