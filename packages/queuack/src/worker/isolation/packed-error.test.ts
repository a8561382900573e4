import { deserialize, serialize } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { NonRetryableError, QueuackError, RetryAfter } from "../../core/errors.ts";
import { packError, unpackError } from "./packed-error.ts";

/** What arrives on the other side. */
const sent = (thrown: unknown) => unpackError(deserialize(serialize(packError(thrown))));

test("an error arrives with its class, name, message, stack, code and facts", () => {
  const error = Object.assign(new RangeError("far"), { code: "E_FAR", status: 429, socket: {}, ok: false });
  const arrived = sent(error) as typeof error;
  expect(arrived).toBeInstanceOf(RangeError);
  expect(arrived).toMatchObject({ name: "RangeError", message: "far", code: "E_FAR", status: 429, ok: false });
  expect(arrived.stack).toBe(error.stack);
  expect("socket" in arrived).toBe(false);
});

test("Queuack's own errors arrive as themselves", () => {
  expect(sent(new RetryAfter("10m", "later"))).toSatisfy(
    (error) => error instanceof RetryAfter && error.delay === "10m" && error.message === "later",
  );
  expect(sent(new NonRetryableError("no"))).toBeInstanceOf(NonRetryableError);
  const lost = new QueuackError("QUEUACK_LEASE_LOST", { message: "Gone." });
  expect(sent(lost)).toSatisfy((error) => error instanceof QueuackError && error.code === "QUEUACK_LEASE_LOST");
});

test("an error of a class of the user's, or of another realm, arrives as an error of its name", () => {
  class PaymentError extends Error {
    override name = "PaymentError";
  }
  expect(sent(new PaymentError("no money"))).toMatchObject({ name: "PaymentError", message: "no money" });
  expect(sent(runInNewContext('new TypeError("elsewhere")'))).toBeInstanceOf(TypeError);
});

test("causes arrive, and a circle of them ends", () => {
  const error: Error = new Error("outer", { cause: new Error("inner", { cause: "text" }) });
  expect(sent(error)).toMatchObject({ cause: { message: "inner", cause: "text" } });
  error.cause = error;
  expect(sent(error)).toMatchObject({ message: "outer" });
});

test.each([undefined, null, "text", 5, { odd: true }])("%j that was thrown arrives as it is", (thrown) => {
  expect(sent(thrown)).toEqual(thrown);
});

test("what can't be sent or read is described", () => {
  expect(sent(() => 1)).toBe("() => 1");
  const hostile = new Proxy(new Error("x"), {
    get() {
      throw new Error("hands off");
    },
  });
  expect(sent(hostile)).toMatchObject({ message: "The handler threw an error that can't be read." });
});
