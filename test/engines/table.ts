// The table of engines, in Markdown.

import { createHash } from "node:crypto";
import type { BuildReport } from "./suite.js";

/** The report of one build in one engine, or the reason why there is none. */
export type Row = { readonly engine: string } & ({ readonly missing: string } | ({ readonly version: string } & BuildReport));

export function formatTable(rows: readonly Row[]): string {
  const cells = rows.map((row) =>
    "missing" in row
      ? [row.engine, "NOT RUN", row.missing, "", "", "", ""]
      : [
          row.engine,
          row.version,
          row.build === "simd" ? "SIMD" : "scalar",
          row.masks,
          row.outputs,
          hashOf(row.extensions),
          `${row.nsPerElement.toFixed(3)} (${(1 / row.nsPerElement).toFixed(2)})`,
        ],
  );
  const head = [
    "engine",
    "version",
    "build",
    "SHA-256 of masks",
    "SHA-256 of outputs",
    "SHA-256 of extensions",
    "ns/element (elements/ns)",
  ];
  const lines = [head, head.map(() => "---"), ...cells].map((line) => `| ${line.join(" | ")} |`);
  return `${lines.join("\n")}\n`;
}

/** One hash of all; engines that answer through a driver give them in an order of its own. */
function hashOf(extensions: BuildReport["extensions"]): string {
  return createHash("sha256")
    .update(JSON.stringify(Object.entries(extensions).sort()))
    .digest("hex");
}
