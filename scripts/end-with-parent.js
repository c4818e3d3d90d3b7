// Loaded before a benchmark or a long test run: ends it and every process it started when the one that started it was killed.
process.on('disconnect', () => {
  try {
    process.kill(-process.pid, 'SIGKILL');
  } catch {
    // Not at the head of a group: whoever is will end this one too.
  }
});
process.channel?.unref();
