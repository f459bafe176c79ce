import { doesNotMatch, match, strictEqual } from "node:assert/strict";
import { ROOT } from "./support.ts";

async function progress(...args: string[]) {
  const { code, stderr } = await new Deno.Command(`${ROOT}scripts/progress`, {
    args,
    stdin: "null",
  }).output();
  return { code, said: new TextDecoder().decode(stderr) };
}

Deno.test("progress says what is done, and nothing of what it prints", async () => {
  const { code, said } = await progress("600", "greeting", "echo", "hello");
  strictEqual(code, 0);
  strictEqual(said, "greeting\n");
});

Deno.test("progress shows the output of what fails, and keeps its exit code", async () => {
  const command = ["sh", "-c", "echo words; exit 7"];
  const { code, said } = await progress("600", "failing", ...command);
  strictEqual(code, 7);
  match(said, /^failing\nwords\n$/);
});

Deno.test("progress ends what is not done at its deadline", async () => {
  const { code, said } = await progress("1", "sleeping", "sleep", "600");
  strictEqual(code, 124);
  match(said, /sleeping: not done within 1 s/);
});

Deno.test("progress takes arguments as they are", async () => {
  const command = ["sh", "-c", '[ "$1" = "a  b" ]', "sh", "a  b"];
  const { code, said } = await progress("600", "comparing", ...command);
  strictEqual(code, 0, said);
  doesNotMatch(said, /a {2}b/);
});
