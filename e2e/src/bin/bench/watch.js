// Notes the first time of everything that is measured, in milliseconds since the page was asked for.
{
    const bench = (window.bench = {});
    const note = name => (bench[name] ??= performance.now());
    // What is in the document now is on the screen after the next frame.
    const noteOnScreen = name => {
        if (!(name in bench)) {
            bench[name] = null;
            requestAnimationFrame(() => setTimeout(() => note(name)));
        }
    };
    const received = '[data-testid="item"][data-direction="in"]';
    const look = () => {
        if (document.querySelector('[data-testid="file-input"]')) {
            note("ready");
        }
        if (document.querySelector('[data-testid="peer"][data-state="connected"]')) {
            note("connected");
        }
        if (document.querySelector(`${received} [data-testid="text"]`)?.textContent) {
            noteOnScreen("text");
        }
        const state = document.querySelector(`${received}:not([data-name=""])`)?.dataset.state;
        if (state) {
            noteOnScreen("offered");
        }
        if (state === "done") {
            note("finished");
        } else if (state === "failed" || state === "cancelled") {
            bench.failed = state;
        }
    };
    const pressed = ({ target }) => target.closest?.('[data-testid="accept"]') && note("started");
    addEventListener("click", pressed, true);
    const changes = { subtree: true, childList: true, attributeFilter: ["data-state"] };
    new MutationObserver(look).observe(document, changes);
}
