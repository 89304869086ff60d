// Preloaded into jsii's Node.js process by lib/bindings; without effect in other processes.
//
// - Lazy provider index: where the eager index of a provider is requested (it requires every file of
//   the package), returns the lazy one that the package contains beside it. LAZY_BINDINGS_PACKAGES
//   names the npm packages.
// - Code cache: stores the compiled code of jsii, cdktf and the provider files in BINDINGS_CACHE. V8
//   rejects an entry of another version of V8 or of a source of another length; the name of an entry
//   contains the hash that jsii computes of each package.
// - Stack traces of tokens: cdktf records one for each token, a tenth of the time of a synthesis.
//   They contain frames of jsii only, no line of the Python app.
//
// PLAIN_BINDINGS=1 disables everything, BINDINGS_TYPE_CHECKS=1 keeps the stack traces. CommonJS, for
// Node.js 18 to 24, without dependencies.
"use strict";

const crypto = require("node:crypto");
const fs = require("node:fs");
const Module = require("node:module");
const path = require("node:path");
const vm = require("node:vm");
const { fileURLToPath, pathToFileURL } = require("node:url");

const providers = (process.env.LAZY_BINDINGS_PACKAGES || "").split(",").filter(Boolean);

function explain(effect, reason) {
  console.error(`bindings: ${effect}, which is slow: ${reason}`);
}

// ---- lazy provider index -----------------------------------------------------------------------

const redirects = new Map();

// Returns the folder of the provider that a file belongs to.
function providerFolder(file) {
  for (const name of providers) {
    const start = file.indexOf(`/node_modules/${name}/`);
    if (start >= 0) return file.slice(0, start + name.length + 15);
  }
  return undefined;
}

// Returns the file to load in place of `file`. The first file that is loaded of a package is its index.
function lazy(file) {
  const portable = file.replaceAll("\\", "/");
  const name = providers.find((candidate) => portable.includes(`/node_modules/${candidate}/`));
  if (name === undefined || portable.endsWith(".json")) return file;
  if (!redirects.has(name)) {
    redirects.set(name, undefined);
    const effect = `loading all of ${name} in Node`;
    const index = file.replace(/index\.js$/, "lazy-index.js");
    if (!portable.endsWith(`/node_modules/${name}/lib/index.js`)) {
      explain(effect, `its index is ${file}, not lib/index.js`);
    } else if (!fs.existsSync(index)) {
      explain(effect, `there is no ${index}`);
    } else {
      redirects.set(name, { from: file, to: index });
    }
  }
  const redirect = redirects.get(name);
  return redirect && redirect.from === file ? redirect.to : file;
}

function useLazyIndex() {
  if (typeof Module.registerHooks === "function") {
    Module.registerHooks({
      resolve(specifier, context, nextResolve) {
        const found = nextResolve(specifier, context);
        if (!found.url.startsWith("file:")) return found;
        const file = fileURLToPath(found.url);
        const chosen = lazy(file);
        return chosen === file ? found : { ...found, url: pathToFileURL(chosen).href };
      },
    });
  } else if (typeof Module._resolveFilename === "function") {
    // Before Node 22.15 there is no public hook for require().
    const resolve = Module._resolveFilename;
    const found = new Map();
    Module._resolveFilename = function (request, parent) {
      const folder = parent && parent.filename && providerFolder(parent.filename);
      if (!folder || request.startsWith(".")) return lazy(resolve.apply(this, arguments));
      // Every file of a provider requires cdktf; Node.js would look for it in five folders each time.
      const key = `${folder}${request}`;
      if (!found.has(key)) found.set(key, resolve.apply(this, arguments));
      return found.get(key);
    };
  } else {
    explain(`loading all of ${providers.join(",")} in Node`, `Node ${process.version} has no hook`);
  }
}

// ---- code cache --------------------------------------------------------------------------------

// A pack is one file of the cache: sources and compiled code of all modules of a package, or of one file
// of a provider. Its JSON header ends with a newline: {"uses": n, "modules": {name: [length of the
// source, length of the code]}}; sources and codes follow in this order.
class Pack {
  constructor(file) {
    this.file = file;
    this.stored = new Map();
    this.uses = 0;
    this.loaded = new Map();
    this.incomplete = false;
    try {
      this.read(fs.readFileSync(file));
    } catch {
      // No file yet, or an unreadable one: it is written at the end.
      this.stored.clear();
    }
  }

  read(content) {
    let start = content.indexOf(10) + 1;
    const header = JSON.parse(content.toString("utf8", 0, start));
    for (const [name, [sourceLength, codeLength]] of Object.entries(header.modules)) {
      const middle = start + sourceLength;
      const end = middle + codeLength;
      if (!(end <= content.length)) throw new Error("incomplete");
      const source = content.subarray(start, middle);
      this.stored.set(name, { source, code: content.subarray(middle, end) });
      start = end;
    }
    this.uses = header.uses;
  }

  compile(name, source, filename) {
    const cachedData = this.stored.get(name)?.code;
    const script = new vm.Script(Module.wrap(source), {
      filename,
      cachedData,
      importModuleDynamically: vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    if (cachedData === undefined || script.cachedDataRejected) this.incomplete = true;
    this.loaded.set(name, { source, script });
    return script.runInThisContext();
  }

  // Functions that were compiled since are stored, too; a richer run therefore replaces a poorer one.
  write(uses) {
    if (!this.incomplete && uses <= 2 * this.uses) return;
    const modules = {};
    const parts = [];
    const add = (name, source, code) => {
      modules[name] = [source.length, code.length];
      parts.push(source, code);
    };
    for (const [name, { source, script }] of this.loaded) {
      add(name, Buffer.from(source), script.createCachedData());
    }
    for (const [name, { source, code }] of this.stored) {
      if (!(name in modules)) add(name, source, code);
    }
    const header = JSON.stringify({ uses: Math.max(uses, this.uses), modules });
    const scratch = `${this.file}.${process.pid}`;
    fs.mkdirSync(path.dirname(this.file), { recursive: true, mode: 0o700 });
    fs.writeFileSync(scratch, Buffer.concat([Buffer.from(`${header}\n`), ...parts]));
    fs.renameSync(scratch, this.file);
  }
}

const packs = new Map();
const places = new Map();
const folders = new Map();
const hashes = new Map();
// jsii's program, if lib/bindings started it from the cache.
const program = (process.argv[1] || "").startsWith(process.env.BINDINGS_CACHE || "\0")
  ? process.argv[1]
  : undefined;
let uses = 0;

// Returns what identifies the content of a package's folder: jsii links it to its own cache, where the
// path contains a hash of the package. Undefined if jsii unpacked it for this process only.
function identity(folder) {
  if (!folders.has(folder)) {
    let target;
    try {
      target = fs.readlinkSync(folder);
    } catch {
      // A folder, not a link.
    }
    folders.set(folder, target);
  }
  return folders.get(folder);
}

const IN_KERNEL =
  /^(.*[\\/]jsii-kernel-[^\\/]+[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+))[\\/](.+)$/;

// Returns the pack and the name of a module in it; undefined for a file that is not to be cached.
function placeOf(filename) {
  if (!places.has(filename)) places.set(filename, findPlace(filename));
  return places.get(filename);
}

function findPlace(filename) {
  if (filename === program) {
    return { pack: packOf(path.dirname(filename), "jsii"), name: path.basename(filename) };
  }
  const match = filename.includes("jsii-kernel-") && IN_KERNEL.exec(filename);
  const source = match && identity(match[1]);
  if (!source) return undefined;
  const [group, name] = [match[2], match[3]];
  if (!providers.includes(group)) return { pack: packOf(source, group), name };
  uses += 1;
  return { pack: packOf(source, `${group}/${name}`), name };
}

function packOf(source, group) {
  const key = `${source} ${group}`;
  if (!packs.has(key)) {
    if (!hashes.has(source)) {
      const build = [source, process.version, process.arch, ...process.execArgv].join("\n");
      const hash = crypto.createHash("sha256").update(build).digest("hex");
      hashes.set(source, hash.slice(0, 16));
    }
    const file = `${group.replaceAll(/[^\w.-]/g, "_")}.${hashes.get(source)}.bin`;
    packs.set(key, new Pack(path.join(process.env.BINDINGS_CACHE, "node", file)));
  }
  return packs.get(key);
}

function useCodeCache() {
  const compile = Module.prototype._compile;
  const load = Module._extensions && Module._extensions[".js"];
  if ([compile, load, Module.wrap].some((one) => typeof one !== "function")) {
    explain("compiling JavaScript in each run", `Node ${process.version} has no hook`);
    return;
  }
  Module._extensions[".js"] = function (module, filename) {
    const place = placeOf(filename);
    const known = place && place.pack.stored.get(place.name);
    if (known === undefined) return load.apply(this, arguments);
    return module._compile(known.source.toString(), filename);
  };
  Module.prototype._compile = function (content, filename, format) {
    const place = format === "module" ? undefined : placeOf(filename);
    if (place === undefined) return compile.apply(this, arguments);
    const run = place.pack.compile(place.name, shortened(content), filename);
    const require = (id) => this.require(id);
    require.resolve = (request, options) => Module._resolveFilename(request, this, false, options);
    require.main = process.mainModule;
    require.extensions = Module._extensions;
    require.cache = Module._cache;
    return run.call(this.exports, this.exports, require, this, filename, path.dirname(filename));
  };
  process.on("exit", () => {
    try {
      for (const pack of packs.values()) pack.write(uses);
    } catch (error) {
      explain("compiling JavaScript in each run", error.message);
    }
  });
}

// Returns the source as it is compiled and stored: without its source map, which is longer than itself,
// and without an assertion message of jsii. jsii formats it before it evaluates the assertion, once for
// each property of each type: a fifth of the time it takes to create resources.
function shortened(source) {
  return source
    .replace(/^#!/, "//#!")
    .replace(/\n\/\/# sourceMappingURL=\S*\s*$/, "\n")
    .replace(
      /(\(null!=\w,)`(Kernel error: expected type information), got \$\{\(0,\w+\.inspect\)\(\w\)\}`/,
      "$1`$2`",
    );
}

// ---- stack traces of tokens --------------------------------------------------------------------

function omitTokenTraces() {
  const load = Module.prototype.load;
  if (typeof load !== "function") return;
  Module.prototype.load = function (filename) {
    const result = load.apply(this, arguments);
    if (/[\\/]cdkt[fn][\\/]lib[\\/]tokens[\\/]private[\\/]stack-trace\.js$/.test(filename)) {
      this.exports.captureStackTrace = () => [];
    }
    return result;
  };
}

// `0`, `no` and `false` mean off, as in common.py.
function isSet(variable) {
  return !["", "0", "no", "false"].includes((process.env[variable] || "").toLowerCase());
}

if (!isSet("PLAIN_BINDINGS") && providers.length > 0) {
  useLazyIndex();
  if (process.env.BINDINGS_CACHE) useCodeCache();
  if (!isSet("BINDINGS_TYPE_CHECKS")) omitTokenTraces();
}
