// Receives into the browser's private storage (OPFS), where only a worker may write in place, and keeps there what a
// later page needs to go on. What is received into a directory of the person's (sink-tree.js) is kept there as well, as a
// copy, until it is complete.
//
// A request is [action, call, ...arguments]; each is answered once by [call, error, result]: the name of the error or
// null, and what came of it; where that is nothing, the buffer that came with the request, to be filled again. Only
// `open`, `claim`, `lay`, `finish`, `suspend` and `remove` take their time, and the page asks nothing of a file meanwhile; so nothing
// here needs a queue. It knows no pieces and no values, and decides nothing about an item.
//
//   privydrop-ID/FILE            what lasts no longer than the page that received it
//   privydrop-IDENTITY/content   an item that can be gone on with
//   privydrop-IDENTITY/journal   which of it is stored; none once the item is complete
//   privydrop-wanted/MARK        empty: this is to go on by itself
//
// A folder's name is also that of a lock, which is held while a page uses the folder. A folder that nobody uses is
// removed, unless it has a journal that was written to in the last seven days.
//
// An item for a directory also has an entry in a database, since only there a directory's handle outlives a page: the
// handle, and the name that the item has in it.
"use strict";

importScripts(`sink-tree.js${location.search}`);

const PREFIX = "privydrop-";
const OWN = PREFIX + crypto.randomUUID();
const WANTED = PREFIX + "wanted";
const [CONTENT, JOURNAL] = ["content", "journal"];
/** Milliseconds for which somebody's who does not come back is kept. */
const EXPIRES = 7 * 24 * 60 * 60 * 1000;
/** Bytes stored, or milliseconds passed, after which what is stored is made to last and told in the journal. */
const [SETTLE_BYTES, SETTLE_AFTER] = [64 * 1024 * 1024, 2000];
/** Milliseconds in which a page that is gone lets go of what it held, and a database answers. */
const PATIENCE = 3000;

/** The clearing away at the start: two at once would take what the other looks at for used. */
let begun;

/** Files that are being written, by the number that the page gave them. */
const files = new Map();
/** Folders that this page let go of, and said of that it will go on with them. */
const suspended = new Set();

const root = () => navigator.storage.getDirectory();
const directory = async (name) => (await root()).getDirectoryHandle(name, { create: true });
const STORE = "directories";

/** Does something with the entries of unfinished items, each under the name of its folder. Nothing comes of it where a
    browser has no database for this page, or one that does not answer: then an item cannot be gone on with in its directory. */
const entries = (mode, act) =>
  Promise.race([ask(mode, act), new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
const ask = async (mode, act) => {
  const done = (request) =>
    new Promise((resolve, reject) => {
      request.onupgradeneeded = () => request.result.createObjectStore(STORE);
      [request.onsuccess, request.onerror] = [() => resolve(request.result), () => reject(request.error)];
    });
  try {
    const database = await done(indexedDB.open(PREFIX + STORE));
    try {
      return await done(act(database.transaction(STORE, mode).objectStore(STORE)));
    } finally {
      database.close();
    }
  } catch {
    return undefined;
  }
};
const entry = (folder) => entries("readonly", (store) => store.get(folder));
const forget = (folder) => entries("readwrite", (store) => store.delete(folder));

const quotaExceeded = () => new DOMException("no space", "QuotaExceededError");

/** Resolves to what lets go of the lock, or to nothing when somebody else keeps it. */
const lock = (name, options) =>
  new Promise((resolve) => {
    const granted = (held) => (held ? new Promise((release) => resolve(release)) : resolve());
    // Without locks nobody knows which pages live, so every folder counts as somebody else's.
    (navigator.locks?.request(name, options, granted) ?? Promise.reject()).catch(() => resolve());
  });

// For as long as this page lives.
lock(OWN, {});

/** Opens a file for writing in place; the one that a page just now gone had open, too. */
const access = async (place, name) => {
  const handle = await place.getFileHandle(name, { create: true });
  for (const start = Date.now(); ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    try {
      return await handle.createSyncAccessHandle();
    } catch (error) {
      if (error.name !== "NoModificationAllowedError" || Date.now() - start > PATIENCE) {
        throw error;
      }
    }
  }
};

const look = async (place, name) => (await place.getFileHandle(name)).getFile();
const lastModified = async (place, name) => (await look(place, name)).lastModified;
const size = async (place, name) => (await look(place, name)).size;

/** The folders that nobody uses, the one first whose journal was written to the longest ago; whoever asks lets go of each. */
const unused = async () => {
  const folders = [];
  for await (const [name, place] of (await root()).entries()) {
    const release = name.startsWith(PREFIX) && name !== WANTED && (await lock(name, { ifAvailable: true }));
    if (release) {
      const written = await lastModified(place, JOURNAL).catch(() => -Infinity);
      folders.push({ name, written, release, bytes: await size(place, CONTENT).catch(() => 0) });
    }
  }
  return folders.sort((one, other) => one.written - other.written);
};

// Whatever cannot be removed now waits for the next time.
const removeFolder = async ({ name }) => (await root()).removeEntry(name, { recursive: true }).catch(() => {});

/** Removes those of them that have no journal, or one that was not written to since `before`, and tells how many bytes lie
    in the others. */
const clearAway = async (before) => {
  let left = 0;
  for (const folder of await unused()) {
    if (folder.written < before) {
      await removeFolder(folder);
    } else {
      left += folder.bytes;
    }
    folder.release();
  }
  return left;
};

/** Makes a file so long, so that missing space shows at once. Where there is none, what somebody may never come back for
    gives way, the oldest first: as much as is needed, and nothing where all of it would not be enough. What this page
    itself goes on with stays. For a copy nothing gives way, and there is none where it could not be twice as long: what
    it is a copy of may need space on the same disk. */
const grow = async (content, length, isCopy) => {
  const fits = async (length) => {
    const { quota, usage } = await navigator.storage.estimate();
    const more = length - content.getSize();
    if (more > 0 && quota - usage < more) {
      return false;
    }
    try {
      // What a browser estimates may be more than there is.
      content.truncate(length);
      return true;
    } catch (error) {
      if (error.name !== "QuotaExceededError") {
        throw error;
      }
      return false;
    }
  };
  if (isCopy && content.getSize() < length) {
    if (!(await fits(2 * length))) {
      throw quotaExceeded();
    }
    content.truncate(length);
  }
  if (await fits(length)) {
    return;
  }
  await clearAway(Date.now() - EXPIRES);
  const folders = await unused();
  const others = folders.filter(({ name }) => !suspended.has(name));
  const most = others.reduce((sum, { bytes }) => sum + bytes, 0);
  try {
    // Nobody tells how much is missing. But what has to fit without giving up anything, if all of it is to fit, can be tried.
    const suffices = await fits(Math.max(content.getSize(), length - most));
    while (!(await fits(length))) {
      const oldest = suffices && others.shift();
      if (!oldest) {
        throw quotaExceeded();
      }
      await removeFolder(oldest);
    }
  } finally {
    folders.forEach(({ release }) => release());
  }
};

const close = (item) => {
  clearTimeout(item.timer);
  item.content?.close();
  item.journal?.close();
  item.content = item.journal = null;
};

/** Lets go of an item's folder. */
const letGo = (item) => {
  item.release?.();
  item.release = null;
};

/** Removes an item's folder, and its entry. An item for a directory can go on without. */
const removeOwn = async (item) => {
  close(item);
  if (item.release) {
    try {
      await forget(item.folder);
      await removeFolder({ name: item.folder });
    } finally {
      letGo(item);
      item.place = null;
    }
  }
};

/** The directory that was written to last for something unfinished that no page receives now. Forgets those of what is
    gone. */
const chosenBefore = async () => {
  const known = (await entries("readonly", (store) => store.getAllKeys())) ?? [];
  const folders = known.length > 0 ? await unused() : [];
  folders.forEach(({ release }) => release());
  const names = folders.map(({ name }) => name).filter((name) => known.includes(name));
  for (const folder of known.filter((folder) => !names.includes(folder))) {
    // Somebody who receives it holds it.
    const free = await lock(folder, { ifAvailable: true });
    await (free && forget(folder));
    free?.();
  }
  return names.length > 0 ? (await entry(names.pop()))?.directory : null;
};

/** Writes into the file here; false when it has no more space, or, where it is a copy, cannot be written to. */
const store = (item, bytes, at) => {
  try {
    return item.content.write(bytes, { at }) === bytes.length;
  } catch (error) {
    if (error.name !== "QuotaExceededError" && !item.tree) {
      throw error;
    }
    return false;
  }
};

/** Makes what is stored last, and then tells of it. A journal that fails costs going on later, not the item. */
const settle = (item) => {
  clearTimeout(item.timer);
  item.timer = null;
  item.unsettled = 0;
  const records = item.records.splice(0);
  try {
    item.content.flush();
    for (const bytes of records) {
      if (item.journal.write(bytes, { at: item.told }) !== bytes.length) {
        throw quotaExceeded();
      }
      item.told += bytes.length;
    }
    item.journal.flush();
  } catch {
    // What is told already still is; what was half told is written over.
  }
};

const actions = {
  /** Clears away what is too old; what is to go on by itself, and the directory for it, if it is for one: not where no page
      can choose any. Fails where nothing can be stored. */
  async start(_, now, hasDirectories) {
    if (!FileSystemFileHandle.prototype.createSyncAccessHandle) {
      throw new DOMException("no writing in place", "NotSupportedError");
    }
    await (begun = clearAway(now - EXPIRES));
    const wanted = await directory(WANTED);
    const marks = [];
    for await (const mark of wanted.keys()) {
      if ((await lastModified(wanted, mark)) < now - EXPIRES) {
        await wanted.removeEntry(mark);
      } else {
        marks.push(mark);
      }
    }
    return [marks, hasDirectories ? await chosenBefore() : null];
  },

  /** Remembers that this is to go on by itself, or forgets it. */
  async want(_, mark, on) {
    const wanted = await directory(WANTED);
    await (on ? wanted.getFileHandle(mark, { create: true }) : wanted.removeEntry(mark));
  },

  /** How many bytes wait for somebody who may never come back; they, and what was to go on by itself, are removed where
      `clear` says so. */
  async left(_, clear) {
    await begun;
    if (clear) {
      await (await root()).removeEntry(WANTED, { recursive: true }).catch(() => {});
    }
    return clearAway(clear ? Infinity : Date.now() - EXPIRES);
  },

  /** Makes a file of `size` bytes, so that missing space shows before the first byte, or opens the one that was left of the
      same item. The first bytes of its journal, `most` at most; nothing for a file without one. A copy is made only where it
      is of use to a later page. */
  async open(file, identity, size, most, isCopy) {
    const folder = PREFIX + identity;
    const release = identity && (await lock(folder, { signal: AbortSignal.timeout(PATIENCE) }));
    const item = { folder, release, name: release ? CONTENT : String(file), size, records: [], unsettled: 0 };
    files.set(file, item);
    if (isCopy && !release) {
      return null;
    }
    try {
      item.place = await directory(release ? folder : OWN);
      item.content = await access(item.place, item.name);
      item.isNew = item.content.getSize() === 0;
      if (!item.isNew && !isCopy) {
        // Should there be no space now, there may be later.
        suspended.add(folder);
      }
      await grow(item.content, size, isCopy);
      if (!release) {
        return null;
      }
      suspended.delete(folder);
      // Whatever it was that wrote there, it settled for the last time before it ended.
      const settled = await lastModified(item.place, JOURNAL).catch(() => 0);
      item.alive = settled + 2 * SETTLE_AFTER;
      item.journal = await access(item.place, JOURNAL);
      const bytes = new Uint8Array(Math.min(item.journal.getSize(), most));
      item.journal.read(bytes, { at: 0 });
      return bytes.buffer;
    } catch (error) {
      if (!isCopy) {
        await ((!item.isNew && (await actions.suspend(file))) || actions.remove(file));
        throw error;
      }
      if (item.isNew) {
        await removeOwn(item);
      }
      close(item);
      letGo(item);
      item.place = null;
      return null;
    }
  },

  /** Takes a name in a directory for the item, or, where no name is given, the one that it had for a page before. False when
      it cannot have it. */
  async claim(file, directory, name, isFolder) {
    const item = files.get(file);
    const isAgain = name === null;
    if (isAgain) {
      const former = item.journal && (await entry(item.folder));
      const isAllowed = former && (await former.directory.queryPermission?.({ mode: "readwrite" })) === "granted";
      if (!isAllowed || !(await isThere(former.directory, former.top, isFolder, item.alive))) {
        // A browser that was killed leaves behind what it kept to itself.
        await former?.directory.removeEntry(former.top + SWAP).catch(() => {});
        return false;
      }
      ({ directory, top: name } = former);
    } else if (!(await claim(directory, name, isFolder))) {
      return false;
    }
    item.tree = new Tree(directory, name, isAgain, (bytes, at) => {
      if (item.content.read(bytes, { at }) !== bytes.length) {
        throw new DOMException("short read", "NotReadableError");
      }
    });
    if (item.journal) {
      await entries("readwrite", (store) => store.put({ directory, top: name }, item.folder));
    }
    return true;
  },

  /** Makes the folders of an item that has a name: see Tree. */
  async lay(file, ...layout) {
    await files.get(file).tree.lay(...layout);
  },

  /** Completes a file of an item that has a name. */
  async close(file, index) {
    await files.get(file).tree.close(index);
  },

  /** Reads into `buffer`. */
  read(file, buffer, at, length) {
    if (files.get(file).content.read(new Uint8Array(buffer, 0, length), { at }) !== length) {
      throw new DOMException("short read", "NotReadableError");
    }
  },

  /** The journal goes on at `at`, with `bytes`. */
  record(file, at, bytes) {
    const item = files.get(file);
    item.journal.truncate(at);
    item.told = at + item.journal.write(bytes, { at });
  },

  /** Writes parts of `buffer`: `parts` holds position in the file, offset in the buffer and length of each. `records` tell
      of them in the journal. */
  write(file, buffer, parts, records) {
    const item = files.get(file);
    if (item.isFull) {
      throw quotaExceeded();
    }
    const written = [];
    for (let i = 0; i < parts.length; i += 3) {
      const [at, offset, length] = [parts[i], parts[i + 1], parts[i + 2]];
      const bytes = new Uint8Array(buffer, offset, length);
      if (item.content && !item.givesUp && !store(item, bytes, at)) {
        if (!item.tree) {
          // The rest of a piece may be in the next message, and still find space.
          item.isFull = true;
          throw quotaExceeded();
        }
        item.givesUp = true;
        // Nobody waits until it is removed: on a full disk that may take its time.
        written.push(item.tree.catchUp().then(() => void removeOwn(item)));
      }
      item.unsettled += length;
      if (item.tree) {
        written.push(item.tree.write(at, bytes));
      }
    }
    if (item.journal && !item.givesUp && records.length > 0) {
      item.records.push(records);
      if (item.unsettled >= SETTLE_BYTES) {
        settle(item);
      } else {
        item.timer ??= setTimeout(settle, SETTLE_AFTER, item);
      }
    }
    // Nobody waits for what is stored here.
    return written.length > 0 ? Promise.all(written).then(() => null) : null;
  },

  /** Lets go of the complete file, and hands it over, unless it is where the person wanted it. Nothing waits for the disk:
      from now on it lasts no longer than the page. */
  async finish(file) {
    const item = files.get(file);
    if (item.tree) {
      await item.tree.finish();
      await removeOwn(item);
      return null;
    }
    const { journal } = item;
    close(item);
    if (journal) {
      await item.place.removeEntry(JOURNAL);
    }
    return (await item.place.getFileHandle(item.name)).getFile();
  },

  /** Lets go of a file that is to be gone on with; false when there is none. What a directory has of it goes: only the copy
      can be gone on with. */
  async suspend(file) {
    const item = files.get(file);
    if (!item.journal) {
      return false;
    }
    files.delete(file);
    await item.tree?.remove();
    settle(item);
    suspended.add(item.folder);
    close(item);
    letGo(item);
    return true;
  },

  /** Removes a file, finished or not. */
  async remove(file) {
    const item = files.get(file);
    files.delete(file);
    await item.tree?.remove();
    if (item.release || !item.place) {
      return removeOwn(item);
    }
    close(item);
    await item.place.removeEntry(item.name);
  },
};

onmessage = async ({ data: [action, call, ...rest] }) => {
  let [error, result] = [null, null];
  try {
    const done = actions[action](...rest);
    result = done instanceof Promise ? await done : done;
  } catch (thrown) {
    error = thrown?.name ?? "Error";
  }
  result ??= rest[1] instanceof ArrayBuffer ? rest[1] : null;
  postMessage([call, error, result], result instanceof ArrayBuffer ? [result] : []);
};
