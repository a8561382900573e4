import { validInput } from "../core/input.ts";
import type { NewJob } from "../core/job.ts";
import type { JobOptions, TaskDefinition } from "../core/task.ts";
import { jobTemplate, newJob } from "./new-job.ts";
import type { JobTemplate } from "./row.ts";
import { invalid, type Settings } from "./settings.ts";

/** The options of a job for which none are given. */
export const noOptions: JobOptions = Object.freeze({});

/** Most templates that are kept. */
const mostTemplates = 1_000;

/** One job that is to be enqueued, before it becomes a row. */
export interface SubmittedJob {
  readonly task: TaskDefinition<never, unknown> | string;
  readonly input: unknown;
  readonly options: JobOptions;
  /** What `task` and `options` come to, where many jobs share it. */
  readonly template?: JobTemplate | undefined;
}

/** Makes rows of what is submitted. What a task comes to without options is worked out once. */
export class Rows {
  readonly #settings: Settings;
  readonly #templates = new Map<TaskDefinition<never, unknown> | string, JobTemplate>();

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /**
   * The row of a job, its input checked and written; a promise only where the schema is asynchronous.
   * @throws {QueuackError} `QUEUACK_INVALID_INPUT`, `QUEUACK_INVALID_OPTION`, `QUEUACK_NOT_STORABLE`
   */
  of(job: SubmittedJob): NewJob | Promise<NewJob> {
    const { task, input, options } = job;
    if (options !== noOptions && options.tx !== undefined) {
      throw invalid(
        "tx is given where no transaction can be joined.",
        "Give it to enqueue() of a connection by connect().",
      );
    }
    if (typeof task !== "string" && task.options.input !== undefined) {
      const checked = validInput(task.options.input, input, task.name);
      if (checked instanceof Promise) return checked.then(() => this.#made(job));
    }
    return this.#made(job);
  }

  #made({ task, input, options, template = this.#template(task, options) }: SubmittedJob): NewJob {
    const codec = typeof task === "string" ? undefined : task.options.codec;
    return newJob(template, input, options, this.#settings, codec);
  }

  #template(task: TaskDefinition<never, unknown> | string, options: JobOptions): JobTemplate {
    if (options !== noOptions) return jobTemplate(task, options, this.#settings);
    const kept = this.#templates.get(task);
    if (kept !== undefined) return kept;
    const made = jobTemplate(task, options, this.#settings);
    // Names may be made up without end.
    if (this.#templates.size === mostTemplates) this.#templates.clear();
    this.#templates.set(task, made);
    return made;
  }
}

/** The name of a task. */
export function nameOf(task: TaskDefinition<never, unknown> | string): string {
  return typeof task === "string" ? task : task.name;
}
