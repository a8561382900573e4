import { type Database, pragma } from "./database.ts";
import type { Writer } from "./writer.ts";

/** Pages given back in one commit: bounded, so that nobody waits long. */
const stepPages = 500;

/** Gives pages that nothing stands on back to the file system; resolves to the bytes returned. */
export async function compact(db: Database, writer: Writer): Promise<number> {
  const size = () => (pragma(db, "page_count") as number) * (pragma(db, "page_size") as number);
  const freePages = () => pragma(db, "freelist_count") as number;
  const before = await writer.read(size);
  let free = await writer.read(freePages);
  // A file that was not made for it (another program's) keeps its free pages: then nothing shrinks, and this ends.
  for (let left = Number.POSITIVE_INFINITY; free > 0 && free < left; free = await writer.read(freePages)) {
    left = free;
    await writer.write(function* () {
      db.exec(`PRAGMA incremental_vacuum(${stepPages})`);
    }, false);
  }
  return await writer.read(() => {
    // The file itself is cut when its log is carried over; another reader may hold that up, and then it is cut later.
    db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").all();
    return before - size();
  });
}
