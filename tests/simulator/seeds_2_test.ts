/**
 * The second half of the seeds; see `seeds_1_test.ts`.
 *
 * @module
 */
import { survives } from "./seeds.ts";

survives(151, 300);
