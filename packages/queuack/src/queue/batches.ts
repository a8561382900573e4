import type { BatchFilter } from "../core/batch.ts";
import type { Broker } from "../engine/broker.ts";
import { Batch, type BatchHost } from "./batch.ts";
import { type BatchView, batchView } from "./batch-view.ts";
import { invalid, refuseOther, type Settings, shown, textList } from "./settings.ts";

const filterKeys: readonly string[] = ["tenant", "names", "open"] satisfies (keyof BatchFilter)[];

/** What can be asked about batches that exist; `q.batch()` makes one. */
export class Batches {
  readonly #broker: Broker;
  readonly #host: BatchHost;
  readonly #settings: Settings;

  constructor(host: BatchHost, settings: Settings) {
    this.#broker = host.broker;
    this.#host = host;
    this.#settings = settings;
  }

  /** A batch as it stands; `null` when there is none of this id. */
  async get(id: string): Promise<BatchView | null> {
    const [batch] = await this.#broker.getBatches({ ids: [id] });
    return batch == null ? null : batchView(batch);
  }

  /** A page of batches, newest first; hand the cursor to the next call. @throws {QueuackError} `QUEUACK_INVALID_OPTION` */
  async list(
    query: BatchFilter = {},
    page: { readonly limit?: number | undefined; readonly cursor?: string | null | undefined } = {},
  ): Promise<{ readonly items: readonly BatchView[]; readonly cursor: string | null }> {
    refuseOther(query, "A filter of batches", filterKeys);
    textList(query.names, "names");
    if (query.open !== undefined && typeof query.open !== "boolean") {
      throw invalid(`open is ${shown(query.open)}.`, "Give true or false.");
    }
    const { limit = 100 } = page;
    if (!Number.isInteger(limit) || limit < 1 || limit > 10_000) {
      throw invalid(`limit is ${shown(limit)}.`, "Give 1 to 10000.");
    }
    const { items, cursor } = await this.#broker.listBatches({
      filter: { ...query, tenant: query.tenant ?? this.#settings.tenant },
      limit,
      cursor: page.cursor ?? undefined,
    });
    return { items: items.map(batchView), cursor };
  }

  /** The handle of a batch by its id, whether it exists or not. */
  of(id: string): Batch {
    return new Batch(this.#host, id);
  }
}
