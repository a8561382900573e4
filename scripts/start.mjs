// `npm start [-- arguments]`: the audit, Queuack's first example, on a bare clone with nothing installed.
import { node } from "./run.mjs";
import { setup } from "./setup.mjs";

const code = await setup();
process.exitCode = code || (await node(["examples/dist/audit/main.js", ...process.argv.slice(2)])).code;
