// Pickers need a person. A folder in the browser's own storage is a real directory handle to the app.
const chosen = async () => (await navigator.storage.getDirectory()).getDirectoryHandle("chosen", { create: true });
if (window.showDirectoryPicker) {
    window.showDirectoryPicker = chosen;
}
if (window.showSaveFilePicker) {
    window.showSaveFilePicker = async ({ suggestedName } = {}) =>
        (await chosen()).getFileHandle(suggestedName, { create: true });
}
