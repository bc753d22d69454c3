const all = handle => [...document.querySelectorAll(`[data-testid="${handle}"]`)];
const facts = element => ({ ...element.dataset });
return {
    code: all("room-code")[0]?.textContent.trim(),
    link: all("room-link")[0]?.dataset.link,
    join_code: all("join-code")[0]?.value,
    items: all("item").map(item => ({ ...facts(item), markup: item.innerHTML })),
    peers: all("peer").map(facts),
    notices: [...all("status"), ...all("alert")]
        .flatMap(place => [place, ...place.querySelectorAll("[data-code]")])
        .map(notice => notice.dataset.code)
        .filter(Boolean),
    downloads: all("downloads")[0]?.textContent,
    unfinished: all("unfinished")[0]?.textContent,
    name: all("room-name-state")[0]?.dataset.state,
    remembered: all("return")[0]?.textContent,
};
