import { randomFillSync } from "node:crypto";

/** Random numbers are drawn this many at a time: a draw costs a call to the system's source, whatever it brings. */
const drawn = 1024;

const numbers = new Uint32Array(drawn);
let nextNumber = drawn;

function random32(): number {
  if (nextNumber === drawn) {
    randomFillSync(numbers);
    nextNumber = 0;
  }
  return numbers[nextNumber++] as number;
}

const digits = Buffer.from("0123456789abcdef");
/** The id as it was last made; only what changes is written anew. */
const text = Buffer.from("00000000-0000-7000-8000-000000000000");

/** The time that ids bear, milliseconds: never before that of an earlier one. */
let time = 0;
/** The two parts of the counter of ids that bear the same time, 12 and 30 bits. */
let high = 0;
let low = 0;

/**
 * A new UUIDv7; those of one process grow. Laid out by method 1 of RFC 9562, section 6.2: the time, a counter of 42 bits
 * that begins anywhere in its lower half with every millisecond, and 32 random bits.
 */
export function newId(): string {
  const now = Date.now();
  if (now > time) begin(now);
  else if (++low === 0x4000_0000) {
    low = 0;
    // It has room for 2^41 ids, which no clock that stands still can use up.
    high++;
    writeHigh();
  }
  // Written into one buffer: a text that is put together from pieces costs several times as much, also when it is read.
  text[19] = digits[8 | (low >>> 28)] as number;
  write(low >>> 16, 20, 3);
  write(low, 24, 4);
  const random = random32();
  write(random >>> 16, 28, 4);
  write(random, 32, 4);
  return text.toString("latin1");
}

/** Lets ids bear another time, and the counter begin anew. */
function begin(at: number): void {
  time = at;
  high = random32() & 0x7ff;
  low = random32() >>> 2;
  write(Math.floor(at / 0x1_0000_0000), 0, 4);
  write(at >>> 16, 4, 4);
  write(at, 9, 4);
  writeHigh();
}

function writeHigh(): void {
  write(high, 15, 3);
}

/** Writes the last `count` hexadecimal digits of a number. */
function write(number: number, place: number, count: number): void {
  let left = number;
  for (let i = place + count - 1; i >= place; i--) {
    text[i] = digits[left & 15] as number;
    left >>>= 4;
  }
}
