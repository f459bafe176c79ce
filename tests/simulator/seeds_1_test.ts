/**
 * The first half of the seeds; two files, so that two cores share them.
 *
 * @module
 */
import { survives } from "./seeds.ts";

survives(1, 150);
