const root = await navigator.storage.getDirectory();
const chosen = await root.getDirectoryHandle("chosen", { create: true });
const names = [];
for await (const name of chosen.keys()) {
    names.push(name);
}
return names;
