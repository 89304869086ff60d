// Preloaded into jsii's Node process by bindings.py: where a provider's eager index (it requires
// every file of the package) is asked for, answers with the lazy one that upstream ships beside it.
// LAZY_BINDINGS_PACKAGES names the npm packages. CommonJS, for Node 18 to 24, without dependencies.
"use strict";

const fs = require("node:fs");
const Module = require("node:module");
const { fileURLToPath, pathToFileURL } = require("node:url");

const packages = (process.env.LAZY_BINDINGS_PACKAGES || "").split(",").filter(Boolean);
const settled = new Map();

function explain(name, reason) {
  console.error(`bindings: loading all of ${name} in Node, which is slow: ${reason}`);
}

// The file to load in place of `file`. The first file that is loaded of a package is its index.
function lazy(file) {
  const portable = file.replaceAll("\\", "/");
  const name = packages.find((candidate) => portable.includes(`/node_modules/${candidate}/`));
  if (name === undefined || portable.endsWith(".json")) return file;
  if (!settled.has(name)) {
    settled.set(name, undefined);
    const index = file.replace(/index\.js$/, "lazy-index.js");
    if (!portable.endsWith(`/node_modules/${name}/lib/index.js`)) {
      explain(name, `its index is ${file}, not lib/index.js`);
    } else if (!fs.existsSync(index)) {
      explain(name, `there is no ${index}`);
    } else {
      settled.set(name, { from: file, to: index });
    }
  }
  const redirect = settled.get(name);
  return redirect && redirect.from === file ? redirect.to : file;
}

if (!process.env.PLAIN_BINDINGS && packages.length > 0) {
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
    Module._resolveFilename = function (...request) {
      return lazy(resolve.apply(this, request));
    };
  } else {
    explain(packages.join(","), `Node ${process.version} offers no hook`);
  }
}
