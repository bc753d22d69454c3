// Drops a folder: entries like those of a real drop, over files made from the bytes that were passed in.
const [packed] = arguments;
const bytesOf = text => Uint8Array.from(atob(text), character => character.charCodeAt(0));
const own = (object, values) => {
    for (const [name, value] of Object.entries(values)) {
        Object.defineProperty(object, name, { value });
    }
    return object;
};
const entryOf = (node, parent) => {
    const fullPath = `${parent}/${node.name}`;
    const common = { name: node.name, fullPath, isFile: !node.children, isDirectory: !!node.children };
    if (!node.children) {
        const file = new File([bytesOf(node.bytes)], node.name);
        return own(Object.create(FileSystemFileEntry.prototype), { ...common, file: done => done(file) });
    }
    const createReader = () => {
        let rest = node.children.map(child => entryOf(child, fullPath));
        const readEntries = done => {
            const batch = rest.slice(0, 100);
            rest = rest.slice(100);
            queueMicrotask(() => done(batch));
        };
        return own(Object.create(FileSystemDirectoryReader.prototype), { readEntries });
    };
    return own(Object.create(FileSystemDirectoryEntry.prototype), { ...common, createReader });
};
const entry = entryOf(packed, "");
const item = own(Object.create(DataTransferItem.prototype), { kind: "file", type: "", webkitGetAsEntry: () => entry });
const items = own(Object.create(DataTransferItemList.prototype), { length: 1, 0: item });
const files = new DataTransfer().files;
const transfer = own(Object.create(DataTransfer.prototype), { items, files, types: ["Files"], dropEffect: "copy" });
for (const kind of ["dragenter", "dragover", "drop"]) {
    const event = own(new DragEvent(kind, { bubbles: true, cancelable: true }), { dataTransfer: transfer });
    document.body.dispatchEvent(event);
}
