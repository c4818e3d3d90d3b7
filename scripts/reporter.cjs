// mocha's list of tests for people, and its figures as a file for scripts/test.js.
const { writeFileSync } = require('node:fs');
const { reporters } = require('mocha');

module.exports = class extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once('end', () => {
      writeFileSync(options.reporterOption.output, JSON.stringify({ stats: this.stats }));
    });
  }
};
