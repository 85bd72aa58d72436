// Choices about axes and labels that the charts' library leaves open.

/**
 * The ticks of a logarithmic axis over the positive ones of `values`, which begins and ends on a tick. An axis that goes from below 1 to above
 * has 1 among them.
 *
 * @param base the quotient of neighbouring ticks; a power of it where they would be many more than `most`
 */
export function logTicks(values: readonly number[], base: number, most = 10): number[] {
  const logs = values.filter((value) => value > 0 && Number.isFinite(value)).map((value) => logOf(value, base));
  const [least, greatest] = logs.length > 0 ? [Math.min(...logs), Math.max(...logs)] : [0, 0];
  const step = Math.max(Math.ceil((greatest - least) / most), 1);
  const low = step * Math.floor(least / step);
  const high = Math.max(step * Math.ceil(greatest / step), low + step);
  return Array.from({ length: (high - low) / step + 1 }, (_, i) => base ** (low + i * step));
}

// Math.log(1000) / Math.log(10) is less than 3: a whole power would fall below its own tick.
function logOf(value: number, base: number): number {
  const log = Math.log(value) / Math.log(base);
  return Math.abs(log - Math.round(log)) < 1e-9 ? Math.round(log) : log;
}

/** Places near `wanted`, in the same order, at least `gap` apart and, if they fit, within [min, max]. */
export function spread(wanted: readonly number[], gap: number, min: number, max: number): number[] {
  const order = wanted.map((_, i) => i).toSorted((a, b) => (wanted[a] as number) - (wanted[b] as number));
  const places = wanted.slice();
  let free = min;
  for (const i of order) {
    places[i] = Math.max(places[i] as number, free);
    free = (places[i] as number) + gap;
  }
  let limit = Math.max(max, min + gap * (wanted.length - 1));
  for (const i of order.toReversed()) {
    places[i] = Math.min(places[i] as number, limit);
    limit = (places[i] as number) - gap;
  }
  return places;
}
