// mocha's list of tests for people, and its figures and failures as a file for scripts/test.js.
const { writeFileSync } = require('node:fs');
const { relative } = require('node:path');
const { cwd } = require('node:process');
const { reporters } = require('mocha');

module.exports = class extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once('end', () => {
      const failures = this.failures.map((test) => ({
        title: test.fullTitle(),
        file: test.file && relative(cwd(), test.file),
        error: String(test.err.stack ?? test.err.message ?? test.err),
      }));
      writeFileSync(options.reporterOption.output, JSON.stringify({ stats: this.stats, failures }));
    });
  }
};
