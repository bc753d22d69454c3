// An item received into a directory that the person chose: every file under its own name, in its own folder.
//
// A browser shows what is written only when a file is closed, so a half-made file is an empty one; what is half written is
// the browser's alone, and gone with the page. So a later page takes what is stored already from a copy, which is the
// business of sink-worker.js, and writes it once more. Overwrites and removes nothing but what the item itself made: what a
// page before left is taken for the item's only as long as nobody else touched it.
"use strict";

/** Files that are worked on at a time: each step of a small file is a round trip to the browser's own process. */
const SIDE_BY_SIDE = 16;
/** What a browser keeps to itself has the name of its file, and this. */
const SWAP = ".crswap";
/** Bytes that are taken from the copy at once. */
const TAKEN_AT_ONCE = 1024 * 1024;

/** Names are looked at and taken one after the other, so that no two items find the same one free. */
let claims = Promise.resolve();

/** The handle of a file, or nothing where there is none; of a folder there is none either way. */
const existing = async (directory, name) => {
  try {
    return await directory.getFileHandle(name);
  } catch (error) {
    if (error.name !== "NotFoundError") {
      throw error;
    }
  }
};

/** Makes an empty file or folder; false when something has this name already. */
const claim = (directory, name, isFolder) => {
  const claimed = claims.then(async () => {
    try {
      if (await existing(directory, name)) {
        return false;
      }
    } catch (error) {
      if (error.name === "TypeMismatchError") {
        return false;
      }
      throw error;
    }
    await (isFolder ? directory.getDirectoryHandle(name, { create: true }) : directory.getFileHandle(name, { create: true }));
    return true;
  });
  claims = claimed.catch(() => {});
  return claimed;
};

/** Did nobody touch this file since then, in milliseconds since 1970? */
const isUntouched = async (handle, since) => {
  const file = await handle.getFile();
  return file.size === 0 || file.lastModified <= since;
};

/** Is there still what an item made under this name, and nothing of somebody else's? Nobody touched it after `since`. */
const isThere = async (directory, name, isFolder, since) => {
  try {
    if (!isFolder) {
      return await isUntouched(await directory.getFileHandle(name), since);
    }
    const folders = [await directory.getDirectoryHandle(name)];
    for (let folder; (folder = folders.pop()); ) {
      const files = [];
      for await (const handle of folder.values()) {
        if (handle.kind === "directory") {
          folders.push(handle);
        } else if (!handle.name.endsWith(SWAP)) {
          files.push(handle);
        }
      }
      while (files.length > 0) {
        const some = files.splice(-SIDE_BY_SIDE);
        if ((await Promise.all(some.map((handle) => isUntouched(handle, since)))).includes(false)) {
          return false;
        }
      }
    }
    return true;
  } catch {
    return false;
  }
};

/** The files of one item, which has the name `top` in `directory`. */
class Tree {
  /** Files with something to do that nobody does yet. */
  #waiting = [];
  #running = 0;
  /** Those who wait until nothing is done any more. */
  #idle = [];
  /** Why nothing is done any more. */
  #failure = null;
  /** The folders by their paths below the item, which itself is the empty one. */
  #folders = new Map();
  #files;

  constructor(directory, top, isAgain, read) {
    this.directory = directory;
    this.top = top;
    /** A page before wrote some of it. */
    this.isAgain = isAgain;
    /** Reads the copy into an array, from a position on. */
    this.read = read;
  }

  /** Makes the folders. `starts` has where each file starts among all bytes of the item, and where the last one ends; `kept`
      position and length of what is in the copy. Paths are below the item: that of a single file is empty. */
  async lay(isFolder, folders, paths, starts, kept) {
    if (isFolder) {
      this.#folders.set("", await this.directory.getDirectoryHandle(this.top));
    }
    for (const path of folders.filter((path) => path !== "")) {
      const [parent, name] = this.#place(path);
      this.#folders.set(path, await parent.getDirectoryHandle(name, { create: true }));
    }
    this.#files = paths.map((path, index) => ({
      path,
      start: starts[index],
      size: starts[index + 1] - starts[index],
      /** What is in the copy and not here: position in the file and length. */
      kept: [],
      todo: [],
      stream: null,
      busy: false,
    }));
    for (let i = 0; i < kept.length; i += 2) {
      for (const { file, from, length } of this.#split(kept[i], kept[i + 1])) {
        file.kept.push([from, length]);
      }
    }
  }

  /** Writes what has its place at `at` among all bytes of the item. */
  write(at, bytes) {
    const parts = this.#split(at, bytes.length);
    return Promise.all(
      parts.map(({ file, from, length, offset }) => {
        const part = bytes.subarray(offset, offset + length);
        return this.#add(file, () => this.#put(file, from, part));
      }),
    );
  }

  /** Completes a file. */
  close(index) {
    const file = this.#files[index];
    return this.#add(file, async () => {
      if (await this.#isComplete(file)) {
        return;
      }
      while (await this.#take(file));
      const stream = await this.#stream(file);
      file.stream = null;
      await stream.close();
    });
  }

  /** Writes everything that only the copy has, of the files that are not complete. */
  async catchUp() {
    const behind = this.#files.filter(({ kept }) => kept.length > 0);
    await Promise.all(
      behind.map((file) =>
        this.#add(file, async () => {
          while (!(await this.#isComplete(file)) && (await this.#take(file)));
        }),
      ),
    );
  }

  /** Waits until everything asked for is done. */
  async finish() {
    if (this.#running > 0) {
      await new Promise((resolve) => this.#idle.push(resolve));
    }
  }

  /** Removes everything, completed files too. */
  async remove() {
    this.#failure ??= new Error("removed");
    await this.finish();
    for (const { stream } of this.#files ?? []) {
      await stream?.abort().catch(() => {});
    }
    // The person may have moved it meanwhile.
    await this.directory.removeEntry(this.top, { recursive: true }).catch(() => {});
    await this.directory.removeEntry(this.top + SWAP).catch(() => {});
  }

  /** The folder that something is in, and its name there. */
  #place(path) {
    const end = path.lastIndexOf("/");
    return path === "" ? [this.directory, this.top] : [this.#folders.get(path.slice(0, Math.max(end, 0))), path.slice(end + 1)];
  }

  /** The files that so many bytes from `at` on belong to, with position and length in each, and offset in the bytes. */
  #split(at, length) {
    let [low, high] = [0, this.#files.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      [low, high] = this.#files[middle].start > at ? [low, middle] : [middle, high];
    }
    const parts = [];
    for (let offset = 0; offset < length; low += 1) {
      const file = this.#files[low];
      const from = at + offset - file.start;
      const here = Math.min(length - offset, file.size - from);
      if (here > 0) {
        parts.push({ file, from, length: here, offset });
        offset += here;
      }
    }
    return parts;
  }

  #add(file, act) {
    return new Promise((resolve, reject) => {
      file.todo.push({ act, resolve, reject });
      if (!file.busy) {
        file.busy = true;
        this.#waiting.push(file);
        if (this.#running < SIDE_BY_SIDE) {
          this.#run();
        }
      }
    });
  }

  /** Works on one file after another until none waits. */
  async #run() {
    this.#running += 1;
    for (let file; (file = this.#waiting.shift()); file.busy = false) {
      for (let todo; (todo = file.todo.shift()); ) {
        await this.#whole(todo.act).then(todo.resolve, todo.reject);
        // What arrives goes first; what is in the copy has time until then, or until the file is complete.
        while (file.todo.length === 0 && file.stream && (await this.#whole(() => this.#take(file)).catch(() => false)));
      }
    }
    this.#running -= 1;
    if (this.#running === 0) {
      this.#idle.splice(0).forEach((resolve) => resolve());
    }
  }

  /** Takes the next bytes of a file from the copy; false when there are none. */
  async #take(file) {
    const next = file.kept[0];
    if (!next) {
      return false;
    }
    const [from, length] = next;
    const bytes = new Uint8Array(Math.min(length, TAKEN_AT_ONCE));
    this.read(bytes, file.start + from);
    await this.#put(file, from, bytes);
    if (length > bytes.length) {
      file.kept[0] = [from + bytes.length, length - bytes.length];
    } else {
      file.kept.shift();
    }
    return true;
  }

  /** Does something unless something failed before: with a stream that failed goes what was written by it, so nothing may
      be completed after that. */
  async #whole(act) {
    try {
      if (!this.#failure) {
        return await act();
      }
    } catch (error) {
      this.#failure ??= error.name === "QuotaExceededError" ? new DOMException("no space", "PlaceFullError") : error;
    }
    throw this.#failure;
  }

  async #put(file, position, data) {
    const stream = await this.#stream(file);
    await stream.write({ type: "write", position, data });
  }

  async #stream(file) {
    if (!file.stream) {
      const [folder, name] = this.#place(file.path);
      if (this.isAgain) {
        // A browser that was killed leaves behind what it kept to itself.
        await folder.removeEntry(name + SWAP).catch(() => {});
      }
      file.stream = await (await folder.getFileHandle(name, { create: true })).createWritable();
    }
    return file.stream;
  }

  /** Was a file completed before, of which the copy has everything? */
  async #isComplete(file) {
    const all = file.kept.reduce((sum, [, length]) => sum + length, 0);
    if (all === 0 || all < file.size || file.stream) {
      return false;
    }
    const [folder, name] = this.#place(file.path);
    const handle = await existing(folder, name);
    const complete = (await handle?.getFile())?.size === file.size;
    if (complete) {
      file.kept = [];
    }
    return complete;
  }
}
