// A thread of the pool.

import { compute } from "./parts.mjs";

/** @import { Part, Task } from "./parts.mjs" */

/** @param {{ task: Task, part: Part }} job */
export default ({ task, part }) => compute(task, part);
