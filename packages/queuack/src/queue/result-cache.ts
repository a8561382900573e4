import type { TaskDefinition } from "../core/task.ts";
import type { Broker } from "../engine/broker.ts";
import { storedKey } from "../worker/caching/cache-key.ts";
import { checkedTask } from "./new-job.ts";
import { invalid, name, refuseOther, type Settings, shown } from "./settings.ts";

/** Which kept results: those of a task, or the one of a key. */
export interface CacheSelection {
  /** A definition, or the name of one. */
  readonly task: TaskDefinition<never, unknown> | string;
  /** As the task's `cache.key` makes it; by default every key of the task. */
  readonly key?: string | undefined;
  /** The tenant of the connection by default. */
  readonly tenant?: string | undefined;
}

/** The results that tasks with `cache` have left for later jobs. */
export class ResultCache {
  readonly #broker: Broker;
  readonly #settings: Settings;

  constructor(broker: Broker, settings: Settings) {
    this.#broker = broker;
    this.#settings = settings;
  }

  /**
   * Forgets kept results, so that the next job of their key runs again. Jobs that are running keep theirs when they end.
   * Resolves to how many were forgotten.
   * @throws {QueuackError} `QUEUACK_INVALID_OPTION`, `QUEUACK_INVALID_TASK`
   */
  async drop(selection: CacheSelection): Promise<number> {
    refuseOther(selection, "What to drop", ["task", "key", "tenant"]);
    const { task, key, tenant } = selection;
    if (key !== undefined && typeof key !== "string") throw invalid(`key is ${shown(key)}.`, "Give a text.");
    const known = checkedTask(task);
    return await this.#broker.dropCached({
      tenant: tenant === undefined ? this.#settings.tenant : name(tenant, "tenant"),
      task: typeof known === "string" ? name(known, "task") : known.name,
      key: key === undefined ? undefined : storedKey(key),
    });
  }
}
