import { SingleBar } from "cli-progress";

/** Shows how far the audit is. */
export interface Progress {
  /** One more is done. */
  step(): void;
  /** Nothing more will come. */
  stop(): void;
}

/** A bar on a terminal; elsewhere a line at every tenth of the way. */
export function progress(stream: NodeJS.WriteStream, total: number, done: number): Progress {
  return stream.isTTY ? bar(stream, total, done) : lines(stream, total, done);
}

function bar(stream: NodeJS.WriteStream, total: number, done: number): Progress {
  const format = "{bar} {value}/{total} packages, {percentage} %, {duration} s";
  // The terminal stays as it is: after a kill nobody would be there to bring its cursor back.
  const single = new SingleBar({
    format,
    stream,
    hideCursor: false,
    linewrap: true,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    gracefulExit: false,
  });
  single.start(total, done);
  return { step: () => single.increment(), stop: () => single.stop() };
}

function lines(stream: NodeJS.WriteStream, total: number, done: number): Progress {
  let count = done;
  const tenth = () => Math.floor((count * 10) / total);
  return {
    step() {
      const before = tenth();
      count++;
      if (tenth() > before) stream.write(`${count}/${total} packages, ${Math.floor((count * 100) / total)} %\n`);
    },
    stop: () => undefined,
  };
}
