/**
 * A file of lines that several processes add to, each whole lines at its end.
 *
 * The kernel puts each addition behind what others have added. Whoever makes
 * the file shorter takes in what was added meanwhile; in the instant between
 * that and the renaming a line may be lost, and never half of one.
 *
 * @module
 */

/** Bytes read at the end of a file; what is before that is not worth the wait. */
const MOST_BYTES = 8 * 1024 * 1024;

/** The last bytes of `path`, from the beginning of a line; null when there is no such file. */
export async function readLineFile(path: string): Promise<Uint8Array | null> {
  try {
    using file = await Deno.open(path);
    const { size } = await file.stat();
    const from = Math.max(0, size - MOST_BYTES);
    const bytes = await readFrom(file, from);
    return from === 0 ? bytes : bytes.subarray(bytes.indexOf(10) + 1);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Adds `line` to `path`, making the file for its owner alone. */
export async function addLine(path: string, line: string): Promise<void> {
  using file = await Deno.open(path, {
    append: true,
    create: true,
    mode: 0o600,
  });
  // One write, or others' lines might come in between.
  await file.write(new TextEncoder().encode(`${line}\n`));
}

/** Replaces the first `length` bytes of `path` by `kept`; what was added behind them stays. */
export async function shortenLineFile(
  path: string,
  length: number,
  kept: string,
): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    using file = await Deno.open(temporary, {
      write: true,
      createNew: true,
      mode: 0o600,
    });
    await writeAll(file, new TextEncoder().encode(kept));
    using old = await Deno.open(path);
    await writeAll(file, await readFrom(old, length));
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}

/** Takes from all but its owner what they may do with `path`, if they may anything. */
export async function makePrivate(path: string): Promise<void> {
  const { mode } = await Deno.stat(path);
  if (mode !== null && (mode & 0o077) !== 0) await Deno.chmod(path, 0o600);
}

async function readFrom(
  file: Deno.FsFile,
  from: number,
): Promise<Uint8Array<ArrayBuffer>> {
  await file.seek(from, Deno.SeekMode.Start);
  return new Uint8Array(
    await new Response(
      new ReadableStream({
        async pull(controller) {
          const part = new Uint8Array(64 * 1024);
          const count = await file.read(part);
          if (count === null) controller.close();
          else controller.enqueue(part.subarray(0, count));
        },
      }),
    ).arrayBuffer(),
  );
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += await file.write(bytes.subarray(done));
  }
}
