import { createHash } from "node:crypto";

/**
 * A key as it is stored: as it is while it is short and plain, else by its hash, so that no key is too long for the index
 * and none is mistaken for another. Whoever drops a key must ask for it by the same form.
 */
export function storedKey(key: string): string {
  if (/^(?!sha256:)[^\p{Cc}\p{Cs}]{1,200}$/u.test(key)) return key;
  // As UTF-16, because UTF-8 has but one form for all lone surrogates.
  return `sha256:${createHash("sha256").update(key, "utf16le").digest("hex")}`;
}
