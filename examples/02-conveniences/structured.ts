// Values that JSON can't hold, in and out: a Map with a Date and a BigInt goes to the handler, a Set comes back.
//
// Prints:
//   Ada was born in 1815 and has 120000000000000000001 coins
//   Set(1) { 'Ada' }
import { connect, type TaskContext, task } from "queuack";

type Accounts = Map<string, { born: Date; coins: bigint }>;

const audit = task({
  name: "audit",
  codec: "structured",
  run: ({ input }: TaskContext<Accounts>) => {
    for (const [name, { born, coins }] of input) {
      console.log(`${name} was born in ${born.getUTCFullYear()} and has ${coins} coins`);
    }
    return new Set(input.keys());
  },
});

const q = await connect(":memory:", { tasks: [audit], workers: 1 });
const job = await q.enqueue(audit, new Map([["Ada", { born: new Date("1815-12-10"), coins: 120000000000000000001n }]]));
console.log(await job.result());
await q.close();
