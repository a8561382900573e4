import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "vitest";
import type { Clock } from "../../core/clock.ts";
import { type OpenedStore, storeConformance } from "../conformance/index.ts";
import type { Store } from "../store.ts";
import { openConnection } from "./database.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import { verifyDatabase } from "./verify.ts";

/** A store over a file in a folder of its own. */
async function openFile({ clock }: { readonly clock: Clock }): Promise<OpenedStore> {
  const folder = mkdtempSync(join(tmpdir(), "queuack-store-"));
  const path = join(folder, "jobs.db");
  const handles: Store[] = [];
  const open = async () => {
    const store = await openSqliteStore({ path, clock });
    handles.push(store);
    return store;
  };
  const store = await open();
  return {
    store,
    reopen: async () => {
      await Promise.all(handles.splice(0).map((handle) => handle.close()));
      return await open();
    },
    second: open,
    // Over a connection of its own: what is committed, whichever handles are closed.
    verify: async () => {
      const db = openConnection(path);
      try {
        return verifyDatabase(db);
      } finally {
        db.close();
      }
    },
    dispose: async () => {
      await Promise.all(handles.map((handle) => handle.close()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

storeConformance(
  {
    name: "sqlite file",
    capabilities: { name: "sqlite", persistent: true, shared: true, transactions: true, ordered: true },
    open: openFile,
  },
  { describe, test },
);

async function openMemory({ clock }: { readonly clock: Clock }): Promise<OpenedStore> {
  const store = await openSqliteStore({ path: ":memory:", clock });
  return { store, verify: () => store.verify(), dispose: () => store.close() };
}

/** A store that began in memory and has become a file: all that holds for a file must hold for it. */
async function openMoved({ clock }: { readonly clock: Clock }): Promise<OpenedStore> {
  const store = await openSqliteStore({ path: ":memory:", clock });
  const { url } = await store.share();
  const others: Store[] = [];
  return {
    store,
    second: async () => {
      const other = await openSqliteStore({ path: url, clock });
      others.push(other);
      return other;
    },
    verify: () => store.verify(),
    dispose: async () => {
      await Promise.all(others.map((other) => other.close()));
      await store.close();
    },
  };
}

storeConformance(
  {
    name: "sqlite memory that became a file",
    capabilities: { name: "sqlite", persistent: false, shared: true, transactions: false, ordered: true },
    open: openMoved,
  },
  { describe, test },
);

storeConformance(
  {
    name: "sqlite memory",
    capabilities: { name: "sqlite", persistent: false, shared: false, transactions: false, ordered: true },
    open: openMemory,
  },
  { describe, test },
);
