/**
 * What the editor shows and the screen draws.
 *
 * @module
 */

/** A prompt, the line, and the cursor in characters of the line. */
export interface View {
  readonly prompt: string;
  readonly text: string;
  readonly cursor: number;
}
