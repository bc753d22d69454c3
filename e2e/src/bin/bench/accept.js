// Accepts the first file that is offered, at once.
new MutationObserver((_, observer) => {
    const button = document.querySelector('[data-testid="item"] [data-testid="accept"]');
    if (button) {
        observer.disconnect();
        button.click();
    }
}).observe(document, { subtree: true, childList: true });
