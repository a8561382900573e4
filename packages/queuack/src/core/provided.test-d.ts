import { type Provided, type Queue, type TaskContext, task } from "queuack";
import { expectTypeOf, test } from "vitest";

interface Shelf {
  find(id: number): Promise<string>;
}
declare module "queuack" {
  interface Provided {
    shelfOfTypeTests: Shelf;
  }
}
declare const q: Queue;

test("what an application declares is typed in handlers that know no queue", () => {
  const find = task({
    name: "find",
    run: ({ input, provided }: TaskContext<number>) => provided.shelfOfTypeTests.find(input),
  });
  task({
    name: "look",
    run: ({ provided }) => {
      expectTypeOf(provided).toEqualTypeOf<Provided>();
      expectTypeOf(provided.shelfOfTypeTests).toEqualTypeOf<Shelf>();
      // @ts-expect-error: nobody declared this
      provided.mailerOfTypeTests;
      // @ts-expect-error: it is a Shelf
      const typed: string = provided.shelfOfTypeTests;
      return typed;
    },
  });
  void q.enqueue(find, 1);
});

test("provide() takes what was declared by its type, and anything else", () => {
  q.provide({ shelfOfTypeTests: { find: async (id) => String(id) } });
  q.provide({ undeclared: 5 });
  // @ts-expect-error: declared as a Shelf
  q.provide({ shelfOfTypeTests: "shelf" });
});

test("middleware sees it as well", () => {
  q.use({
    enqueue: async ({ provided, options }, next) => {
      expectTypeOf(provided.shelfOfTypeTests).toEqualTypeOf<Shelf>();
      const accepted = await next({ options: { ...options, priority: "high" } });
      expectTypeOf(accepted.id).toBeString();
    },
    run: async ({ provided, job, input }, next) => {
      expectTypeOf(provided.shelfOfTypeTests).toEqualTypeOf<Shelf>();
      expectTypeOf(job.id).toBeString();
      expectTypeOf(input).toBeUnknown();
      return await next();
    },
  });
  // @ts-expect-error: no such option of a job
  q.use({ enqueue: (_, next) => next({ options: { colour: "red" } }) });
  // @ts-expect-error: no such part
  q.use({ before: () => undefined });
});

test("hooks get their facts", () => {
  q.hooks({
    onSuccess: ({ id, result, durationMs }) => {
      expectTypeOf(id).toBeString();
      expectTypeOf(result).toBeUnknown();
      expectTypeOf(durationMs).toBeNumber();
    },
    onFailure: ({ retryInMs, error }) => {
      expectTypeOf(retryInMs).toEqualTypeOf<number | null>();
      expectTypeOf(error.message).toBeString();
    },
  });
  // @ts-expect-error: no such hook
  q.hooks({ onEnd: () => undefined });
});
