// The one limit on time in tests. No test asserts a duration: this only ends a test that hangs, and is far beyond the time that the slowest
// test needs on a machine that is busy with other things.

/** Milliseconds after which a test, a program, or a browser's answer counts as hanging. */
export const HANG_MS = 20 * 60_000;
