// What making results costs the process. glibc maps a large block from the system and unmaps it when it is freed, so that every result would pay for
// its pages again, several times what it takes to write them. When a mapped block is freed, though, glibc takes blocks up to that size from the
// heap from then on, and gives freed memory back only beyond twice that size.
// Source: mallopt(3), M_MMAP_THRESHOLD and M_TRIM_THRESHOLD, on dynamic adjustment; DEFAULT_MMAP_THRESHOLD_MIN and _MAX of malloc/malloc.c.

/** Bytes of the least block that glibc maps at first: what is smaller has nothing to gain. */
const LEAST_MAPPED = 2 ** 17;

/** Bytes of about the largest block that still moves the threshold, with room for what malloc adds to it. */
const MOST_ADJUSTING = 2 ** 25 - 2 ** 16;

let considered = false;

/** Before the first result of many bytes: makes a block for the garbage collector to free. It is never touched, so it takes no memory. */
export function expectResult(bytes: number): void {
  if (considered || bytes < LEAST_MAPPED) return;
  considered = true;
  // libuv tells a process of its own from an edge runtime with a `process` for compatibility, which may count the block against a limit.
  const { process } = globalThis as { process?: { platform?: string; versions?: { uv?: string } } };
  if (process?.platform !== "linux" || process.versions?.uv === undefined) return;
  try {
    new ArrayBuffer(MOST_ADJUSTING);
  } catch {
    // Results are as slow as without.
  }
}
