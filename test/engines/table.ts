// The table of engines, in Markdown.

import { createHash } from "node:crypto";
import { EXTENSIONS } from "../../modules.mjs";
import type { BuildReport } from "./suite.js";

/** The report of one build in one engine, or the reason why there is none. */
export type Row = { readonly engine: string } & ({ readonly missing: string } | ({ readonly version: string } & BuildReport));

export function formatTable(rows: readonly Row[]): string {
  const cells = rows.map((row) =>
    "missing" in row
      ? [row.engine, "NOT RUN", row.missing, "", "", "", "", ""]
      : [
          row.engine,
          row.version,
          row.build === "simd" ? "SIMD" : row.build,
          row.ends,
          row.masks ?? "not drawn",
          row.outputs ?? "not drawn",
          hashOf(row.extensions),
          `${row.nsPerElement.toFixed(3)} (${(1 / row.nsPerElement).toFixed(2)})`,
        ],
  );
  const head = [
    "engine",
    "version",
    "build",
    "SHA-256 of both ends",
    "SHA-256 of masks",
    "SHA-256 of outputs",
    "SHA-256 of extensions",
    "ns/element (elements/ns)",
  ];
  const lines = [head, head.map(() => "---"), ...cells].map((line) => `| ${line.join(" | ")} |`);
  return `${lines.join("\n")}\n`;
}

/** One hash of all, or the names of those that were tried; engines that answer through a driver give them in an order of its own. */
function hashOf(extensions: BuildReport["extensions"]): string {
  const hashes = Object.entries(extensions).sort();
  if (hashes.length < EXTENSIONS.length) return `of ${hashes.map(([name]) => name).join(", ")}`;
  return createHash("sha256").update(JSON.stringify(hashes)).digest("hex");
}
