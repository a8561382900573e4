import assert from "node:assert/strict";
import type { Scene } from "./scene.ts";
import type { Suite } from "./suite.ts";

/** The small keyed collection with compare-and-set. */
export function records(suite: Suite): void {
  suite.test("a record is written anew, over its version, and not over another", async (scene) => {
    assert.equal(await get(scene), null);
    assert.equal(await put(scene, '"a"', 1), null, "there is none yet");
    assert.equal(await put(scene, '"a"', 0), 1);
    assert.equal(await put(scene, '"b"', 0), null, "there is one already");
    assert.equal(await put(scene, null, 1), 2);
    assert.equal(await put(scene, '"b"', 1), null, "somebody was faster");
    assert.deepEqual(await get(scene), { key: "k", value: null, version: 2 });
  });

  suite.test("a record is deleted at its version only, and starts over", async (scene) => {
    const drop = (expected: number) => scene.store.records.delete({ collection: "c", key: "k", expected });
    assert.equal(await drop(1), false);
    await put(scene, "1", 0);
    await put(scene, "2", 1);
    assert.equal(await drop(1), false);
    assert.equal(await drop(2), true);
    assert.equal(await get(scene), null);
    assert.equal(await put(scene, "3", 2), null);
    assert.equal(await put(scene, "3", 0), 1);
  });

  suite.test("of many who write at once over one version one gets through", async (scene) => {
    await put(scene, "0", 0);
    const replies = await Promise.all(Array.from({ length: 20 }, (_, n) => put(scene, String(n), 1)));
    assert.equal(replies.filter((version) => version === 2).length, 1);
    assert.equal(replies.filter((version) => version === null).length, 19);
    const winner = replies.indexOf(2);
    assert.deepEqual(await get(scene), { key: "k", value: String(winner), version: 2 });
  });

  suite.testIf("shared", "over several handles as well: a counter that all raise loses nothing", async (scene) => {
    const stores = [scene.store, await scene.second(), await scene.second()];
    await put(scene, "0", 0);
    await Promise.all(
      stores.map(async ({ records }) => {
        for (let raised = 0; raised < 20; ) {
          const found = await records.get({ collection: "c", key: "k" });
          assert.ok(found);
          const value = String(Number(found.value) + 1);
          const version = await records.put({ collection: "c", key: "k", value, expected: found.version });
          if (version !== null) raised++;
        }
      }),
    );
    assert.deepEqual(await get(scene), { key: "k", value: "60", version: 61 });
  });

  suite.test("a collection is listed in the order of its keys, page by page, apart from the others", async (scene) => {
    for (const key of ["b", "a", "d", "c", "ä"]) await put(scene, JSON.stringify(key), 0, key);
    await scene.store.records.put({ collection: "other", key: "b", value: "9", expected: 0 });
    const list = async (limit: number, after?: string) =>
      (await scene.store.records.list({ collection: "c", limit, after })).map(({ key }) => key);
    assert.deepEqual(await list(10), ["a", "b", "c", "d", "ä"]);
    assert.deepEqual(await list(2), ["a", "b"]);
    assert.deepEqual(await list(2, "b"), ["c", "d"]);
    assert.deepEqual(await list(2, "bb"), ["c", "d"]);
    assert.deepEqual(await list(2, "ä"), []);
    assert.deepEqual((await scene.store.records.list({ collection: "other", limit: 5 }))[0], {
      key: "b",
      value: "9",
      version: 1,
    });
  });

  suite.testIf("persistent", "records are there after reopening", async (scene) => {
    await put(scene, '{"a":1}', 0);
    await scene.reopen();
    assert.deepEqual(await get(scene), { key: "k", value: '{"a":1}', version: 1 });
  });
}

function get(scene: Scene) {
  return scene.store.records.get({ collection: "c", key: "k" });
}

function put(scene: Scene, value: string | null, expected: number, key = "k") {
  return scene.store.records.put({ collection: "c", key, value, expected });
}
