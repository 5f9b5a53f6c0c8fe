/**
 * Makes the notebook's compiler see the project as the project's own tools do.
 *
 * tslab 1.0.22 leaves no settings for it, and so its parts are replaced where they meet. The version is
 * pinned in package.json, and tests/kernel runs a real kernel.
 */
"use strict";

const crypto = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const memory = require("./memory.cjs");

const TYPESCRIPT = "@tslab/typescript-for-tslab";

const OPTIONS = {
  // src/ is written for strict checks; without them, TypeScript narrows types differently and finds
  // mistakes in correct code.
  strict: true,
  // strict asks for "use strict", which tslab's own options forbid.
  alwaysStrict: false,
  // Otherwise every package of node_modules/@types is loaded, which takes half a second.
  types: ["node"],
};

/** Must run before tslab is loaded: tslab copies the compiler's functions when it is. */
function adaptCompiler() {
  const ts = require(TYPESCRIPT);
  const sys = Object.create(ts.sys);
  sys.watchFile = watchFile;
  // The compiler's exports cannot be assigned to, so its module is replaced by a copy.
  require.cache[require.resolve(TYPESCRIPT)].exports = {
    ...ts,
    sys,
    ...translatingByFile(ts),
    getPreEmitDiagnosticsOfFiles: checkingWhatChanged(ts),
  };
  resolveFolders(require("tslab/dist/tspath"));
  keepDeclarations(require("tslab/dist/converter"));
}

// --- speed -------------------------------------------------------------------------------------
// Checking and translating the library takes TypeScript several seconds, and the result is the same as
// the last time, unless a file has changed: kernel/memory.cjs keeps it.

/**
 * Leaves the library's files out of the check where the same files were found right before, by this
 * kernel or an earlier one. `files` holds the cell and then all that it imports, directly or not.
 */
function checkingWhatChanged(ts) {
  return (program, files) => {
    const [cell, ...library] = files;
    const key = fingerprint(ts, ...library.flatMap(({ fileName, text }) => [fileName, text]));
    const known = memory.get(key) === "right";
    const problems = ts.getPreEmitDiagnosticsOfFiles(program, known ? [cell] : files);
    if (!known && !problems.some(({ file }) => library.includes(file))) memory.set(key, "right");
    // tslab names the file only of messages in one piece.
    return [...problems, ...topLevelForAwait(ts, cell)].map((problem) => ({
      ...problem,
      messageText: ts.flattenDiagnosticMessageText(problem.messageText, "\n"),
    }));
  };
}

/**
 * tslab runs a cell as an async function where TypeScript complains of an `await` outside of one (TS1308);
 * of `for await` it does not complain, and the cell would be a syntax error. So the complaint is made.
 */
function topLevelForAwait(ts, cell) {
  const find = (node) => {
    if (ts.isFunctionLike(node)) return undefined;
    if (ts.isForOfStatement(node) && node.awaitModifier) return node.awaitModifier;
    return ts.forEachChild(node, find);
  };
  const found = find(cell);
  if (!found) return [];
  const start = found.getStart(cell);
  return [
    { file: cell, start, length: found.end - start, code: 1308, messageText: "", category: 1 },
  ];
}

/**
 * Translates the library's files one by one, for which no types need to be known, instead of checking
 * each again on the way. tslab then has TypeScript turn the result into CommonJS with a second call of
 * `transpileModule`; both are remembered. (A cell's own code is not: it would only fill the memory.)
 */
function translatingByFile(ts) {
  const translated = new Set();
  const remembered = (text, options) => {
    const key = fingerprint(ts, text, JSON.stringify(options));
    const known = memory.get(key);
    if (known !== undefined) return { outputText: known, diagnostics: [] };
    const result = ts.transpileModule(text, options);
    memory.set(key, result.outputText);
    return result;
  };
  const emit = (program, file, write) => {
    const name = path.relative(process.cwd(), file.fileName);
    const { outDir, target } = program.getCompilerOptions();
    const { outputText } = remembered(file.text, {
      fileName: name,
      compilerOptions: { ...OPTIONS, target, module: ts.ModuleKind.ESNext, isolatedModules: true },
    });
    translated.add(outputText);
    write(path.join(outDir, name.replace(/\.ts$/, ".js")), outputText);
  };
  return {
    transpileModule: (text, options) =>
      translated.has(text) ? remembered(text, options) : ts.transpileModule(text, options),
    createWatchCompilerHost(files, options, ...rest) {
      const host = ts.createWatchCompilerHost(files, { ...options, ...OPTIONS }, ...rest);
      const { createProgram } = host;
      host.createProgram = (...parameters) => {
        const program = createProgram(...parameters);
        const emitChecked = program.emit;
        program.emit = (file, write, cancel, onlyTypes, transformers) => {
          if (!isCell(file)) return emit(program, file, write);
          // A cell's types are needed, to declare its variables to the next.
          const checker = program.getProgram().getTypeChecker();
          const before = [expandShorthands(ts, checker)];
          return withoutPropertyNames(ts, checker, () =>
            emitChecked(file, write, cancel, onlyTypes, { ...transformers, before }),
          );
        };
        return program;
      };
      return host;
    },
  };
}

/** tslab has the running cell in `__tslab__.ts` and the variables of earlier ones in `__prev__.d.ts`. */
const isCell = (file) => path.basename(file.fileName) === "__tslab__.ts";
const isEarlier = (file) => path.basename(file.fileName) === "__prev__.d.ts";

/**
 * tslab writes `exports.sde` for a variable `sde` of an earlier cell, but overlooks it in `{ sde }`. This
 * makes `{ sde: exports.sde }` of it.
 */
function expandShorthands(ts, checker) {
  return (context) => {
    const { factory } = context;
    const visit = (node) => {
      if (!ts.isShorthandPropertyAssignment(node)) return ts.visitEachChild(node, visit, context);
      const declarations = checker.getShorthandAssignmentValueSymbol(node)?.declarations ?? [];
      if (!declarations.some((one) => isEarlier(one.getSourceFile()))) {
        return ts.visitEachChild(node, visit, context);
      }
      const name = node.name.text;
      const value = factory.createPropertyAccessExpression(
        factory.createIdentifier("exports"),
        name,
      );
      // ({ a = 1 } = object)
      const fallback = ts.visitNode(node.objectAssignmentInitializer, visit);
      return factory.createPropertyAssignment(
        name,
        fallback ? factory.createAssignment(value, fallback) : value,
      );
    };
    return (file) => ts.visitEachChild(file, visit, context);
  };
}

/**
 * tslab writes `exports.a` for any name that stands for a variable of an earlier cell. In
 * `const { a: b } = earlier` it takes the property's name `a` for one, too; this tells it that it is none.
 */
function withoutPropertyNames(ts, checker, emit) {
  const { getSymbolAtLocation } = checker;
  checker.getSymbolAtLocation = (node) =>
    node.parent && ts.isBindingElement(node.parent) && node.parent.propertyName === node
      ? undefined
      : getSymbolAtLocation(node);
  try {
    return emit();
  } finally {
    checker.getSymbolAtLocation = getSymbolAtLocation;
  }
}

/** Tells apart all that the compiler's results depend on. */
function fingerprint(ts, ...texts) {
  const hash = crypto.createHash("sha1");
  for (const text of [ts.version, JSON.stringify(OPTIONS), PACKAGES, ...texts]) hash.update(text);
  return hash.digest("base64url");
}

/** The packages' exact versions, whose types the library is checked against. */
const PACKAGES = fs.readFileSync(path.resolve(__dirname, "../package-lock.json"));

// --- variables ---------------------------------------------------------------------------------

/**
 * tslab forgets the declarations of a cell that ended in an error or was interrupted, though the values
 * are there: an hour's samples could not be named any more. Here, every cell that was translated counts.
 * (A variable whose line was never reached is undefined.)
 */
function keepDeclarations(converters) {
  const create = converters.createConverter;
  converters.createConverter = (options) => {
    const converter = create(options);
    let declared = "";
    return {
      ...converter,
      convert(_earlier, code) {
        const result = converter.convert(declared, code);
        if (result.diagnostics.length === 0) declared = result.declOutput || "";
        return result;
      },
      inspect: (_earlier, ...rest) => converter.inspect(declared, ...rest),
      complete: (_earlier, ...rest) => converter.complete(declared, ...rest),
    };
  };
}

// --- imports -----------------------------------------------------------------------------------

/** tslab looks for `./src` in src.js alone; as everywhere else, a folder stands for its index file. */
function resolveFolders(tspath) {
  const join = tspath.normalizeJoin;
  tspath.normalizeJoin = (...parts) => {
    const joined = join(...parts);
    const isImport = /^\.\.?(\/|$)/.test(parts[parts.length - 1]);
    if (!isImport || !fs.existsSync(path.join(joined, "index.ts"))) return joined;
    return fs.existsSync(`${joined}.ts`) ? joined : join(joined, "index");
  };
}

// --- changed files -----------------------------------------------------------------------------

/** The compiler's watchers of the project's files: {file, stamp, changed}. */
const watchers = new Set();

/** Takes the place of the system's file watching, for which see noticeChanges. */
function watchFile(file, changed) {
  const watcher = { file, stamp: stamp(file), changed };
  if (!file.includes("/node_modules/")) watchers.add(watcher);
  return { close: () => watchers.delete(watcher) };
}

/**
 * Looks for changed files; to be called before a cell runs. The system's notices of changes come some
 * time later, or never (network drives): a learner who saves a file and runs a cell would run the old
 * code.
 *
 * One change makes all of the project's files count as changed. tslab would evaluate the changed one
 * again, but not those that import it, `src/index.ts` among them.
 */
function noticeChanges() {
  const all = [...watchers].map((watcher) => ({ watcher, now: stamp(watcher.file) }));
  if (all.every(({ watcher, now }) => now === watcher.stamp)) return;
  const { Created, Changed, Deleted } = require(TYPESCRIPT).FileWatcherEventKind;
  for (const { watcher, now } of all) {
    const kind = now === 0 ? Deleted : watcher.stamp === 0 ? Created : Changed;
    const isNews = now !== 0 || watcher.stamp !== 0;
    watcher.stamp = now;
    if (isNews) watcher.changed(watcher.file, kind);
  }
}

/** When a file was last written; 0 where there is none. */
function stamp(file) {
  return fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

module.exports = { adaptCompiler, noticeChanges };
