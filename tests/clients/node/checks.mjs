// Runs checks in order and counts them; the last line is `N passed, N failed`.

export async function runChecks(checks) {
  let passed = 0;
  let failed = 0;
  for (const [sentence, check] of checks) {
    const started = performance.now();
    try {
      await check();
      passed += 1;
      console.log(`ok      ${sentence} (${((performance.now() - started) / 1000).toFixed(2)} s)`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED  ${sentence}\n${error.stack ?? error}`);
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

// Reads until the answer is accepted: usage reaches the store a moment after the call.
export async function eventually(read, accepts, what, patienceMs = 10_000) {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const value = await read();
    if (accepts(value)) return value;
    if (performance.now() > deadline) {
      throw new Error(`${what}: not within ${patienceMs} ms, last seen ${JSON.stringify(value)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
