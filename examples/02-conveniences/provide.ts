// What the application registered reaches its handlers, typed, without a global.
//
// Prints:
//   Ada has 3 books
import { connect, type TaskContext, task } from "queuack";

class Library {
  readonly #books = new Map([["Ada", 3]]);
  count(name: string): number {
    return this.#books.get(name) ?? 0;
  }
}

declare module "queuack" {
  interface Provided {
    library: Library;
  }
}

const count = task({
  name: "count",
  run: ({ input, provided }: TaskContext<string>) => provided.library.count(input),
});

const q = await connect(":memory:", { tasks: [count], workers: 1, provide: { library: new Library() } });
console.log(`Ada has ${await (await q.enqueue(count, "Ada")).result()} books`);
await q.close();
