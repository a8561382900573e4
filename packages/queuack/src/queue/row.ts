import type { NewJob, Payload } from "../core/job.ts";
import type { RetryPolicy } from "../core/retry.ts";
import type { Uniqueness } from "../core/unique.ts";
import type { UniqueTemplate } from "./unique-key.ts";

/** What a submission to one task has in common, worked out once for all its inputs. */
export interface JobTemplate extends Omit<NewJob, "id" | "input" | "idempotencyKey" | "unique"> {
  readonly unique?: UniqueTemplate | undefined;
}

/** A job of a template. A class, so that the rows of all templates have one shape: made and read several times as fast. */
export class Row implements NewJob {
  readonly id: string;
  readonly tenant: string;
  readonly queue: string;
  readonly task: string;
  readonly priority: number;
  readonly input: Payload;
  readonly maxAttempts: number;
  readonly retry: RetryPolicy | undefined;
  readonly timeoutMs: number | undefined;
  readonly delayMs: number | undefined;
  readonly runAt: number | undefined;
  readonly expiresInMs: number | undefined;
  readonly tags: readonly string[] | undefined;
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
  readonly idempotencyKey: string | undefined;
  readonly group: string | undefined;
  readonly unique: Uniqueness | undefined;
  readonly batch: string | undefined;

  constructor(
    template: JobTemplate,
    own: {
      readonly id: string;
      readonly input: Payload;
      readonly idempotencyKey: string | undefined;
      readonly unique: Uniqueness | undefined;
    },
  ) {
    this.id = own.id;
    this.tenant = template.tenant;
    this.queue = template.queue;
    this.task = template.task;
    this.priority = template.priority;
    this.input = own.input;
    this.maxAttempts = template.maxAttempts;
    this.retry = template.retry;
    this.timeoutMs = template.timeoutMs;
    this.delayMs = template.delayMs;
    this.runAt = template.runAt;
    this.expiresInMs = template.expiresInMs;
    this.tags = template.tags;
    this.metadata = template.metadata;
    this.idempotencyKey = own.idempotencyKey;
    this.group = template.group;
    this.unique = own.unique;
    this.batch = template.batch;
  }
}
