// The arrows between the rooms (DESIGN.md, "Rooms and arrows"). A room may import itself and what stands behind its
// name here, nothing else of this package; a folder of src that is not listed may import nothing at all.
const manifest = require("./packages/queuack/package.json");

const src = "^packages/queuack/src/";
const store = "storage/[^/]+[.]ts$"; // the interfaces and decorators, not a database
const broker = "engine/broker[.]ts$"; // the interface, not LocalBroker
const rooms = {
  core: [],
  codecs: ["core/"],
  dag: ["core/"],
  protocol: ["core/"],
  streams: ["core/"],
  mermaid: ["core/"],
  resilience: ["core/"],
  observe: ["core/"],
  storage: ["core/"],
  modules: ["core/"],
  engine: ["core/", "dag/", "observe/", "resilience/", store],
  worker: ["core/", "codecs/", "modules/", "dag/", "observe/", "resilience/", "streams/", broker],
  client: ["core/", "codecs/", "dag/", "observe/", "resilience/", "streams/", "protocol/", broker],
  // The front door stands on everything below it.
  queue: ["(core|codecs|dag|protocol|streams|mermaid|resilience|observe|storage|modules|engine|worker|client)/"],
  // For users' tests: stands on top, and shipped code never imports it ("tests-stay-out").
  testing: [""],
};

/** The files that queuack's exports name. */
const entrances = Object.values(manifest.exports).map((target) => target.default ?? target);

/** Tests, and what only they use, may reach anywhere: a test of the engine needs a store. */
const tests = ["[.]test(-d)?[.]ts$", "/conformance/", "/fixtures/"];

/** Each database's driver, and the one folder that may import it. */
const drivers = { "better-sqlite3": "storage/sqlite/" };

const error = (name, comment, from, to) => ({ name, comment, severity: "error", from, to });

const roomRules = Object.entries(rooms).map(([room, below]) =>
  error(
    `${room}-arrows`,
    `${room}/ may import only itself and: ${below.join(", ") || "nothing"}`,
    { path: `${src}${room}/`, pathNot: tests },
    { path: src, pathNot: [`${room}/`, ...below].map((path) => src + path) },
  ),
);

const driverRules = Object.entries(drivers).map(([driver, folder]) =>
  error(
    `driver-${driver}`,
    `outside ${folder} nobody knows which database it is`,
    { path: "^packages/", pathNot: [src + folder, ...tests] },
    { path: `(^|/)node_modules/${driver}/` },
  ),
);

module.exports = {
  forbidden: [
    ...roomRules,
    ...driverRules,
    error("no-cycle", "two files that need each other are one, or want a third", {}, { circular: true }),
    error(
      "no-unresolved",
      "an import that leads nowhere",
      // The peers that Queuack is measured beside are installed by `npm run bench` alone.
      { pathNot: "^bench/(systems|servers)/" },
      { couldNotResolve: true },
    ),
    error(
      "core-is-pure",
      "core imports no package and nothing of Node; the types of Standard Schema are its one word from outside",
      { path: `${src}core/`, pathNot: tests },
      { pathNot: [src, "(^|/)node_modules/@standard-schema/spec/"] },
    ),
    error(
      "room-without-arrows",
      "a new folder of src needs a line in `rooms`",
      { path: `${src}[^/]+/`, pathNot: `${src}(${Object.keys(rooms).join("|")})/` },
      {},
    ),
    error(
      "stores-apart",
      "a store imports core and the storage interfaces, never another store",
      { path: `${src}storage/([^/]+)/`, pathNot: tests },
      { path: `${src}storage/`, pathNot: [src + store, `${src}storage/$1/`] },
    ),
    error(
      "storage-interfaces-on-top",
      "the storage interfaces know no store",
      { path: src + store, pathNot: tests },
      { path: `${src}storage/[^/]+/` },
    ),
    error(
      "tests-stay-out",
      "shipped code imports neither tests nor what is made for tests",
      { path: "^packages/[^/]+/src/", pathNot: [`${src}testing/`, ...tests] },
      { path: [`${src}testing/`, "^packages/queuack/dist/testing/", ...tests] },
    ),
    error(
      "exports-only",
      "the other packages, the examples and the benches use queuack as its users do: by its exports",
      { path: "^(packages/(?!queuack/)|examples/|bench/)" },
      { path: "^packages/queuack/", pathNot: entrances.map((file) => `^packages/queuack/${file.slice(2)}$`) },
    ),
    error(
      "dashboard-apart",
      "the dashboard speaks REST and WebSocket, never a store",
      { path: "^packages/dashboard/" },
      { path: "^packages/(?!dashboard/)" },
    ),
    error(
      "doors-apart",
      "the server's doors never import each other",
      { path: "^packages/server/src/(http|grpc|tcp|live)/", pathNot: tests },
      { path: "^packages/server/src/(http|grpc|tcp|live)/", pathNot: "^packages/server/src/$1/" },
    ),
    error(
      "declared-dependency",
      "shipped code imports only what its own package.json declares for users",
      { path: "^packages/[^/]+/src/", pathNot: tests },
      // An optional peer is declared, although nothing says that it is installed.
      { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"], dependencyTypesNot: ["npm-peer"] },
    ),
  ],
  options: {
    // Type-only imports are arrows too.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.base.json" },
    doNotFollow: { path: ["(^|/)node_modules/", "(^|/)dist/"] },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default"] },
  },
};
