const [name, slice] = arguments;
const tree = { files: {}, folders: [] };
const digest = bytes => crypto.subtle.digest("SHA-256", bytes);
const hex = bytes => [...new Uint8Array(bytes)].map(byte => byte.toString(16).padStart(2, "0")).join("");
const readFile = async (file, path) => {
    const slices = [];
    for (let start = 0; start < file.size; start += slice) {
        slices.push(await digest(await file.slice(start, start + slice).arrayBuffer()));
    }
    tree.files[path] = { size: file.size, digest: hex(await digest(await new Blob(slices).arrayBuffer())) };
};
const readEntry = async (entry, path) => {
    if (entry.kind === "file") {
        return readFile(await entry.getFile(), path);
    }
    tree.folders.push(path);
    for await (const [below, child] of entry.entries()) {
        await readEntry(child, `${path}/${below}`);
    }
};
const chosen = await (await navigator.storage.getDirectory()).getDirectoryHandle("chosen");
for await (const [entry, handle] of chosen.entries()) {
    if (entry === name) {
        await readEntry(handle, entry);
    }
}
return tree;
