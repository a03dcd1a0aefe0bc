// Loaded into mountebank first: it ends when the benchmark does, even one that was killed.
process.stdin.on('end', () => process.exit()).resume();
