import { describe, test } from "vitest";
import type { Clock } from "../../core/clock.ts";
import { type OpenedStore, storeConformance } from "../conformance/index.ts";
import type { Store } from "../store.ts";
import { openedFile } from "./fixtures/opened-file.ts";
import { openSqliteStore } from "./sqlite-store.ts";

storeConformance(
  {
    name: "sqlite file",
    capabilities: { name: "sqlite", persistent: true, shared: true, transactions: true, ordered: true },
    open: ({ clock }) => openedFile((path) => openSqliteStore({ path, clock })),
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
