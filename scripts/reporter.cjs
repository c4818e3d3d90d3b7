// mocha's list of tests for people, and its figures as a file for scripts/test.js.
const { writeFileSync } = require('node:fs');
const process = require('node:process');
const { relative } = require('node:path');
const { reporters } = require('mocha');

module.exports = class extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const msOf = {};
    const count = ({ file, duration = 0 }) => {
      if (file) msOf[file] = (msOf[file] ?? 0) + duration;
    };
    runner.on('test end', count);
    runner.on('hook end', count);
    runner.once('end', () => {
      const files = Object.keys(msOf).sort();
      const secondsOf = files.map((file) => [relative(process.cwd(), file), Math.round(msOf[file] / 1000)]);
      writeFileSync(
        options.reporterOption.output,
        JSON.stringify({ stats: this.stats, secondsOf: Object.fromEntries(secondsOf) }),
      );
    });
  }
};
