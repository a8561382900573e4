// Inputs and results that nobody can read who has the file but not the key: AES-256-GCM, with a fresh nonce for each.
//
// Prints:
//   with the key: { card: '4111 1111 1111 1111' }
//   without: { '$codec': 'aes-2026', '$error': 'QUEUACK_UNKNOWN_CODEC' }
//   with another key: QUEUACK_CODEC_FAILED
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Codec, codecOver, connect } from "queuack";

/** The nonce (12 bytes), the tag (16), then what is hidden. */
function aes(name: string, key: Uint8Array): Codec {
  return codecOver("json", {
    name,
    encode: (bytes) => {
      const nonce = randomBytes(12);
      const cipher = createCipheriv("aes-256-gcm", key, nonce);
      const hidden = Buffer.concat([cipher.update(bytes), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), hidden]);
    },
    decode: (bytes) => {
      const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, 12), { authTagLength: 16 });
      decipher.setAuthTag(bytes.subarray(12, 28));
      return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]);
    },
  });
}

const folder = await mkdtemp(join(tmpdir(), "queuack-encryption-"));
const file = join(folder, "jobs.db");

// In earnest the key comes from a secret store. A new key gets a new name: the old codec goes on reading what it wrote.
const codec = aes("aes-2026", randomBytes(32));
const q = await connect(file, { codec, codecs: [aes("aes-2025", randomBytes(32))] });
const { id } = await q.enqueue("charge", { card: "4111 1111 1111 1111" });
console.log("with the key:", (await q.jobs.get(id))?.input);

const stranger = await connect(file);
console.log("without:", (await stranger.jobs.get(id))?.input);

const thief = await connect(file, { codec: aes("aes-2026", randomBytes(32)) });
const guess = (await thief.jobs.get(id))?.input as { $error: string };
console.log("with another key:", guess.$error);

await Promise.all([q.close(), stranger.close(), thief.close()]);
await rm(folder, { recursive: true });
