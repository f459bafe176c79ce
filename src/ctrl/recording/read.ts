/**
 * Reading a recording back, also while it is written.
 *
 * @module
 */
import { decodeLines } from "../../link/ndjson.ts";
import { RecordedLine } from "../../schema/recorded_event.ts";
import { isoTime } from "../../sys/clock.ts";
import { openToRead } from "../../sys/file.ts";
import { segmentsIn } from "./segments.ts";

/** No line is longer; see `MAX_LINE`. */
const MAX_BYTES = 1024 * 1024;

/** What was recorded in `folder` since a moment, oldest first. */
export async function* readRecording(
  folder: string,
  sinceMs: number,
): AsyncGenerator<RecordedLine, void, void> {
  const since = isoTime(sinceMs);
  const segments = await segmentsIn(folder);
  for (const [i, { path }] of segments.entries()) {
    const next = segments[i + 1];
    // All that it holds is older.
    if (next !== undefined && next.at <= sinceMs) continue;
    const stream = await openToRead(path);
    if (stream === null) continue; // swept meanwhile
    for await (const line of linesOf(stream)) {
      if (line.at >= since) yield line;
    }
  }
}

/** The whole lines of a file: what follows one that was cut off is lost with it. */
async function* linesOf(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<RecordedLine, void, void> {
  try {
    for await (const value of decodeLines(stream, MAX_BYTES)) {
      const line = RecordedLine.safeParse(value);
      if (line.success) yield line.data;
    }
  } catch {
    // The end of a controller that was killed while it wrote.
  }
}
