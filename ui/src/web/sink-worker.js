// Writes received bytes into the browser's private storage (OPFS), where only a worker may write in place.
//
// A request is [action, call, ...arguments]; each is answered once by [call, error, buffer]: the name of the error or
// null, and the buffer that came with it, to be filled again. Only `open` and `remove` take their time, and the page
// asks nothing of a file before it is open or after it is removed; so nothing here needs a queue. It keeps no bytes and
// decides nothing.
"use strict";

/** Files that are being written, by the number that the page gave them. */
const files = new Map();

const folder = async (name) => (await navigator.storage.getDirectory()).getDirectoryHandle(name, { create: true });

const actions = {
  /** Makes a file of `size` bytes, so that missing space shows before the first byte. */
  async open(file, folderName, size) {
    const handle = await (await folder(folderName)).getFileHandle(String(file), { create: true });
    const access = await handle.createSyncAccessHandle();
    files.set(file, access);
    access.truncate(size);
  },

  /** Writes parts of `buffer`: `parts` holds position in the file, offset in the buffer and length of each. */
  write(file, buffer, parts) {
    const access = files.get(file);
    for (let i = 0; i < parts.length; i += 3) {
      const [at, offset, length] = [parts[i], parts[i + 1], parts[i + 2]];
      if (access.write(new Uint8Array(buffer, offset, length), { at }) !== length) {
        throw new DOMException("short write", "QuotaExceededError");
      }
    }
  },

  /** Lets go of the file. Nothing waits for the disk: what is stored here lasts no longer than the page. */
  finish(file) {
    files.get(file).close();
    files.delete(file);
  },

  /** Removes a file, finished or not. */
  async remove(file, folderName) {
    files.get(file)?.close();
    files.delete(file);
    await (await folder(folderName)).removeEntry(String(file));
  },
};

onmessage = async ({ data: [action, call, ...rest] }) => {
  let error = null;
  try {
    const done = actions[action](...rest);
    if (done instanceof Promise) {
      await done;
    }
  } catch (thrown) {
    error = thrown?.name ?? "Error";
  }
  const buffer = rest[1] instanceof ArrayBuffer ? rest[1] : null;
  postMessage([call, error, buffer], buffer ? [buffer] : []);
};
