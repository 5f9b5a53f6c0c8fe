/**
 * The course as a learner sees it: JupyterLab in a real browser, notebook 01 run from its menu command.
 */
import fs from "node:fs";
import path from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { findBrowser } from "../../scripts/lib/browser.mjs";
import { startJupyterLab } from "../../scripts/lib/jupyter.mjs";
import { cacheDir, inProject } from "../../scripts/lib/paths.mjs";

const NOTEBOOK = "01-forward-sde.ipynb";
const own = path.join(cacheDir, "test/browser");
const folder = path.join(own, "notebooks");
const screenshots = path.join(cacheDir, "screenshots");

/** What the page's own application object offers, as far as it is used. */
interface JupyterApp {
  commands: { execute(command: string): Promise<unknown> };
  shell: {
    currentWidget: {
      context: { ready: Promise<void> };
      sessionContext: { ready: Promise<void>; session: { kernel: { info: Promise<unknown> } } };
    } | null;
  };
}

type PageGlobals = typeof globalThis & { jupyterapp: JupyterApp };

let server: ReturnType<typeof startJupyterLab>;
let browser: Browser;
let page: Page;

/** A copy without outputs: what is on the page afterwards was computed by this run. */
function copyNotebook(): void {
  const notebook = JSON.parse(fs.readFileSync(inProject("notebooks", NOTEBOOK), "utf8")) as {
    cells: { cell_type: string; outputs: unknown[]; execution_count: number | null }[];
  };
  for (const cell of notebook.cells) {
    if (cell.cell_type === "code") Object.assign(cell, { outputs: [], execution_count: null });
  }
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, NOTEBOOK), JSON.stringify(notebook));
}

beforeAll(async () => {
  const executablePath = findBrowser();
  if (!executablePath) throw new Error("no Chromium or Chrome found; CHROME_PATH can name one");
  copyNotebook();
  // Cells outside the window are taken off the page otherwise, and this test looks at all of them.
  const settings = path.join(own, "settings/@jupyterlab/notebook-extension");
  fs.mkdirSync(settings, { recursive: true });
  fs.writeFileSync(
    path.join(settings, "tracker.jupyterlab-settings"),
    JSON.stringify({ windowingMode: "none" }),
  );
  server = startJupyterLab({
    rootDir: folder,
    args: ["--no-browser", "--LabApp.expose_app_in_browser=True"],
    env: {
      JUPYTERLAB_SETTINGS_DIR: path.join(own, "settings"),
      JUPYTERLAB_WORKSPACES_DIR: path.join(own, "workspaces"),
    },
  });
  const [address] = await Promise.all([server.ready, launch(executablePath)]);
  await page.goto(`${address.url}lab/tree/${NOTEBOOK}?reset&token=${address.token}`);
});

async function launch(executablePath: string): Promise<void> {
  browser = await chromium.launch({
    executablePath,
    args: [
      "--headless",
      "--no-sandbox", // containers have none to offer
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
}

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

it("runs notebook 01 and shows equations, a figure and an image grid", async () => {
  await page.waitForSelector(".jp-Notebook .jp-CodeCell", { timeout: 60_000 });
  await page.evaluate(async () => {
    const { commands, shell } = (globalThis as PageGlobals).jupyterapp;
    const panel = shell.currentWidget;
    if (!panel) throw new Error("no notebook is open");
    await panel.context.ready;
    await panel.sessionContext.ready;
    await panel.sessionContext.session.kernel.info;
    // Resolves when the last cell has run.
    await commands.execute("notebook:run-all-cells");
  });
  try {
    await page.waitForSelector(".jp-RenderedMarkdown mjx-container", { timeout: 30_000 });
    await page.waitForSelector(".jp-RenderedImage img", { timeout: 30_000 });
    await wakeFigures();
  } finally {
    await screenshot("notebook-01.png");
  }

  const widths = await page.$$eval(".jp-RenderedImage img", (images) =>
    images.map((image) => (image as HTMLImageElement).naturalWidth),
  );
  expect((await page.$$(".js-plotly-plot")).length, "number of drawn figures").toBeGreaterThan(0);
  expect(Math.min(...widths), "width of the narrowest image").toBeGreaterThan(0);
  expect(await texts('[data-mime-type="application/vnd.jupyter.error"]')).toEqual([]);
  expect(await texts('[data-mime-type="application/vnd.jupyter.stderr"]')).toEqual([]);
  expect(await texts(".jp-Dialog")).toEqual([]);
  const prompts = await texts(".jp-CodeCell .jp-InputPrompt");
  expect(prompts.length).toBeGreaterThan(0);
  for (const prompt of prompts) expect(prompt).toMatch(/^\[\d+\]:$/);
}, 300_000);

/**
 * Draws every figure. Plotly's extension shows the PNG of an output that has one, until the mouse is
 * over it.
 */
async function wakeFigures(): Promise<void> {
  const figures = await page.locator(".jp-RenderedPlotly").all();
  expect(figures.length, "number of figures").toBeGreaterThan(0);
  for (const figure of figures) {
    await figure.hover();
    await figure.locator(".plot-container .main-svg").first().waitFor({ timeout: 30_000 });
  }
}

/** The whole notebook in one picture: the window is made as high as its content. */
async function screenshot(name: string): Promise<void> {
  const panel = page.locator(".jp-WindowedPanel-outer");
  const height = await panel.evaluate((element) => element.scrollHeight);
  await page.setViewportSize({ width: 1400, height: Math.min(height + 150, 10_000) });
  await panel.evaluate((element) => element.scrollTo(0, 0));
  await page.waitForTimeout(1000); // figures draw themselves anew after a change of size
  fs.mkdirSync(screenshots, { recursive: true });
  await page.screenshot({ path: path.join(screenshots, name) });
}

async function texts(selector: string): Promise<string[]> {
  return (await page.$$(selector)).length === 0 ? [] : page.locator(selector).allInnerTexts();
}
