// Nothing may hide behind a promise nobody awaited: an unhandled rejection fails the run.
process.on('unhandledRejection', (error) => {
  throw error;
});
