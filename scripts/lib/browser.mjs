/** The Chromium or Chrome of the system, for the one test that looks at a page. */
import fs from "node:fs";
import path from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
const MAC_PLACES = ["Google Chrome", "Chromium"].map(
  (name) => `/Applications/${name}.app/Contents/MacOS/${name}`,
);

/** @returns {string | undefined} path of the browser; `CHROME_PATH` names one of your own */
export function findBrowser() {
  const named = process.env["CHROME_PATH"];
  const folders = (process.env["PATH"] ?? "").split(path.delimiter);
  const places = folders.flatMap((folder) => NAMES.map((name) => path.join(folder, name)));
  return [...(named ? [named] : []), ...places, ...MAC_PLACES].find((file) => fs.existsSync(file));
}
