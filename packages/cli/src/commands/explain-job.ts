import type { Explanation, Obstacle } from "queuack";
import type { Connection } from "../connection.ts";
import { humanMoment } from "../duration.ts";
import type { Output } from "../output.ts";
import { tableText } from "../table.ts";

/** Prints why a job does not run. @throws {QueuackError} `QUEUACK_UNKNOWN_JOB` */
export async function explainJob({ queue, output }: Connection, id: string): Promise<void> {
  const explanation = await queue.explain(id);
  await output.result(explanation, () => explanationText(explanation, output));
}

/** A summary; where something stands in the way, it is the list of what does, and the table tells that better. */
function explanationText({ id, state, obstacles, summary }: Explanation, { width, colours }: Output): string {
  if (obstacles.length === 0) return summary;
  const many = obstacles.length === 1 ? "1 thing stands" : `${obstacles.length} things stand`;
  const table = tableText<Obstacle>(
    obstacles,
    [
      { title: "OBSTACLE", value: ({ kind }) => kind.replace("_", " "), style: (text) => colours.yellow(text) },
      { title: "UNTIL", value: until },
      // Whole, however narrow the terminal: this is what was asked for.
      { title: "WHY", value: ({ message }) => message },
    ],
    { width, title: colours.dim },
  );
  return `Job ${id} is ${state}; ${many} in its way:\n\n${table}`;
}

function until(obstacle: Obstacle): string | null {
  return "until" in obstacle && obstacle.until !== null ? humanMoment(obstacle.until) : null;
}
