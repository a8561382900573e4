import type { RecordStore, StoredRecord } from "../store.ts";
import type { Session } from "./session.ts";

/** The records' part of the store. */
export function records(session: Session): RecordStore {
  const { db, writer } = session;
  const get = db.prepare("SELECT key, value, version FROM record WHERE collection = ? AND key = ?");
  const list = db.prepare(
    "SELECT key, value, version FROM record WHERE collection = ? AND key > ? ORDER BY key LIMIT +?",
  );
  const insert = db.prepare(
    "INSERT INTO record (collection, key, value, version) VALUES (?, ?, ?, 1) ON CONFLICT DO NOTHING",
  );
  const update = db.prepare(
    "UPDATE record SET value = ?, version = version + 1 WHERE collection = ? AND key = ? AND version = ?",
  );
  const remove = db.prepare("DELETE FROM record WHERE collection = ? AND key = ? AND version = ?");
  return {
    get: ({ collection, key }) => writer.read(() => (get.get(collection, key) as StoredRecord | undefined) ?? null),
    list: ({ collection, limit, after = "" }) =>
      writer.read(() => list.all(collection, after, limit) as StoredRecord[]),
    put: ({ collection, key, value, expected }) =>
      writer.write(function* () {
        const { changes } =
          expected === 0 ? insert.run(collection, key, value) : update.run(value, collection, key, expected);
        return changes === 0 ? null : expected + 1;
      }),
    delete: ({ collection, key, expected }) =>
      writer.write(function* () {
        return remove.run(collection, key, expected).changes !== 0;
      }),
  };
}
