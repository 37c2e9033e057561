// One line a step: a spinner with the elapsed time on a terminal, plain lines elsewhere.

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const PLAIN_FIRST_MS = 1_000;
const PLAIN_REMINDER_MS = 20_000;

/**
 * @param {{ quiet?: boolean, stream?: NodeJS.WriteStream }} [options] quiet: steps that have nothing to do say nothing
 */
export function createProgress({ quiet = false, stream = process.stderr } = {}) {
  const terminal = stream.isTTY === true;
  const say = (text) => stream.write(`${text}\n`);
  const seconds = (from) => `${((Date.now() - from) / 1000).toFixed(1)} s`;
  return {
    say,
    /** A step that has nothing to do. */
    already(title) {
      if (!quiet) say(`✓ ${title}: up to date`);
    },
    /** A step that runs: call `line` with what it does just now, then `done`, `already` or `failed`. */
    begin(title) {
      const from = Date.now();
      let current = "";
      let frame = 0;
      const redraw = () => {
        const text = `${FRAMES[frame++ % FRAMES.length]} ${title} ${seconds(from)}  ${current}`;
        stream.write(`\r\u001b[2K${text.slice(0, (stream.columns ?? 80) - 1)}`);
      };
      const remind = () => say(`· ${title}, ${seconds(from)} so far: ${current}`);
      let plain = terminal ? undefined : setTimeout(() => {
        say(`· ${title} …`);
        plain = setInterval(remind, PLAIN_REMINDER_MS);
      }, PLAIN_FIRST_MS);
      const spinner = terminal ? setInterval(redraw, 100) : undefined;
      const end = (text) => {
        clearInterval(spinner);
        clearTimeout(plain); // ends an interval as well
        if (terminal) stream.write("\r\u001b[2K");
        if (text) say(text);
      };
      return {
        // controls in a program's own output would spoil the line
        line: (text) => (current = text.replace(/\u001b\[[0-9;]*[A-Za-z]/g, "").replace(/[\u0000-\u001f]/g, " ")),
        done: () => end(`✓ ${title} ${seconds(from)}`),
        already: () => end(quiet ? "" : `✓ ${title}: up to date`),
        failed: () => end(`✗ ${title} failed after ${seconds(from)}`),
      };
    },
  };
}
